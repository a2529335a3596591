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
/** @typedef {NonNullable<FoundNumber['event']>['serviceTypes']} ServiceTypes */
/** @typedef {import('../../../types/graphql.js').Item<ServiceTypes>} ServiceType */
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

/** @param {FoundNumber} found @param {ServiceType[]} types */
function assignmentFields({ number: { number, account }, callPermissions }, types) {
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
  /** @type {Field<DirectoryVisibility>} */
  const visibility = selectField('visibility', t('field.visibility'), visibilities, { value: 'PUBLIC' });
  return {
    number: numberAnchor,
    type: selectField('serviceType', t('desk.service'), typeChoices),
    owner: ownerField(account?.username ?? ''),
    label: textField('label', t('field.label'), { required: true, maxlength: 64 }),
    visibility,
    permissions: multipleField('permissions', t('desk.permissions'), permissionChoices),
    override: toggleField('overrideReservation', t('desk.override'), { help: t('desk.overrideHelp') }),
  };
}

/** The parameters of the chosen service type. What was typed stays when another type is chosen. */
class ParametersByType {
  /** @param {Field<string>} type @param {ServiceType[]} types */
  constructor(type, types) {
    this.type = type;
    this.forms = new Map(
      types.map(({ slug, parameterSchema }) => [slug, new SchemaForm(parameterSchema, { isOperator: true })]),
    );
    this.node = h('div', { class: 'stack' });
    type.control.addEventListener('change', () => this.show());
    this.show();
  }

  get form() {
    return /** @type {SchemaForm} */ (this.forms.get(this.type.read()));
  }

  show() {
    const { needed, optional } = this.form;
    const content = h('div', { class: 'stack' }, optional);
    const more = h('details', { class: 'more' }, h('summary', null, t('new.more')), content);
    fill(this.node, needed, optional.length > 0 && more);
  }
}

/** @param {string} event @param {FoundNumber} found @param {() => void} reload */
function assignForm(event, found, reload) {
  const { number } = found.number;
  const types = (found.event?.serviceTypes ?? []).filter((type) => !type.retired);
  if (types.length === 0) return { node: quiet(t('new.noTypes')), update: () => {} };
  const fields = assignmentFields(found, types);
  const { type, owner, label, visibility, permissions, override } = fields;
  const parameters = new ParametersByType(type, types);
  const hasPermissions = found.callPermissions.length > 0;
  const node = form({
    fields: () => [fields.number, type, owner, label, visibility, ...parameters.form.fields, permissions, override],
    submit: t('desk.assignSubmit', { number }),
    body: [
      [fields.number, type, owner, label, visibility].map((field) => field.node),
      parameters.node,
      hasPermissions && permissions.node,
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
        parameters: parameters.form.read(),
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
  const update = (/** @type {NumberDetails} */ newer) => {
    owner.receive(newer.account?.username ?? '');
    override.node.hidden = !KEPT_STATES.includes(newer.state);
  };
  update(found.number);
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
