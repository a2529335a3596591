// Parameters for a schema, for people who do not write JSON.

import { h, icon } from '../dom.js';
import { Field } from '../form.js';
import { t } from '../i18n.js';

/** @type {Record<string, any>} */
const KINDS = {
  text: { type: 'string', maxLength: 64 },
  integer: { type: 'integer' },
  boolean: { type: 'boolean', default: false },
  choice: { type: 'string', enum: ['A', 'B'] },
  password: { type: 'string', 'x-secret': true, 'x-generate': { kind: 'password', length: 16 } },
  mac: { type: 'string', pattern: '^[0-9a-f]{12}$', 'x-unique': 'EVENT' },
  reported: { type: 'string', maxLength: 100, 'x-editable-by': 'CONSUMER' },
};

/** Adds a parameter to the schema that stands in a field. @param {Field} schema */
export function fieldMaker(schema) {
  const title = Field.text('newField', t('maker.title'), { autocomplete: 'off' });
  const kind = Field.select('newKind', t('maker.kind'), Object.keys(KINDS).map((one) => [one, t(`maker.${one}`)]));
  const add = () => {
    const name = nameFrom(title.read());
    if (!name) return title.fail(t('violation.required'));
    try {
      const whole = JSON.parse(schema.read());
      whole.properties = { ...whole.properties, [name]: { ...KINDS[kind.read()], title: title.read().trim() } };
      schema.write(JSON.stringify(whole, null, 2));
      schema.control.dispatchEvent(new Event('input'));
      title.clear();
      title.write('');
      title.focus();
    } catch {
      schema.focus();
    }
  };
  title.control.addEventListener('keydown', (event) => { if (event.key === 'Enter') { event.preventDefault(); add(); } });
  return h('div', { class: 'form inline', role: 'group', 'aria-label': t('maker.add') }, title.node, kind.node, h('button', { type: 'button', onclick: add }, icon('plus'), t('maker.add')));
}

/** @param {string} title */
const nameFrom = (title) => title.normalize('NFKD').toLowerCase().replace(/ß/g, 'ss').replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '');
