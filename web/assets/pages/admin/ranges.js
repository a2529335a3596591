// The number ranges of an event, and how full each is.

import { multipleField, textField, toggleField } from '../../forms/inputs.js';
import { button, h, renderOnChange } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { mutate } from '../../transport/http.js';
import { closeAndReload, openEditDialog, openFormDialog } from '../../ui/dialog.js';
import { emptyState, list, numberText, sectionWithAction, tag } from '../../ui/layout.js';
import { fullness } from '../../ui/number-status.js';
import { showToast } from '../../ui/toast.js';

/** @typedef {import('./event.js').ConfiguredEvent} ConfiguredEvent */
/** @typedef {import('../../../types/graphql.js').Item<ConfiguredEvent['ranges']>} Range */
/** @typedef {[string, string][]} ServiceTypeChoices slugs and names */

/** @param {ConfiguredEvent} event @param {ServiceTypeChoices} serviceTypes @param {() => void} reload */
export function rangesView(event, serviceTypes, reload) {
  const content = h('div', null);
  const update = renderOnChange(
    content,
    event,
    ({ ranges }) => ranges,
    ({ ranges }) =>
      ranges.length === 0
        ? emptyState(t('range.none'))
        : list(ranges.map((range) => rangeRow(range, serviceTypes, reload))),
  );
  const create = button([icon('plus'), t('range.add')], () => openCreateDialog(event.slug, serviceTypes, reload));
  return { node: sectionWithAction(t('range.title'), create, content), update };
}

/** @param {Range} range @param {ServiceTypeChoices} serviceTypes @param {() => void} reload */
function rangeRow(range, serviceTypes, reload) {
  const { first, last, label, privileged } = range;
  const types = range.serviceTypes.map(({ name }) => name).join(', ');
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('div', null, numberText(`${first} – ${last}`), privileged && tag(t('range.privileged'))),
      h('div', { class: 'quiet' }, [label, types].filter(Boolean).join(' · ')),
    ),
    fullness(range),
    button(t('range.edit'), () => openRangeDialog(range, serviceTypes, reload), {
      'aria-label': t('range.editWhich', { first }),
    }),
  );
}

/** @param {ServiceTypeChoices} serviceTypes @param {Range} [range] */
function rangeFields(serviceTypes, range) {
  const label = textField('label', t('range.label'), { value: range?.label ?? '', maxlength: 64, required: true });
  const privileged = toggleField('privileged', t('range.privilegedLabel'), { value: range?.privileged });
  const types = multipleField('serviceTypes', t('range.services'), serviceTypes, {
    value: range?.serviceTypes.map(({ slug }) => slug),
    help: t('range.servicesHelp'),
  });
  const read = () => ({ label: label.read(), privileged: privileged.read(), serviceTypes: types.read() });
  const body = [label.node, privileged.node, serviceTypes.length > 0 && types.node];
  return { fields: [label, privileged, types], body, read };
}

/** @param {string} event @param {ServiceTypeChoices} serviceTypes @param {() => void} reload */
function openCreateDialog(event, serviceTypes, reload) {
  const digits = { inputmode: 'numeric', required: true, autocomplete: 'off' };
  const first = textField('first', t('range.first'), digits);
  const last = textField('last', t('range.last'), digits);
  const { fields, body, read } = rangeFields(serviceTypes);
  openFormDialog(t('range.add'), null, {
    fields: [first, last, ...fields],
    submit: t('admin.create'),
    body: [h('div', { class: 'pair' }, first.node, last.node), body],
    send: () =>
      mutate('createNumberRange', { event, first: first.read(), last: last.read(), ...read() }, 'range { id }'),
    done: () => {
      showToast(t('saved'));
      reload();
    },
  });
}

/** @param {Range} range @param {ServiceTypeChoices} serviceTypes @param {() => void} reload */
function openRangeDialog(range, serviceTypes, reload) {
  const { id, first, last } = range;
  const { fields, body, read } = rangeFields(serviceTypes, range);
  openEditDialog({
    title: `${first} – ${last}`,
    form: {
      fields,
      body,
      submit: t('save'),
      send: () => mutate('updateNumberRange', { id, ...read() }, 'range { id }'),
    },
    done: closeAndReload(reload),
    remove: {
      submit: t('range.delete'),
      send: () => mutate('deleteNumberRange', { id }, 'accepted'),
      done: () => {
        showToast(t('range.deleted'));
        reload();
      },
    },
  });
}
