// A number that is not in service: it can be assigned, reserved, released and barred.

import { visibilityChoices } from '../../extension/visibility.js';
import { Field } from '../../forms/field.js';
import { form } from '../../forms/form.js';
import { multipleField, selectField, textField, toggleField } from '../../forms/inputs.js';
import { button, fill, h, renderOnChange } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { fromLocalInput } from '../../lib/time.js';
import { anchorElement, removeLabel } from '../../schema/controls.js';
import { SchemaForm } from '../../schema/schema-form.js';
import { mutate } from '../../transport/http.js';
import { columns, quiet, section } from '../../ui/layout.js';
import { runMutation } from '../../ui/mutation.js';
import { showToast } from '../../ui/toast.js';
import { barButton } from './bar-button.js';

/** @typedef {import('./number.js').NumberDetails} NumberDetails */
/** @typedef {import('./number.js').FoundNumber} FoundNumber */
/** @typedef {import('../../ui/page.js').Page} Page */
/** @typedef {import('../../extension/visibility.js').DirectoryVisibility} DirectoryVisibility */

/** States in which only an override assigns a number. */
const KEPT_STATES = ['RESERVED', 'HELD', 'AGING'];

/** @param {Page} page @param {FoundNumber} initial @param {() => void} reload */
export function notInServiceView(page, initial, reload) {
  const event = page.eventSlug;
  const actions = h('div', { class: 'actions' });
  const updateActions = renderOnChange(
    actions,
    initial.number,
    ({ state, restrictions }) => [state, restrictions],
    (number) => [
      barButton(event, number, reload),
      number.state === 'RESERVED' && releaseButton(event, number.number, reload),
    ],
  );
  const assignment = assignForm(event, initial, reload);
  const reservation = reserveForm(event, initial.number, reload);
  const node = [
    actions,
    columns(section(t('desk.assign'), assignment.node), section(t('desk.reserve'), reservation.node)),
  ];
  const update = (/** @type {FoundNumber} */ { number }) => {
    updateActions(number);
    assignment.update(number);
    reservation.update(number);
  };
  return { node, update };
}

/** @param {string} event @param {string} number @param {() => void} reload */
const releaseButton = (event, number, reload) =>
  button(t('desk.release'), () =>
    runMutation('releaseReservation', { event, number }, 'number { number }', reload, t('desk.released', { number })),
  );

/** @param {string} username */
const ownerField = (username) =>
  textField('owner', t('field.owner'), { required: true, autocomplete: 'off', value: username });

/** @param {string} event @param {FoundNumber} found @param {() => void} reload */
function assignForm(event, { number: { number, state, account }, event: found, callPermissions }, reload) {
  const types = (found?.serviceTypes ?? []).filter((type) => !type.retired);
  if (types.length === 0) return { node: quiet(t('new.noTypes')), update: () => {} };
  const typeChoices = types.map(({ slug, name }) => /** @type {[string, string]} */ ([slug, name]));
  const permissionChoices = callPermissions.map(({ slug, name }) => /** @type {[string, string]} */ ([slug, name]));
  const visibilities = visibilityChoices().map(
    ([value, text]) => /** @type {[DirectoryVisibility, string]} */ ([value, text]),
  );
  const numberAnchor = new Field('number', t('field.number'), anchorElement(t('field.number')), {
    isGroup: true,
    read: () => number,
  });
  removeLabel(numberAnchor, t('field.number'));
  const type = selectField('serviceType', t('desk.service'), typeChoices);
  const owner = ownerField(account?.username ?? '');
  const label = textField('label', t('field.label'), { required: true, maxlength: 64 });
  /** @type {Field<DirectoryVisibility>} */
  const visibility = selectField('visibility', t('field.visibility'), visibilities, { value: 'PUBLIC' });
  const permissions = multipleField('permissions', t('desk.permissions'), permissionChoices);
  const override = toggleField('overrideReservation', t('desk.override'), { help: t('desk.overrideHelp') });
  const parameterHolder = h('div', { class: 'stack' });
  /** @type {Map<string, SchemaForm>} what was typed stays when another service is chosen */
  const formsByType = new Map(
    types.map(({ slug, parameterSchema }) => [slug, new SchemaForm(parameterSchema, { isOperator: true })]),
  );
  const parameters = () => /** @type {SchemaForm} */ (formsByType.get(type.read()));
  const showParameters = () => {
    const { needed, optional } = parameters();
    const more = h(
      'details',
      { class: 'more' },
      h('summary', null, t('new.more')),
      h('div', { class: 'stack' }, optional),
    );
    fill(parameterHolder, needed, optional.length > 0 && more);
  };
  type.control.addEventListener('change', showParameters);
  showParameters();
  const node = form({
    fields: () => [numberAnchor, type, owner, label, visibility, ...parameters().fields, permissions, override],
    submit: t('desk.assignSubmit', { number }),
    body: [
      numberAnchor.node,
      type.node,
      owner.node,
      label.node,
      visibility.node,
      parameterHolder,
      permissionChoices.length > 0 && permissions.node,
      override.node,
    ],
    send: () => {
      const input = {
        event,
        serviceType: type.read(),
        number,
        owner: owner.read(),
        label: label.read(),
        visibility: visibility.read(),
        parameters: parameters().read(),
        permissions: permissions.read(),
        overrideReservation: !override.node.hidden && override.read(),
      };
      return mutate('assignExtension', input, 'extension { number }');
    },
    done: () => {
      showToast(t('desk.assigned', { number, owner: owner.read() }));
      reload();
    },
  });
  const update = (/** @type {Pick<NumberDetails, 'state' | 'account'>} */ newer) => {
    owner.receive(newer.account?.username ?? '');
    override.node.hidden = !KEPT_STATES.includes(newer.state);
  };
  update({ state, account });
  return { node, update };
}

/** @param {string} event @param {NumberDetails} initial @param {() => void} reload */
function reserveForm(event, initial, reload) {
  const { number } = initial;
  let { version } = initial;
  const owner = ownerField(initial.account?.username ?? '');
  const until = textField('until', t('desk.reserveUntil'), {
    type: 'datetime-local',
    help: t('desk.reserveUntilHelp'),
  });
  const node = form({
    fields: [owner, until],
    submit: t('desk.reserveSubmit'),
    isSecondary: true,
    before: quiet(t('desk.reserveText')),
    send: () => {
      const input = {
        event,
        number,
        owner: owner.read(),
        until: fromLocalInput(until.read()),
        expectedVersion: version,
      };
      return mutate('reserveNumber', input, 'number { number }');
    },
    onStale: reload,
    done: () => {
      showToast(t('desk.reserved', { number, owner: owner.read() }));
      reload();
    },
  });
  const update = (/** @type {NumberDetails} */ newer) => {
    version = newer.version;
    owner.receive(newer.account?.username ?? '');
  };
  return { node, update };
}
