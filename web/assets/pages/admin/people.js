// `/e/{event}/admin/people`: accounts and their roles.

import { h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { session } from '../../session.js';
import { graphql, query } from '../../transport/http.js';
import { emptyState, quiet, section } from '../../ui/layout.js';
import { runMutation } from '../../ui/mutation.js';
import { pagedList } from '../../ui/paged-list.js';
import { searchBox } from '../../ui/search-box.js';
import { AdminPage } from './admin-page.js';

/** @typedef {import('../../../types/graphql.js').Data<'Accounts'>['accounts']['nodes']} AllAccounts */
/** @typedef {import('../../../types/graphql.js').Item<AllAccounts>} Account */
/** @typedef {import('../../../types/api.js').Role} Role */

const ACCOUNTS = graphql(`query Accounts($search: String, $role: Role, $after: String) {
  accounts(search: $search, role: $role, after: $after) {
    nodes { username displayName role }
    pageInfo { hasNextPage endCursor }
  }
}`);

const SEARCH_DELAY = 120;
/** @type {Role[]} */
const ROLES = ['USER', 'OPERATOR', 'ADMIN'];

export default class PeoplePage extends AdminPage {
  tab = '/admin/people';

  /** @override */
  content() {
    const holder = h('div', null);
    const showAccounts = (/** @type {string} */ search) => holder.replaceChildren(...this.#accounts(search));
    const label = t('people.search');
    const box = searchBox({ label, delay: SEARCH_DELAY, isSmall: true, onSearch: showAccounts });
    showAccounts('');
    return [quiet(t('people.text')), box.node, holder];
  }

  /** Those that a search finds; without one, all by role. @param {string} search */
  #accounts(search) {
    if (search) return [this.#list(search, null, () => emptyState(t('people.none')))];
    return [...ROLES].reverse().map((role) =>
      section(
        t(`people.${role}`),
        this.#list(null, role, () => quiet(t('people.noneYet'))),
      ),
    );
  }

  /** @param {string | null} search @param {Role | null} role @param {() => HTMLElement} renderEmpty */
  #list(search, role, renderEmpty) {
    const load = async (/** @type {string | null} */ after) =>
      (await query(ACCOUNTS, { search, role, after }, this.signal)).accounts;
    return pagedList(load, (account) => this.#row(account), this.signal, renderEmpty);
  }

  /** @param {Account} account */
  #row({ username, displayName, role }) {
    const href = this.path(`/operate/accounts/${encodeURIComponent(username)}`);
    return h(
      'li',
      { class: 'row' },
      h('div', { class: 'grow' }, h('a', { class: 'name', href }, username), h('div', { class: 'quiet' }, displayName)),
      h('div', null, roleSelect(username, role)),
    );
  }
}

/** @param {string} username @param {Role} role */
function roleSelect(username, role) {
  let savedRole = role;
  const onchange = async () => {
    const chosen = ROLES[select.selectedIndex];
    const message = t('people.changed', { name: username, role: t(`role.${chosen}`) });
    const keep = () => {
      savedRole = chosen;
    };
    await runMutation('setRole', { username, role: chosen }, 'account { id }', keep, message);
    select.selectedIndex = ROLES.indexOf(savedRole);
  };
  const options = ROLES.map((one) => h('option', { value: one, selected: one === role }, t(`role.${one}`)));
  const isOwn = username === session.viewer?.username;
  const label = t('people.roleOf', { name: username });
  const select = h('select', { 'aria-label': label, disabled: isOwn, onchange }, options);
  return select;
}
