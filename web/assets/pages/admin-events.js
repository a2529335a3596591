// Events: numbering plans with their people.

import { ask, change } from '../api.js';
import { h, icon } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { dialog, empty, say, section } from '../page.js';
import { go } from '../router.js';
import { session } from '../session.js';
import { fullness } from '../widgets.js';
import { rangesSection } from './admin-ranges.js';

export const PHASES = ['DRAFT', 'STAFF', 'OPEN', 'FROZEN', 'ARCHIVED'];
/** Names of time zones to choose from. */
const zones = () => h('datalist', { id: 'time-zones' }, Intl.supportedValuesOf('timeZone').map((zone) => h('option', { value: zone })));

/** @param {import('../page.js').Page} page */
export function show(page) {
  const place = page.place(() => ask('{events{slug name phase ranges{size available}}}', {}, page.signal), ({ events }) => [
    h('div', { class: 'actions' }, h('button', { type: 'button', class: 'primary', onclick: () => create(events) }, icon('plus'), t('admin.newEvent'))),
    events.length === 0 ? empty(t('admin.noEvents')) : h('ul', { class: 'list' }, events.map((/** @type {any} */ one) => h('li', { class: 'row' },
      h('div', { class: 'grow' }, h('a', { class: 'name', href: `/admin/events/${one.slug}` }, one.name), h('div', { class: 'quiet' }, one.slug, h('span', { class: one.phase === 'OPEN' ? 'tag accent' : 'tag' }, t(`phase.${one.phase}`)))),
      one.ranges.length > 0 && fullness(total(one.ranges))))),
  ]);
  return place.node;
}

/** @param {{ size: number, available: number }[]} ranges */
const total = (ranges) => ranges.reduce((sum, one) => ({ size: sum.size + one.size, available: sum.available + one.available }), { size: 0, available: 0 });

/** @param {any[]} events */
function create(events) {
  const name = Field.text('name', t('event.name'), { required: true, maxlength: 64 });
  const slug = Field.text('slug', t('event.slug'), { required: true, help: t('event.slugHelp'), maxlength: 32 });
  const timeZone = Field.text('timeZone', t('event.timeZone'), { value: Intl.DateTimeFormat().resolvedOptions().timeZone, list: 'time-zones' });
  const copyFrom = Field.select('copyFrom', t('event.copyFrom'), [[null, t('event.copyNothing')], ...events.map((one) => /** @type {[any, string]} */ ([one.slug, one.name]))], { help: t('event.copyHelp') });
  slugFrom(name, slug);
  dialog({ title: t('admin.newEvent'), body: zones(), content: (close) => form({ fields: [name, slug, timeZone, copyFrom], submit: t('admin.create'), cancel: close,
    send: () => change('createEvent', { name: name.read(), slug: slug.read(), timeZone: timeZone.read(), ...(copyFrom.read() ? { copyFrom: copyFrom.read() } : {}) }, 'event{slug}'),
    done: async (payload) => { close(); await session.refresh(); go(`/admin/events/${payload.event.slug}`); } }) });
  name.focus();
}

/** A short name follows the name until somebody types one. @param {Field} name @param {Field} slug */
export function slugFrom(name, slug) {
  let isOwn = false;
  slug.control.addEventListener('input', () => { isOwn = true; });
  name.control.addEventListener('input', () => {
    if (!isOwn) slug.write(name.read().normalize('NFKD').toLowerCase().replace(/ß/g, 'ss').replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '').slice(0, 32));
  });
}

const QUERY = `query($slug:String!){event(slug:$slug){slug name phase startsAt endsAt timeZone holdSeconds reservedPrefixes serviceTypes{slug}
  ranges{id first last label privileged size available serviceTypes{slug name}}} serviceTypes{slug name retired}}`;

/** @param {import('../page.js').Page} page @param {string} slug */
export function showOne(page, slug) {
  const place = page.place(() => ask(QUERY, { slug }, page.signal), ({ event, serviceTypes }) => {
    if (!event) return empty(t('missing.text'));
    document.title = `${event.name} · Switchboard`;
    return [h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, event.name)),
      h('div', { class: 'columns' },
        h('div', null, rangesSection(event, serviceTypes, () => place.reload())),
        h('div', null, section(t('event.settings'), settings(event, serviceTypes, () => place.reload()))))];
  });
  return place.node;
}

/** A UTC instant as a `datetime-local` shows it, on the reader's clock, and back. @param {string | null} instant */
const local = (instant) => (instant ? new Date(Date.parse(instant) - new Date(instant).getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : '');
/** @param {string} text */
const instant = (text) => (text ? new Date(text).toISOString() : null);

/** @param {any} event @param {any[]} types @param {() => void} reload */
function settings(event, types, reload) {
  const name = Field.text('name', t('event.name'), { value: event.name, maxlength: 64 });
  const phase = Field.choice('phase', t('event.phase'), PHASES.map((one) => [one, t(`phase.${one}`), t(`phase.${one}.about`)]), { value: event.phase });
  const startsAt = Field.text('startsAt', t('event.startsAt'), { type: 'datetime-local', value: local(event.startsAt) });
  const endsAt = Field.text('endsAt', t('event.endsAt'), { type: 'datetime-local', value: local(event.endsAt) });
  const timeZone = Field.text('timeZone', t('event.timeZone'), { value: event.timeZone, list: 'time-zones' });
  const holdSeconds = Field.integer('holdSeconds', t('event.hold'), { value: event.holdSeconds, help: t('event.holdHelp') });
  const reservedPrefixes = Field.text('reservedPrefixes', t('event.reserved'), { value: event.reservedPrefixes.join(' '), help: t('event.reservedHelp') });
  const offered = Field.many('serviceTypes', t('event.services'), types.filter((one) => !one.retired).map((one) => [one.slug, one.name]), { value: event.serviceTypes.map((/** @type {any} */ one) => one.slug) });
  return [zones(), form({
    fields: [name, phase, offered, reservedPrefixes, holdSeconds, timeZone, startsAt, endsAt], submit: t('save'),
    body: [name.node, phase.node, types.length > 0 && offered.node, reservedPrefixes.node, holdSeconds.node, timeZone.node, h('div', { class: 'pair' }, startsAt.node, endsAt.node)],
    send: () => change('updateEvent', { slug: event.slug, name: name.read(), phase: phase.read(), startsAt: instant(startsAt.read()), endsAt: instant(endsAt.read()), timeZone: timeZone.read(),
      holdSeconds: holdSeconds.read(), reservedPrefixes: reservedPrefixes.read().split(/[\s,]+/).filter(Boolean), serviceTypes: offered.read() }, 'event{slug}'),
    done: async () => { await session.refresh(); say(t('saved')); reload(); },
  })];
}
