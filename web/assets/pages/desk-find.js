// Anything by number, name or account: one box.

import { ask } from '../api.js';
import { h, icon } from '../dom.js';
import { t, tn } from '../i18n.js';
import { empty } from '../page.js';
import { session } from '../session.js';
import { bigNumber, stateOf } from '../widgets.js';

const QUERY = `query($event:String!,$search:String,$number:PhoneNumber!,$isNumber:Boolean!){
  extensions(event:$event,search:$search,first:20){totalCount nodes{number label owner{username displayName} serviceType{name} restrictions{source reason} provisioning{consumer state at message}}}
  accounts(search:$search,first:8){nodes{username displayName role restrictions{source}}}
  number(event:$event,number:$number)@include(if:$isNumber){number state until account{username} extension{id}}}`;

/** @param {import('../page.js').Page} page */
export function show(page) {
  const event = session.event?.slug;
  if (!event) return empty(t('directory.noEvent'));
  const wished = new URLSearchParams(location.search).get('q') ?? '';
  const box = h('input', { type: 'search', class: 'searchbox', placeholder: t('desk.placeholder'), 'aria-label': t('desk.search'), autocomplete: 'off', spellcheck: 'false', enterkeyhint: 'search', value: wished });
  const results = page.place(() => {
    const search = box.value.trim();
    const digits = search.replace(/[\s-]/g, '');
    const isNumber = /^\d{1,15}$/.test(digits);
    return ask(QUERY, { event, search: search || null, number: isNumber ? digits : '0', isNumber }, page.signal);
  }, (data) => found(data, box.value.trim()));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  box.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const search = box.value.trim();
      history.replaceState(null, '', search ? `/operate?q=${encodeURIComponent(search)}` : '/operate');
      results.reload();
    }, 80);
  });
  box.addEventListener('keydown', (pressed) => {
    if (pressed.key !== 'Enter' || !box.value.trim()) return;
    // What stands there may still be the answer to something else.
    clearTimeout(timer);
    results.reload().then(() => /** @type {HTMLAnchorElement | null} */ (results.node.querySelector('a[href]'))?.click());
  });
  queueMicrotask(() => box.focus());
  return [h('div', { class: 'search desk-search' }, icon('search'), box), results.node];
}

/** @param {any} data @param {string} search */
function found({ extensions, accounts, number }, search) {
  const untouched = number && !number.extension;
  if (extensions.nodes.length === 0 && accounts.nodes.length === 0 && !untouched) return empty(t('desk.nothing', { search }));
  return [
    untouched && h('div', { class: 'notice good' }, h('p', null, bigNumber(number.number), ' ', t('desk.numberIs', { state: t(`numberState.${number.state}`) })),
      h('a', { class: 'button', href: `/operate/numbers/${number.number}` }, t(number.state === 'AVAILABLE' ? 'desk.giveOut' : 'desk.open'))),
    accounts.nodes.length > 0 && search && h('section', { class: 'section' }, h('h2', null, t('desk.accounts')), h('ul', { class: 'list' }, accounts.nodes.map(accountRow))),
    extensions.nodes.length > 0 && h('section', { class: 'section' }, h('h2', null, t('desk.numbers')),
      h('p', { class: 'quiet', role: 'status' }, tn('desk.count', extensions.totalCount)),
      h('ul', { class: 'list' }, extensions.nodes.map(extensionRow))),
  ];
}

/** @param {any} one */
function accountRow(one) {
  return h('li', { class: 'row' }, h('a', { class: 'name', href: `/operate/accounts/${encodeURIComponent(one.username)}` }, one.username), h('span', { class: 'grow' }, one.displayName),
    one.role !== 'USER' && h('span', { class: 'tag' }, t(`role.${one.role}`)), one.restrictions?.length > 0 && h('span', { class: 'tag bad' }, t('desk.banned')));
}

/** A number with its owner and its state. @param {any} one */
export function extensionRow(one) {
  return h('li', { class: 'row entry' }, h('a', { class: 'dial', href: `/operate/numbers/${one.number}` }, bigNumber(one.number)),
    h('div', { class: 'grow' }, h('div', { class: 'name' }, one.label), h('div', { class: 'quiet' }, `${one.serviceType.name} · ${one.owner.displayName} (${one.owner.username})`), stateOf(one)));
}
