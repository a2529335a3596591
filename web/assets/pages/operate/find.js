// `/e/{event}/operate`: finds numbers and accounts.

import { buttonLink, h } from '../../lib/dom.js';
import { t, tn } from '../../lib/i18n.js';
import { graphql, query } from '../../transport/http.js';
import { emptyState, list, numberText, section, tag } from '../../ui/layout.js';
import { searchBox, searchInAddress, showSearchInAddress } from '../../ui/search-box.js';
import { OperatePage } from './operate-page.js';
import { accountPath, numberPath } from './paths.js';
import { extensionRow } from './rows.js';

/** @typedef {import('../../../types/graphql.js').Data<'Find'>} Found */
/** @typedef {import('../../../types/graphql.js').Item<Found['accounts']['nodes']>} FoundAccount */
/** @typedef {NonNullable<Found['number']>} FoundNumber */

const FIND = graphql(`query Find($event: String!, $search: String, $number: PhoneNumber!, $isNumber: Boolean!) {
  extensions(event: $event, search: $search, first: 20) {
    totalCount
    nodes {
      number label
      owner { username displayName }
      serviceType { name }
      restrictions { source reason }
      provisioning { consumer state at message }
    }
  }
  accounts(search: $search, first: 8) { nodes { username displayName role restrictions { source } } }
  number(event: $event, number: $number) @include(if: $isNumber) {
    number state until
    account { username }
    extension { id }
  }
}`);

const SEARCH_DELAY = 80;

export default class FindPage extends OperatePage {
  tab = '/operate';

  /** @override @param {string} event */
  content(event) {
    const box = searchBox({
      label: t('desk.search'),
      placeholder: t('desk.placeholder'),
      value: searchInAddress(),
      delay: SEARCH_DELAY,
      onSearch: (search) => {
        showSearchInAddress(search);
        results.reload();
      },
      // The results on the page may still answer an earlier search.
      onEnter: () => results.reload().then(() => results.node.querySelector('a')?.click()),
    });
    const results = this.region(
      () => query(FIND, searchVariables(event, box.text()), this.signal),
      (found) => this.#results(found, box.text()),
    );
    box.node.classList.add('desk-search');
    queueMicrotask(() => box.input.focus());
    return [box.node, results.node];
  }

  /** @param {Found} found @param {string} search */
  #results({ extensions, accounts, number }, search) {
    const unassigned = number && !number.extension ? number : null;
    if (extensions.nodes.length === 0 && accounts.nodes.length === 0 && !unassigned) {
      return emptyState(t('desk.nothing', { search }));
    }
    const count = h('p', { class: 'quiet', role: 'status' }, tn('desk.count', extensions.totalCount));
    const hasAccounts = accounts.nodes.length > 0 && search !== '';
    return [
      unassigned && this.#unassignedNumber(unassigned),
      hasAccounts && section(t('desk.accounts'), list(accounts.nodes.map((one) => this.#accountRow(one)))),
      extensions.nodes.length > 0 &&
        section(t('desk.numbers'), count, list(extensions.nodes.map((one) => extensionRow(this, one)))),
    ];
  }

  /** @param {FoundNumber} number */
  #unassignedNumber({ number, state }) {
    const text = t('desk.numberIs', { state: t(`numberState.${state}`) });
    const action = t(state === 'AVAILABLE' ? 'desk.giveOut' : 'desk.open');
    return h(
      'div',
      { class: 'notice good' },
      h('p', null, numberText(number), ' ', text),
      buttonLink(numberPath(this, number), action),
    );
  }

  /** @param {FoundAccount} account */
  #accountRow({ username, displayName, role, restrictions }) {
    return h(
      'li',
      { class: 'row' },
      h('a', { class: 'name', href: accountPath(this, username) }, username),
      h('span', { class: 'grow' }, displayName),
      role !== 'USER' && tag(t(`role.${role}`)),
      (restrictions ?? []).length > 0 && tag(t('desk.banned'), 'bad'),
    );
  }
}

/** @param {string} event @param {string} search */
function searchVariables(event, search) {
  const digits = search.replace(/[\s-]/g, '');
  const isNumber = /^\d{1,15}$/.test(digits);
  return { event, search: search || null, number: isNumber ? digits : '0', isNumber };
}
