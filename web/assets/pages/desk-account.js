// One account at the desk.

import { ask, change } from '../api.js';
import { h, icon } from '../dom.js';
import { clock, since, t } from '../i18n.js';
import { empty, pagedList, say, section } from '../page.js';
import { session } from '../session.js';
import { extensionRow } from './desk-find.js';
import { auditRow } from './desk-audit.js';
import { act, reasoned } from './desk-number.js';

const QUERY = `query($username:String!){account(username:$username){id username displayName email emailVerifiedAt role createdAt restrictions{source reason createdAt createdBy{username}}}
  auditEvents(actor:$username,first:10){nodes{at actor action summary}}}`;

/** @param {import('../page.js').Page} page @param {string} name */
export function show(page, name) {
  const place = page.place(() => ask(QUERY, { username: name }, page.signal), ({ account, auditEvents }) => {
    if (!account) return empty(t('desk.noAccount', { name }));
    document.title = `${account.username} · Switchboard`;
    return [
      h('a', { class: 'back', href: '/operate' }, icon('back'), t('desk.find')),
      h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, account.username), banButton(account, () => place.reload())),
      account.restrictions.map((/** @type {any} */ one) => h('div', { class: 'notice bad' }, h('p', null, h('strong', null, t(`restriction.${one.source}`)), ' ', one.reason, ' ',
        h('small', null, one.createdBy ? t('desk.restrictedBy', { actor: one.createdBy.username, since: since(one.createdAt) }) : since(one.createdAt))))),
      h('dl', { class: 'facts' },
        h('dt', null, t('desk.name')), h('dd', null, account.displayName),
        h('dt', null, t('field.email')), h('dd', null, account.email, ' ', h('span', { class: account.emailVerifiedAt ? 'tag accent' : 'tag warn' }, t(account.emailVerifiedAt ? 'desk.verified' : 'desk.unverified'))),
        h('dt', null, t('desk.role')), h('dd', null, t(`role.${account.role}`)),
        h('dt', null, t('desk.since')), h('dd', null, clock(account.createdAt))),
      section(t('desk.numbers'), numbersOf(account, page.signal)),
      section(t('desk.did'), auditEvents.nodes.length === 0 ? h('p', { class: 'quiet' }, t('desk.didNothing')) : h('ul', { class: 'list' }, auditEvents.nodes.map(auditRow))),
    ];
  });
  return place.node;
}

/** @param {any} account @param {AbortSignal} signal */
function numbersOf(account, signal) {
  return pagedList(async (after) => (await ask(`query($owner:String!,$after:String){extensions(owner:$owner,first:50,after:$after){nodes{number label owner{username displayName} serviceType{name}
    restrictions{source reason} provisioning{consumer state at message}} pageInfo{hasNextPage endCursor}}}`, { owner: account.username, after }, signal)).extensions,
  extensionRow, signal, () => h('p', { class: 'quiet' }, t('desk.noNumbers')));
}

/** @param {any} account @param {() => void} reload */
function banButton(account, reload) {
  // An operator may not act on an admin, nobody on himself.
  if (account.username === session.viewer?.username || (account.role === 'ADMIN' && !session.isAtLeast('ADMIN'))) return null;
  if (account.restrictions.some((/** @type {any} */ one) => one.source === 'BAN')) {
    return h('button', { type: 'button', onclick: () => act('unbanAccount', { username: account.username }, 'account{id}', t('desk.unbannedDone', { name: account.username }), reload) }, t('desk.unban'));
  }
  return h('button', { type: 'button', class: 'danger', onclick: () => reasoned(t('desk.banTitle', { name: account.username }), t('desk.banText'), t('desk.ban'),
    (reason) => change('banAccount', { username: account.username, reason }, 'account{id}'), () => { say(t('desk.bannedDone', { name: account.username })); reload(); }) }, t('desk.ban'));
}
