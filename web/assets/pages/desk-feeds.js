// The telephone systems: how far each has come, and what it could not apply.

import { ask } from '../api.js';
import { h } from '../dom.js';
import { count, duration, since, t, tn } from '../i18n.js';
import { empty } from '../page.js';
import { session } from '../session.js';
import { whenSystemsMove } from '../standing.js';

/** Reads every feed of an event in one question. @param {string} event @param {AbortSignal} signal @returns {Promise<any[]>} */
export async function consumersOf(event, signal) {
  const { event: found } = await ask('query($event:String!){event(slug:$event){serviceTypes{slug name}}}', { event }, signal);
  const types = found?.serviceTypes ?? [];
  if (types.length === 0) return [];
  const feeds = types.map((/** @type {any} */ type, /** @type {number} */ index) => `f${index}:provisioning(event:$event,serviceType:${JSON.stringify(type.slug)}){consumers{
    id name paused lagRecords lagSeconds lastSeenAt errors{extensionId number code message at}}}`);
  const data = await ask(`query($event:String!){${feeds.join(' ')}}`, { event }, signal);
  return types.flatMap((/** @type {any} */ type, /** @type {number} */ index) => (data[`f${index}`]?.consumers ?? []).map((/** @type {any} */ one) => ({ ...one, serviceType: type })));
}

/** @param {import('../page.js').Page} page */
export function show(page) {
  const event = session.event?.slug;
  if (!event) return empty(t('directory.noEvent'));
  const place = page.place(() => consumersOf(event, page.signal), (consumers) => (consumers.length === 0
    ? empty(t('feeds.none'), session.isAtLeast('ADMIN') && h('a', { class: 'button primary', href: '/admin/keys' }, t('feeds.connect')))
    : h('div', { class: 'cards' }, consumers.map(card))));
  whenSystemsMove(page, [event], () => place.reload());
  // What a system is silent about, the clock tells.
  const timer = setInterval(() => place.reload(), 15_000);
  page.onLeave(() => clearInterval(timer));
  return place.node;
}

/** @param {any} one */
function card(one) {
  return h('article', { class: 'card' }, h('h2', null, one.name, one.paused && h('span', { class: 'tag warn' }, t('feeds.paused'))), h('p', { class: 'quiet' }, one.serviceType.name),
    h('ul', { class: 'states' }, lag(one), h('li', { class: 'state' }, one.lastSeenAt ? t('feeds.seen', { since: since(one.lastSeenAt) }) : t('feeds.never'))),
    one.errors.length > 0 && h('section', { class: 'refusals' }, h('h3', null, tn('feeds.refused', one.errors.length)), h('ul', { class: 'list' }, one.errors.map(refusal))));
}

/** How far behind a consumer is. @param {any} one */
export function lag(one) {
  if (one.lagRecords === 0) return h('li', { class: 'state good' }, t('feeds.current'));
  return h('li', { class: one.lagSeconds > 60 ? 'state bad' : 'state waiting' }, tn('feeds.behind', one.lagRecords, { n: count(one.lagRecords), time: duration(one.lagSeconds) }));
}

/** @param {any} error */
const refusal = (error) => h('li', { class: 'row line' }, h('a', { class: 'number', href: `/operate/numbers/${error.number}` }, error.number), h('span', { class: 'grow' }, error.message, ' ', h('code', null, error.code)), h('time', { datetime: error.at }, since(error.at)));
