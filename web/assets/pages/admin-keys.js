// Keys of telephone systems, and the feeds that each reads.

import { ask, change } from '../api.js';
import { h, icon } from '../dom.js';
import { Field, form } from '../form.js';
import { clock, since, t } from '../i18n.js';
import { dialog, empty, say, section } from '../page.js';
import { session } from '../session.js';
import { copyButton } from '../widgets.js';
import { consumersOf, lag } from './desk-feeds.js';
import { act } from './desk-number.js';

const SCOPES = ['READ_CONFIG', 'READ_DIGESTS', 'READ_SECRETS', 'WRITE_BACK', 'READ_DIRECTORY', 'MANAGE_GROUPS'];
const QUERY = '{apiKeys{id label prefix scopes allEvents events{slug name} serviceTypes{slug name} createdAt expiresAt lastUsedAt revokedAt} events{slug name} serviceTypes{slug name retired}}';

/** @param {import('../page.js').Page} page */
export function show(page) {
  const event = session.event?.slug;
  const place = page.place(async () => ({ ...(await ask(QUERY, {}, page.signal)), consumers: event ? await consumersOf(event, page.signal) : [] }), (data) => {
    const reload = () => place.reload();
    const usable = data.apiKeys.filter((/** @type {any} */ one) => !one.revokedAt);
    return [
      section(t('key.title'), h('p', { class: 'quiet' }, t('key.text')), h('div', { class: 'actions' }, h('button', { type: 'button', class: 'primary', onclick: () => create(data, reload) }, icon('plus'), t('key.add'))),
        data.apiKeys.length === 0 ? null : h('ul', { class: 'list' }, data.apiKeys.map((/** @type {any} */ one) => keyRow(one, reload)))),
      event && section(t('consumer.title', { event: session.event?.name ?? '' }), h('p', { class: 'quiet' }, t('consumer.text')),
        usable.length > 0 && h('div', { class: 'actions' }, h('button', { type: 'button', onclick: () => connect(event, usable, data.serviceTypes, reload) }, icon('plus'), t('consumer.add'))),
        data.consumers.length === 0 ? empty(t(usable.length === 0 ? 'consumer.needsKey' : 'feeds.none')) : h('ul', { class: 'list' }, data.consumers.map((/** @type {any} */ one) => consumerRow(one, reload)))),
    ];
  });
  return place.node;
}

/** @param {any} key @param {() => void} reload */
function keyRow(key, reload) {
  const where = key.allEvents ? t('key.allEvents') : key.events.map((/** @type {any} */ one) => one.name).join(', ') || t('key.noEvent');
  const facts = [key.scopes.map((/** @type {string} */ one) => t(`scope.${one}`)).join(', '), key.serviceTypes.map((/** @type {any} */ one) => one.name).join(', '), where].filter(Boolean).join(' · ');
  const life = key.revokedAt ? t('key.revoked', { at: clock(key.revokedAt) }) : key.lastUsedAt ? t('key.used', { since: since(key.lastUsedAt) }) : t('key.unused');
  return h('li', { class: 'row' }, h('div', { class: 'grow' }, h('div', { class: 'name' }, key.label, ' ', h('code', { class: 'quiet' }, `${key.prefix}…`)), h('div', { class: 'quiet' }, facts), h('div', { class: 'quiet' }, life, key.expiresAt && ` · ${t('key.expires', { at: clock(key.expiresAt) })}`)),
    !key.revokedAt && h('button', { type: 'button', class: 'danger', 'aria-label': t('key.revokeWhich', { name: key.label }), onclick: () => dialog({ title: t('key.revokeWhich', { name: key.label }), body: h('p', null, t('key.revokeText')), content: (close) => form({
      fields: [], submit: t('key.revoke'), danger: true, cancel: close, send: () => change('revokeApiKey', { id: key.id }, 'accepted'), done: () => { close(); reload(); } }) }) }, t('key.revoke')));
}

