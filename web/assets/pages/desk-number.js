// One number at the desk: in service, or to be given out.

import { clock, errorText, Field, fill, form, h, icon, t } from '../elements.js';
import { dialog, empty, markdown, say, section, stateOf } from '../page.js';
import { credentialsPanel, historyOf, settingsForm, visibilities } from './numbers.js';
import { go } from '../router.js';
import { reported, SchemaForm } from '../schema.js';
import { ask, change, session, whenSystemsMove } from '../server.js';

const EXTENSION = `id number label visibility version active instructions fallbackNumber parameters event{slug name phase} owner{username displayName} permissions{slug name}
  serviceType{slug name behaviour parameterSchema memberLimit} restrictions{source reason} provisioning{consumer state at message}`;
const QUERY = `query($event:String!,$number:PhoneNumber!){number(event:$event,number:$number){number state until version account{username displayName} restrictions{source reason createdAt createdBy{username}}
  extension{${EXTENSION}}} event(slug:$event){serviceTypes{slug name parameterSchema retired}} callPermissions{slug name description}}`;

/** @param {import('../page.js').Page} page @param {string} name */
export function showNumber(page, name) {
  const event = session.event?.slug ?? '';
  const live = h('div', null);
  /** @type {string | null} what the forms were made from: typing outlives a look at the systems */
  let mark = null;
  const place = page.place(() => ask(QUERY, { event, number: name }, page.signal), (data) => {
    if (!data.number) return empty(t('desk.noNumber', { number: name }));
    const reload = () => place.reload();
    const { number } = data;
    fill(live, number.extension ? stateOf(number.extension) : restrictionsOf(number));
    const mine = JSON.stringify([number.version, { ...number.extension, provisioning: null }]);
    if (mark === mine) return undefined;
    mark = mine;
    return [
      h('a', { class: 'back', href: '/operate' }, icon('back'), t('desk.find')),
      heading(number, live),
      number.extension ? inService(number.extension, data.callPermissions, number, reload, page.signal) : notInService(number, data, event, reload, page.signal),
      section(t('number.history'), historyOf({ number: number.number, event: { slug: event } }, page.signal)),
    ];
  });
  whenSystemsMove(page, [event], () => place.reload());
  return place.node;
}

/** @param {HTMLElement} live */
function heading(number, live) {
  document.title = `${number.number} · Switchboard`;
  const { extension } = number;
  const facts = extension
    ? [extension.serviceType.name, ' · ', h('a', { href: `/operate/accounts/${encodeURIComponent(extension.owner.username)}` }, extension.owner.displayName), ` (${extension.owner.username})`]
    : [t(`numberState.${number.state}`), number.account && [' · ', h('a', { href: `/operate/accounts/${encodeURIComponent(number.account.username)}` }, number.account.username)], number.until && ` · ${t('desk.until', { until: clock(number.until) })}`];
  return h('div', { class: 'heading number-heading' }, h('h1', { tabindex: -1 }, h('span', { class: 'number huge' }, number.number), ' ', extension && h('span', { class: 'name' }, extension.label)), h('p', { class: 'quiet' }, facts), live);
}
const restrictionsOf = (number) => h('ul', { class: 'states' }, number.restrictions.map((one) => h('li', { class: 'state bad' }, h('strong', null, t(`restriction.${one.source}`)), ' ', one.reason)));

/** @param {() => void} reload */
function barButton(number, reload) {
  const isBarred = number.restrictions.some((one) => one.source === 'BAR');
  const event = session.event?.slug;
  if (isBarred) return h('button', { type: 'button', onclick: () => act('unbarNumber', { event, number: number.number }, 'number{number}', t('desk.unbarred', { number: number.number }), reload) }, t('desk.unbar'));
  return h('button', { type: 'button', class: 'danger', onclick: () => reasoned(t('desk.barTitle', { number: number.number }), t('desk.barText'), t('desk.bar'),
    (reason) => change('barNumber', { event, number: number.number, reason }, 'number{number}'), () => { say(t('desk.barred', { number: number.number })); reload(); }) }, t('desk.bar'));
}

/** Asks for a reason, then acts. @param {string} title @param {string} text @param {string} submit @param {(reason: string) => Promise<any>} send @param {() => void} done */
export function reasoned(title, text, submit, send, done) {
  const reason = Field.text('reason', t('field.reason'), { required: true, maxlength: 500 });
  const box = dialog({ title, body: h('p', null, text), content: (close) => form({ fields: [reason], submit, danger: true, cancel: close, send: () => send(reason.read()), done: () => { close(); done(); } }) });
  reason.focus();
  return box;
}

