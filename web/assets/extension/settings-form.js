// The form for an extension's settings, for its owner and for operators.

import { form } from '../forms/form.js';
import { choiceField, textField } from '../forms/inputs.js';
import { t } from '../lib/i18n.js';
import { SchemaForm } from '../schema/schema-form.js';
import { session } from '../session.js';
import { mutate } from '../transport/http.js';
import { showToast } from '../ui/toast.js';
import { visibilityChoices } from './visibility.js';

/** @typedef {import('../../types/json.js').JsonObject} JsonObject */
/**
 * @typedef {{ id: string, version: number, label: string, visibility: import('./visibility.js').DirectoryVisibility,
 *   fallbackNumber: string | null, parameters: JsonObject, serviceType: { parameterSchema: JsonObject } }} Settings
 */

/** @param {Settings} initial @param {() => void} reload @returns {import('../ui/region.js').View<Settings>} */
export function settingsForm(initial, reload) {
  let saved = initial;
  const label = textField('label', t('field.label'), { value: saved.label, maxlength: 64 });
  const visibility = choiceField('visibility', t('field.visibility'), visibilityChoices(), { value: saved.visibility });
  const fallback = textField('fallbackNumber', t('field.fallback'), {
    value: saved.fallbackNumber ?? '',
    inputmode: 'tel',
    help: t('field.fallbackHelp'),
  });
  const parameters = new SchemaForm(saved.serviceType.parameterSchema, {
    value: saved.parameters,
    isOperator: session.isOperator,
  });
  const node = form({
    fields: () => [label, visibility, ...parameters.fields, fallback],
    submit: t('save'),
    body: [label.node, visibility.node, parameters.nodes, fallback.node],
    send: () => {
      const fallbackNumber = fallback.read().trim() || null;
      const input = {
        id: saved.id,
        expectedVersion: saved.version,
        label: label.read(),
        visibility: visibility.read(),
        parameters: parameters.read(),
        ...(fallbackNumber === saved.fallbackNumber ? {} : { fallbackNumber }),
      };
      return mutate('updateExtension', input, 'extension { id }');
    },
    onStale: reload,
    done: () => {
      showToast(t('saved'));
      reload();
    },
  });
  return {
    node,
    update: (newer) => {
      saved = newer;
      label.receive(newer.label);
      visibility.receive(newer.visibility);
      fallback.receive(newer.fallbackNumber ?? '');
      parameters.receive(newer.parameters);
    },
  };
}
