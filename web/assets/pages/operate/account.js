// `/e/{event}/operate/accounts/{username}`: one account.

import { button, h } from '../../lib/dom.js';
import { formatDateTime, formatRelative, t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { session } from '../../session.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { emptyState, facts, list, notice, quiet, section, setTitle, tag } from '../../ui/layout.js';
import { runMutation } from '../../ui/mutation.js';
import { pagedList } from '../../ui/paged-list.js';
import { showToast } from '../../ui/toast.js';
import { OperatePage } from './operate-page.js';
import { openReasonDialog } from './reason-dialog.js';
import { auditRow, extensionRow, keptNumberRow } from './rows.js';

/** @typedef {import('../../../types/graphql.js').Data<'OperatedAccount'>} OperatedAccount */
/** @typedef {NonNullable<OperatedAccount['account']>} Account */
/** @typedef {import('../../../types/graphql.js').Item<NonNullable<Account['restrictions']>>} AccountRestriction */

const ACCOUNT = graphql(`query OperatedAccount($username: String!) {
  account(username: $username) {
    id username displayName email emailVerifiedAt role createdAt
    restrictions { source reason createdAt createdBy { username } }
    heldNumbers(first: 100) { nodes { number until event { slug } } }
  }
  auditEvents(actor: $username, first: 10) { nodes { at actor action summary } }
}`);
const NUMBERS_OF_ACCOUNT = graphql(`query NumbersOfAccount($owner: String!, $after: String) {
  extensions(owner: $owner, first: 50, after: $after) {
    nodes {
      number label
      event { slug name }
      owner { username displayName }
      serviceType { name }
      restrictions { source reason }
      provisioning { consumer state at message }
    }
    pageInfo { hasNextPage endCursor }
  }
}`);

export default class OperatedAccountPage extends OperatePage {
  /** @override @param {string} event */
  content(event) {
    const { username } = this.params;
    setTitle(username);
    const account = this.region(
      () => query(ACCOUNT, { username }, this.signal),
      (found) =>
        found.account
          ? this.#account(found.account, found.auditEvents.nodes, event, () => account.reload())
          : emptyState(t('desk.noAccount', { name: username })),
    );
    return account.node;
  }

  /**
   * @param {Account} account
   * @param {import('./rows.js').AuditEvent[]} auditEvents
   * @param {string} event
   * @param {() => void} reload
   */
  #account(account, auditEvents, event, reload) {
    const held = (account.heldNumbers?.nodes ?? []).filter((number) => number.event?.slug === event);
    const heldRows = held.map((number) => keptNumberRow(this, number));
    return [
      h('a', { class: 'back', href: this.path('/operate') }, icon('back'), t('desk.find')),
      h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, account.username), banButton(account, reload)),
      (account.restrictions ?? []).map(restrictionNotice),
      accountFacts(account),
      section(t('desk.numbers'), this.#numbers(account.username)),
      held.length > 0 && section(t('desk.kept.HELD'), list(heldRows)),
      section(t('desk.did'), auditEvents.length === 0 ? quiet(t('desk.didNothing')) : list(auditEvents.map(auditRow))),
    ];
  }

  /** @param {string} owner */
  #numbers(owner) {
    const load = async (/** @type {string | null} */ after) =>
      (await query(NUMBERS_OF_ACCOUNT, { owner, after }, this.signal)).extensions;
    return pagedList(
      load,
      (extension) => extensionRow(this, extension),
      this.signal,
      () => quiet(t('desk.noNumbers')),
    );
  }
}

/** @param {Account} account */
function accountFacts({ displayName, email, emailVerifiedAt, role, createdAt }) {
  const verified = emailVerifiedAt ? tag(t('desk.verified'), 'accent') : tag(t('desk.unverified'), 'warn');
  return facts([
    [t('desk.name'), displayName],
    [t('field.email'), [email, ' ', verified]],
    [t('desk.role'), t(`role.${role}`)],
    [t('desk.since'), formatDateTime(createdAt)],
  ]);
}

/** @param {AccountRestriction} restriction */
function restrictionNotice({ source, reason, createdAt, createdBy }) {
  const since = formatRelative(createdAt);
  const origin = createdBy ? t('desk.restrictedBy', { actor: createdBy.username, since }) : since;
  const title = h('strong', null, t(`restriction.${source}`));
  return notice('bad', h('p', null, title, ' ', reason, ' ', h('small', null, origin)));
}

/** @param {Account} account @param {() => void} reload */
function banButton({ username, role, restrictions }, reload) {
  // Neither may an operator ban an admin, nor an account itself.
  if (username === session.viewer?.username || (role === 'ADMIN' && !session.isAtLeast('ADMIN'))) return null;
  if ((restrictions ?? []).some(({ source }) => source === 'BAN')) {
    const message = t('desk.unbannedDone', { name: username });
    return button(t('desk.unban'), () => runMutation('unbanAccount', { username }, 'account { id }', reload, message));
  }
  const openDialog = () =>
    openReasonDialog({
      title: t('desk.banTitle', { name: username }),
      text: t('desk.banText'),
      submit: t('desk.ban'),
      send: (reason) => mutate('banAccount', { username, reason }, 'account { id }'),
      done: () => {
        showToast(t('desk.bannedDone', { name: username }));
        reload();
      },
    });
  return button(t('desk.ban'), openDialog, { class: 'danger' });
}
