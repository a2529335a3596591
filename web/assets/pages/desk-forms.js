// Giving a number out, and keeping one for somebody.

import { change } from '../api.js';
import { fill, h } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { say } from '../page.js';
import { SchemaForm } from '../schema-form.js';
import { visibilities } from './new-number.js';

/** @param {string} event @param {any} number @param {any} data service types and call permissions @param {AbortSignal} signal @param {boolean} isKept whether only an override takes it @param {() => void} reload */
export function assignForm(event, number, data, signal, isKept, reload) {
  const types = data.event.serviceTypes.filter((/** @type {any} */ one) => !one.retired);
  if (types.length === 0) return h('p', { class: 'quiet' }, t('new.noTypes'));
  const type = Field.select('serviceType', t('desk.service'), types.map((/** @type {any} */ one) => [one.slug, one.name]));
  const owner = Field.text('owner', t('field.owner'), { required: true, autocomplete: 'off', value: number.account?.username ?? '' });
  const label = Field.text('label', t('field.label'), { required: true, maxlength: 64 });
  const visibility = Field.select('visibility', t('field.visibility'), visibilities().map(([value, text]) => [value, text]), { value: 'PUBLIC' });
  const permissions = Field.many('permissions', t('desk.permissions'), data.callPermissions.map((/** @type {any} */ one) => [one.slug, one.name]));
  const override = Field.toggle('overrideReservation', t('desk.override'), { help: t('desk.overrideHelp') });
  const place = h('div', { class: 'stack' });
  /** @type {SchemaForm} */
  let parameters;
  const choose = () => {
    parameters = new SchemaForm(types.find((/** @type {any} */ one) => one.slug === type.read()).parameterSchema, { isOperator: true });
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

/** @param {string} event @param {any} number @param {() => void} reload */
export function reserveForm(event, number, reload) {
  const owner = Field.text('owner', t('field.owner'), { required: true, autocomplete: 'off', value: number.account?.username ?? '' });
  const until = Field.text('until', t('desk.reserveUntil'), { type: 'datetime-local', help: t('desk.reserveUntilHelp') });
  return form({ fields: [owner, until], submit: t('desk.reserveSubmit'), quiet: true, before: h('p', { class: 'quiet' }, t('desk.reserveText')),
    send: () => change('reserveNumber', { event, number: number.number, owner: owner.read(), until: until.read() ? new Date(until.read()).toISOString() : null, expectedVersion: number.version }, 'number{number}'),
    done: () => { say(t('desk.reserved', { number: number.number, owner: owner.read() })); reload(); } });
}
