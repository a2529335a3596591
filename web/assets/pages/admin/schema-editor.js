// Helps to write a parameter schema: a preview of its form, and parameters for people who do not write JSON.

import { jsonProblem, selectField, textField } from '../../forms/inputs.js';
import { debounce } from '../../lib/debounce.js';
import { button, fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { parameterNameFromTitle } from '../../lib/slug.js';
import { SchemaForm } from '../../schema/schema-form.js';
import { quiet } from '../../ui/layout.js';

/** @typedef {import('../../forms/field.js').Field<string>} TextField */

const PREVIEW_DELAY = 150;

/** Schemas for new parameters, by kind. */
const PARAMETER_KINDS = {
  text: { type: 'string', maxLength: 64 },
  integer: { type: 'integer' },
  boolean: { type: 'boolean', default: false },
  choice: { type: 'string', enum: ['A', 'B'] },
  password: { type: 'string', 'x-secret': true, 'x-generate': { kind: 'password', length: 16 } },
  mac: { type: 'string', pattern: '^[0-9a-f]{12}$', 'x-unique': 'EVENT' },
  reported: { type: 'string', maxLength: 100, 'x-editable-by': 'CONSUMER' },
};

/** The form that people will see, rendered as the schema is typed. @param {TextField} schema */
export function schemaPreview(schema) {
  const preview = h('div', { class: 'stack' });
  const render = () => {
    schema.clearProblem();
    const problem = jsonProblem(schema.read());
    if (problem !== null) return schema.fail(problem);
    const schemaForm = new SchemaForm(schema.read().trim() === '' ? {} : JSON.parse(schema.read()));
    fill(preview, schemaForm.parameters.length === 0 ? quiet(t('type.previewNothing')) : schemaForm.nodes);
  };
  schema.control.addEventListener('input', debounce(PREVIEW_DELAY, render));
  render();
  return preview;
}

/** Controls that add a parameter to the schema in a field. @param {TextField} schema */
export function newParameterControls(schema) {
  const kinds = /** @type {(keyof typeof PARAMETER_KINDS)[]} */ (Object.keys(PARAMETER_KINDS));
  const choices = kinds.map((kind) => /** @type {[typeof kind, string]} */ ([kind, t(`maker.${kind}`)]));
  const title = textField('newField', t('maker.title'), { autocomplete: 'off' });
  const kind = selectField('newKind', t('maker.kind'), choices);
  const add = () => {
    title.clearProblem();
    const name = parameterNameFromTitle(title.read());
    if (!name) return title.fail(t('violation.required'));
    if (jsonProblem(schema.read()) !== null) return schema.focus();
    const root = JSON.parse(schema.read() || '{}');
    root.properties = { ...root.properties, [name]: { ...PARAMETER_KINDS[kind.read()], title: title.read().trim() } };
    schema.write(JSON.stringify(root, null, 2));
    schema.control.dispatchEvent(new Event('input'));
    title.write('');
    title.focus();
  };
  title.control.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    add();
  });
  return h(
    'div',
    { class: 'form inline', role: 'group', 'aria-label': t('maker.add') },
    title.node,
    kind.node,
    button([icon('plus'), t('maker.add')], add),
  );
}
