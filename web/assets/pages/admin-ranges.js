// The numbers that may be registered, and how many are left.

import { change } from '../api.js';
import { h, icon } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { dialog, empty, say } from '../page.js';
import { bigNumber, fullness } from '../widgets.js';

/** @param {any} event @param {any[]} types @param {() => void} reload */
export function rangesSection(event, types, reload) {
  const offered = types.filter((one) => !one.retired).map((one) => /** @type {[string, string]} */ ([one.slug, one.name]));
  return h('section', { class: 'section' }, h('div', { class: 'section-head' }, h('h2', null, t('range.title')), h('button', { type: 'button', onclick: () => create(event, offered, reload) }, icon('plus'), t('range.add'))),
    event.ranges.length === 0 ? empty(t('range.none')) : h('ul', { class: 'list' }, event.ranges.map((/** @type {any} */ one) => h('li', { class: 'row' },
      h('div', { class: 'grow' }, h('div', null, bigNumber(`${one.first} – ${one.last}`), one.privileged && h('span', { class: 'tag' }, t('range.privileged'))),
        h('div', { class: 'quiet' }, [one.label, one.serviceTypes.map((/** @type {any} */ type) => type.name).join(', ')].filter(Boolean).join(' · '))),
      fullness(one),
      h('button', { type: 'button', onclick: () => edit(one, offered, reload), 'aria-label': t('range.editWhich', { first: one.first }) }, t('range.edit'))))));
}

/** @param {[string, string][]} types @param {any} [range] */
function fieldsOf(types, range) {
  return {
    label: Field.text('label', t('range.label'), { value: range?.label ?? '', maxlength: 64, required: true }),
    privileged: Field.toggle('privileged', t('range.privilegedLabel'), { value: range?.privileged ?? false }),
    serviceTypes: Field.many('serviceTypes', t('range.services'), types, { value: range?.serviceTypes.map((/** @type {any} */ one) => one.slug), help: t('range.servicesHelp') }),
  };
}

/** @param {any} event @param {[string, string][]} types @param {() => void} reload */
function create(event, types, reload) {
  const first = Field.text('first', t('range.first'), { inputmode: 'numeric', required: true, autocomplete: 'off' });
  const last = Field.text('last', t('range.last'), { inputmode: 'numeric', required: true, autocomplete: 'off' });
  const { label, privileged, serviceTypes } = fieldsOf(types);
  dialog({ title: t('range.add'), body: null, content: (close) => form({ fields: [first, last, label, privileged, serviceTypes], submit: t('admin.create'), cancel: close,
    body: [h('div', { class: 'pair' }, first.node, last.node), label.node, privileged.node, types.length > 0 && serviceTypes.node],
    send: () => change('createNumberRange', { event: event.slug, first: first.read(), last: last.read(), label: label.read(), privileged: privileged.read(), serviceTypes: serviceTypes.read() }, 'range{id}'),
    done: () => { close(); say(t('saved')); reload(); } }) });
  first.focus();
}

/** @param {any} range @param {[string, string][]} types @param {() => void} reload */
function edit(range, types, reload) {
  const { label, privileged, serviceTypes } = fieldsOf(types, range);
  dialog({ title: `${range.first} – ${range.last}`, body: null, content: (close) => h('div', { class: 'stack' },
    form({ fields: [label, privileged, serviceTypes], submit: t('save'), cancel: close,
      send: () => change('updateNumberRange', { id: range.id, label: label.read(), privileged: privileged.read(), serviceTypes: serviceTypes.read() }, 'range{id}'), done: () => { close(); say(t('saved')); reload(); } }),
    form({ fields: [], submit: t('range.delete'), danger: true, send: () => change('deleteNumberRange', { id: range.id }, 'accepted'), done: () => { close(); say(t('range.deleted')); reload(); } })) });
}