/** Acts at once and says so. @param {string} name @param {string} selection @param {string} told @param {() => void} done */
export async function act(name, input, selection, told, done) {
  const payload = await change(name, input, selection).catch((error) => ({ errors: [error] }));
  say(payload.errors.length > 0 ? errorText(payload.errors[0]) : told);
  if (payload.errors.length === 0) done();
}

/** @param {() => void} reload @param {AbortSignal} signal */
function inService(extension, permissions, number, reload, signal) {
  const chosen = Field.many('permissions', t('desk.permissions'), permissions.map((one) => [one.slug, one.name]), { value: extension.permissions.map((one) => one.slug) });
  return [
    h('div', { class: 'actions' }, barButton(number, reload),
      h('button', { type: 'button', onclick: () => renumber(extension) }, t('number.renumber')),
      h('button', { type: 'button', onclick: () => swap(extension, reload) }, t('desk.swap')),
      h('button', { type: 'button', onclick: () => transfer(extension, reload) }, t('desk.transfer')),
      h('button', { type: 'button', class: 'danger', onclick: () => remove(extension) }, t('number.delete'))),
    h('div', { class: 'columns' },
      h('div', null,
        permissions.length > 0 && h('section', { class: 'section' }, form({ fields: [chosen], submit: t('save'), quiet: true, send: () => change('setCallPermissions', { id: extension.id, permissions: chosen.read(), expectedVersion: extension.version }, 'extension{id}'),
          done: () => { say(t('saved')); reload(); } })),
        section(t('number.settings'), settingsForm(extension, reload))),
      h('div', null,
        section(t('number.setup'), markdown(extension.instructions), reported(extension.serviceType.parameterSchema, extension.parameters, true)),
        credentialsPanel(extension, null, signal))),
  ];
}

/** @param {string} event @param {() => void} reload @param {AbortSignal} signal */
function notInService(number, data, event, reload, signal) {
  const isHeldBack = number.state === 'RESERVED' || number.state === 'HELD';
  return [
    h('div', { class: 'actions' }, barButton(number, reload), number.state === 'RESERVED' && h('button', { type: 'button',
      onclick: () => act('releaseReservation', { event, number: number.number }, 'number{number}', t('desk.released', { number: number.number }), reload) }, t('desk.release'))),
    h('div', { class: 'columns' },
      h('div', null, section(t('desk.assign'), assignForm(event, number, data, signal, isHeldBack || number.state === 'AGING', reload))),
      h('div', null, section(t('desk.reserve'), reserveForm(event, number, reload)))),
  ];
}
function renumber(extension) {
  const number = Field.text('number', t('number.newNumber'), { inputmode: 'tel', required: true, autocomplete: 'off' });
  dialog({ title: t('number.renumber'), body: h('p', null, t('desk.renumberText', { number: extension.number })), content: (close) => form({ fields: [number], submit: t('number.renumber'), cancel: close,
    send: () => change('renumberExtension', { id: extension.id, number: number.read(), expectedVersion: extension.version }, 'extension{number}'),
    done: (payload) => { close(); say(t('number.renumbered', { number: payload.extension.number })); go(`/operate/numbers/${payload.extension.number}`); } }) });
  number.focus();
}

/** @param {() => void} reload */
function transfer(extension, reload) {
  const owner = Field.text('owner', t('field.owner'), { required: true, autocomplete: 'off' });
  dialog({ title: t('desk.transfer'), body: h('p', null, t('desk.transferText')), content: (close) => form({ fields: [owner], submit: t('desk.transfer'), cancel: close,
    send: () => change('transferExtension', { id: extension.id, owner: owner.read(), expectedVersion: extension.version }, 'extension{id}'), done: () => { close(); say(t('desk.transferred', { number: extension.number })); reload(); } }) });
  owner.focus();
}

