// Numbers that are kept for somebody.

import { ask } from '../api.js';
import { h } from '../dom.js';
import { Field } from '../form.js';
import { clock, t } from '../i18n.js';
import { empty, pagedList } from '../page.js';
import { session } from '../session.js';
import { bigNumber } from '../widgets.js';

const STATES = ['RESERVED', 'HELD', 'AGING'];

/** @param {import('../page.js').Page} page */
export function show(page) {
  const event = session.event?.slug;
  if (!event) return empty(t('directory.noEvent'));
  const place = h('div', null);
  /** @param {string} state */
  const list = (state) => place.replaceChildren(pagedList(async (after) => (await ask(`query($event:String,$state:NumberState,$after:String){numbers(event:$event,state:$state,after:$after){
    nodes{number state until account{username}} pageInfo{hasNextPage endCursor}}}`, { event, state, after }, page.signal)).numbers, row, page.signal, () => empty(t('desk.noneKept'))));
  list('RESERVED');
  const states = Field.choice('state', t('desk.which'), STATES.map((one) => [one, t(`desk.kept.${one}`)]), { value: 'RESERVED', onpick: list });
  return [h('p', { class: 'quiet' }, t('desk.reservationsText')), states.node, place];
}

/** @param {any} number */
const row = (number) => h('li', { class: 'row entry' }, h('a', { class: 'dial', href: `/operate/numbers/${number.number}` }, bigNumber(number.number)),
  h('div', { class: 'grow' }, number.account && h('a', { class: 'name', href: `/operate/accounts/${encodeURIComponent(number.account.username)}` }, number.account.username),
    h('div', { class: 'quiet' }, number.until ? t('desk.until', { until: clock(number.until) }) : t('desk.noEnd'))));