/** @param {any} data @param {() => void} reload */
function create(data, reload) {
  const label = Field.text('label', t('key.label'), { required: true, maxlength: 64, help: t('key.labelHelp') });
  const scopes = Field.many('scopes', t('key.scopes'), SCOPES.map((one) => [one, t(`scope.${one}`)]), { value: ['READ_DIGESTS'] });
  const types = Field.many('serviceTypes', t('admin.services'), data.serviceTypes.filter((/** @type {any} */ one) => !one.retired).map((/** @type {any} */ one) => [one.slug, one.name]));
  const events = Field.many('events', t('admin.events'), data.events.map((/** @type {any} */ one) => [one.slug, one.name]), { value: session.event ? [session.event.slug] : [] });
  const expiresAt = Field.text('expiresAt', t('key.expiresLabel'), { type: 'datetime-local' });
  const box = dialog({ title: t('key.add'), body: null, content: (close) => form({ fields: [label, scopes, types, events, expiresAt], submit: t('admin.create'), cancel: close,
    send: () => change('createApiKey', { label: label.read(), scopes: scopes.read(), serviceTypes: types.read(), events: events.read(), expiresAt: expiresAt.read() ? new Date(expiresAt.read()).toISOString() : null }, 'apiKey{label} secret'),
    done: (payload) => { box.close(); reveal(payload); reload(); } }) });
  label.focus();
}

/** @param {any} payload */
function reveal(payload) {
  dialog({ title: payload.apiKey.label, body: h('p', null, t('key.once')), content: (close) => h('div', { class: 'stack' },
    h('div', { class: 'joined' }, h('code', { class: 'secret grow' }, payload.secret), copyButton(payload.secret, payload.apiKey.label)),
    h('div', { class: 'actions' }, h('button', { type: 'button', class: 'primary', onclick: close }, t('key.kept')))) });
}

/** @param {string} event @param {any[]} keys @param {any[]} types @param {() => void} reload */
function connect(event, keys, types, reload) {
  const name = Field.text('name', t('consumer.name'), { required: true, help: t('consumer.nameHelp') });
  const apiKey = Field.select('apiKey', t('consumer.key'), keys.map((one) => [one.id, one.label]));
  const serviceType = Field.select('serviceType', t('desk.service'), types.map((one) => [one.slug, one.name]), { value: keys[0].serviceTypes[0]?.slug });
  dialog({ title: t('consumer.add'), body: null, content: (close) => form({ fields: [name, apiKey, serviceType], submit: t('admin.create'), cancel: close,
    send: () => change('createFeedConsumer', { name: name.read(), event, serviceType: serviceType.read(), apiKey: apiKey.read() }, 'consumer{id}'), done: () => { close(); say(t('saved')); reload(); } }) });
  name.focus();
}

/** @param {any} one @param {() => void} reload */
function consumerRow(one, reload) {
  return h('li', { class: 'row' }, h('div', { class: 'grow' }, h('div', { class: 'name' }, one.name, h('span', { class: 'tag' }, one.serviceType.name), one.paused && h('span', { class: 'tag warn' }, t('feeds.paused'))), h('ul', { class: 'states' }, lag(one))),
    h('button', { type: 'button', 'aria-label': t(one.paused ? 'consumer.resumeWhich' : 'consumer.pauseWhich', { name: one.name }), onclick: () => act('updateFeedConsumer', { id: one.id, paused: !one.paused }, 'consumer{id}', t('saved'), reload) }, t(one.paused ? 'group.resume' : 'group.pause')),
    h('button', { type: 'button', class: 'danger', 'aria-label': t('group.removeWhom', { number: one.name }), onclick: () => dialog({ title: t('group.removeWhom', { number: one.name }), body: h('p', null, t('consumer.removeText')), content: (close) => form({
      fields: [], submit: t('schema.remove'), danger: true, cancel: close, send: () => change('deleteFeedConsumer', { id: one.id }, 'accepted'), done: () => { close(); reload(); } }) }) }, t('schema.remove')));
}