/** @param {() => void} reload */
function swap(extension, reload) {
  const other = Field.text('second', t('desk.otherNumber'), { inputmode: 'tel', required: true, autocomplete: 'off' });
  dialog({ title: t('desk.swap'), body: h('p', null, t('desk.swapText', { number: extension.number })), content: (close) => form({ fields: [other], submit: t('desk.swap'), cancel: close,
    send: async () => {
      const data = await ask('query($event:String!,$number:PhoneNumber!){extension(event:$event,number:$number){id}}', { event: extension.event.slug, number: other.read() });
      if (!data.extension) return { errors: [{ code: 'LOCAL', message: t('desk.notInService', { number: other.read() }), path: ['second'] }] };
      return change('swapNumbers', { first: extension.id, second: data.extension.id }, 'first{id}');
    }, done: () => { close(); say(t('desk.swapped')); reload(); } }) });
  other.focus();
}
function remove(extension) {
  dialog({ title: t('number.deleteTitle', { number: extension.number }), body: h('p', null, t('desk.deleteText')), content: (close) => form({ fields: [], submit: t('number.delete'), danger: true, cancel: close,
    send: () => change('deleteExtension', { id: extension.id }, 'deletedId heldUntil'), done: () => { close(); say(t('number.deleted', { number: extension.number })); go('/operate'); } }) });
}

// Giving a number out, and keeping one for somebody.

/** @param {string} event @param {any} data service types and call permissions @param {AbortSignal} signal @param {boolean} isKept whether only an override takes it @param {() => void} reload */
export function assignForm(event, number, data, signal, isKept, reload) {
  const types = data.event.serviceTypes.filter((one) => !one.retired);
  if (types.length === 0) return h('p', { class: 'quiet' }, t('new.noTypes'));
  const type = Field.select('serviceType', t('desk.service'), types.map((one) => [one.slug, one.name]));
  const owner = Field.text('owner', t('field.owner'), { required: true, autocomplete: 'off', value: number.account?.username ?? '' });
  const label = Field.text('label', t('field.label'), { required: true, maxlength: 64 });
  const visibility = Field.select('visibility', t('field.visibility'), visibilities().map(([value, text]) => [value, text]), { value: 'PUBLIC' });
  const permissions = Field.many('permissions', t('desk.permissions'), data.callPermissions.map((one) => [one.slug, one.name]));
  const override = Field.toggle('overrideReservation', t('desk.override'), { help: t('desk.overrideHelp') });
  const place = h('div', { class: 'stack' });
  /** @type {SchemaForm} */
  let parameters;
  const choose = () => {
    parameters = new SchemaForm(types.find((one) => one.slug === type.read()).parameterSchema, { isOperator: true });
    fill(place, parameters.needed, parameters.optional.length > 0 && h('details', { class: 'more' }, h('summary', null, t('new.more')), h('div', { class: 'stack' }, parameters.optional)));
  };
  type.control.addEventListener('change', choose);
  choose();
  const numberAt = new Field('number', t('field.number'), h('div', { class: 'anchor', tabindex: -1, role: 'group', 'aria-label': t('field.number') }), { isGroup: true, read: () => number.number });
  numberAt.node.querySelector('.label')?.remove();
  numberAt.control.removeAttribute('aria-labelledby');
  return form({
    fields: () => [numberAt, type, owner, label, visibility, ...parameters.fields, permissions, override], submit: t('desk.assignSubmit', { number: number.number }),
    body: [numberAt.node, type.node, owner.node, label.node, visibility.node, place, data.callPermissions.length > 0 && permissions.node, isKept && override.node],
    send: () => change('assignExtension', { event, serviceType: type.read(), number: number.number, owner: owner.read(), label: label.read(), visibility: visibility.read(), parameters: parameters.read(),
      permissions: permissions.read(), overrideReservation: isKept && override.read() }, 'extension{number}'),
    done: () => { say(t('desk.assigned', { number: number.number, owner: owner.read() })); reload(); },
  });
}

/** @param {string} event @param {() => void} reload */
export function reserveForm(event, number, reload) {
  const owner = Field.text('owner', t('field.owner'), { required: true, autocomplete: 'off', value: number.account?.username ?? '' });
  const until = Field.text('until', t('desk.reserveUntil'), { type: 'datetime-local', help: t('desk.reserveUntilHelp') });
  return form({ fields: [owner, until], submit: t('desk.reserveSubmit'), quiet: true, before: h('p', { class: 'quiet' }, t('desk.reserveText')),
    send: () => change('reserveNumber', { event, number: number.number, owner: owner.read(), until: until.read() ? new Date(until.read()).toISOString() : null, expectedVersion: number.version }, 'number{number}'),
    done: () => { say(t('desk.reserved', { number: number.number, owner: owner.read() })); reload(); } });
}
