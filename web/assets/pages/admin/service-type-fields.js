// The fields of a service type.

import {
  areaField,
  integerField,
  jsonTextField,
  parseJson,
  selectField,
  textField,
  toggleField,
} from '../../forms/inputs.js';
import { t } from '../../lib/i18n.js';

/** @typedef {import('./service-type.js').ServiceType} ServiceType */
/** @typedef {import('../../../types/api.js').ServiceBehaviour} ServiceBehaviour */
/** @typedef {ReturnType<typeof makeFields>} ServiceTypeFields */

/** @type {ServiceBehaviour[]} */
const BEHAVIOURS = ['ENDPOINT', 'CALL_GROUP'];
const EMPTY_SCHEMA = { type: 'object', additionalProperties: false, properties: {} };

/** @param {unknown} value */
const jsonText = (value) => JSON.stringify(value, null, 2);

/** @param {ServiceType | null} type null for a new one */
export function serviceTypeFields(type) {
  const fields = makeFields(type);
  const readCommon = () => ({
    name: fields.name.read(),
    description: fields.description.read(),
    instructions: fields.instructions.read(),
    parameterSchema: parseJson(fields.parameterSchema.read()) ?? {},
    settings: parseJson(fields.settings.read()) ?? {},
    privileged: fields.privileged.read(),
    groupCapable: fields.groupCapable.read(),
    quota: fields.quota.read(),
    memberLimit: fields.memberLimit.read(),
  });
  /** @param {ServiceType} newer */
  const receive = (newer) => {
    fields.name.receive(newer.name);
    fields.description.receive(newer.description);
    fields.instructions.receive(newer.instructions);
    fields.parameterSchema.receive(jsonText(newer.parameterSchema));
    fields.settings.receive(jsonText(newer.settings));
    fields.privileged.receive(newer.privileged);
    fields.groupCapable.receive(newer.groupCapable);
    fields.quota.receive(newer.quota);
    fields.memberLimit.receive(newer.memberLimit);
    fields.retired.receive(newer.retired);
  };
  return { fields, readCommon, receive };
}

/** @param {ServiceType | null} type */
function makeFields(type) {
  const behaviours = BEHAVIOURS.map(
    (one) => /** @type {[ServiceBehaviour, string]} */ ([one, t(`type.behaviour.${one}`)]),
  );
  return {
    name: textField('name', t('type.name'), { value: type?.name, maxlength: 64, required: true }),
    slug: textField('slug', t('event.slug'), {
      value: type?.slug,
      maxlength: 32,
      help: t('event.slugHelp'),
      required: true,
    }),
    description: areaField('description', t('type.description'), {
      value: type?.description,
      rows: 2,
      help: t('type.markdown'),
    }),
    parameterSchema: jsonTextField('parameterSchema', t('type.schema'), {
      value: jsonText(type?.parameterSchema ?? EMPTY_SCHEMA),
      rows: 18,
      help: t('type.schemaHelp'),
    }),
    defaults: jsonTextField('defaults', t('type.defaults'), { rows: 3, help: t('type.defaultsHelp') }),
    instructions: areaField('instructions', t('type.instructions'), {
      value: type?.instructions,
      rows: 6,
      mono: true,
      help: t('type.instructionsHelp'),
    }),
    settings: jsonTextField('settings', t('type.settings'), {
      value: jsonText(type?.settings ?? {}),
      rows: 4,
      help: t('type.settingsHelp'),
    }),
    behaviour: selectField('behaviour', t('type.behaviour'), behaviours, { value: type?.behaviour ?? 'ENDPOINT' }),
    privileged: toggleField('privileged', t('type.privileged'), { value: type?.privileged }),
    groupCapable: toggleField('groupCapable', t('type.groupCapable'), { value: type?.groupCapable }),
    quota: integerField('quota', t('type.quota'), { value: type?.quota, help: t('type.noLimit') }),
    memberLimit: integerField('memberLimit', t('type.memberLimit'), {
      value: type?.memberLimit,
      help: t('type.noLimit'),
    }),
    retired: toggleField('retired', t('type.retiredLabel'), { value: type?.retired, help: t('type.retiredHelp') }),
  };
}
