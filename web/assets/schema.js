// What a parameter schema asks for, as a form needs to know it. Nothing here touches the page.

import { button, clock, Field, freshId, h, icon, t } from './elements.js';
import { markdown } from './page.js';

/** @typedef {'text' | 'integer' | 'number' | 'boolean' | 'choice' | 'list' | 'object' | 'json'} Kind */
/** @typedef {{ name: string, kind: Kind, schema: any, title: string, description: string, help: string, required: boolean, secret: boolean,
 *   generate: any, readOnly: boolean, editableBy: string, visibleTo: string, isStatus: boolean, deprecated: boolean, order: number,
 *   default: any, choices: [any, string][], item: Parameter | null, properties: Parameter[] }} Parameter */

/** Keywords that a control can honour or that change nothing about it; any other one makes a JSON field. */
const PLAIN = new Set([
  '$comment',
  '$schema',
  '$id',
  '$defs',
  'type',
  'title',
  'description',
  'default',
  'examples',
  'format',
  'enum',
  'const',
  'oneOf',
  'readOnly',
  'writeOnly',
  'deprecated',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'items',
  'minItems',
  'maxItems',
  'uniqueItems',
  'properties',
  'required',
  'additionalProperties',
  'minProperties',
  'maxProperties',
  'dependentRequired',
  'contentMediaType',
  'contentEncoding',
]);

/**
 * The parameters of a schema, in the order of a form.
 * @returns {Parameter[]}
 */
export function parametersOf(schema) {
  return propertiesOf(schema, schema, 0);
}

/** @param {number} depth @returns {Parameter[]} */
function propertiesOf(schema, root, depth) {
  const required = Array.isArray(schema?.required) ? schema.required : [];
  const found = Object.entries(schema?.properties ?? {}).map(([name, one]) =>
    parameter(name, one, root, depth, required.includes(name)),
  );
  return found.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
}

/** @param {string} name @param {number} depth @param {boolean} required @returns {Parameter} */
function parameter(name, given, root, depth, required) {
  const schema = resolve(given, root);
  const facts = typeof schema === 'object' && schema !== null ? schema : {};
  const kind = kindOf(schema, root, depth);
  const isStatus = facts['x-status'] === true;
  return {
    name,
    kind,
    schema: facts,
    required,
    isStatus,
    title: typeof facts.title === 'string' && facts.title ? facts.title : name,
    description: facts.description ?? '',
    help: facts['x-help'] ?? '',
    secret: facts['x-secret'] === true,
    generate: facts['x-generate'] ?? null,
    readOnly: facts.readOnly === true,
    editableBy: facts['x-editable-by'] ?? (isStatus ? 'CONSUMER' : 'OWNER'),
    visibleTo: facts['x-visible-to'] ?? 'OWNER',
    deprecated: facts.deprecated === true,
    order: Number.isInteger(facts['x-order']) ? facts['x-order'] : Number.MAX_SAFE_INTEGER,
    default: facts.default === null ? undefined : facts.default,
    choices: kind === 'choice' ? choicesOf(facts) : [],
    item: kind === 'list' ? parameter('', facts.items, root, depth, true) : null,
    properties: kind === 'object' ? propertiesOf(facts, root, depth + 1) : [],
  };
}

/** Follows a local reference; what stands beside it counts too. */
function resolve(schema, root) {
  let found = schema;
  for (let steps = 0; steps < 16 && typeof found?.$ref === 'string'; steps += 1) {
    const { $ref, ...beside } = found;
    const name = /^#\/\$defs\/([^/]+)$/.exec($ref)?.[1];
    const target =
      name === undefined ? undefined : root.$defs?.[decodeURIComponent(name).replace(/~1/g, '/').replace(/~0/g, '~')];
    if (typeof target !== 'object' || target === null) return found;
    // Two answers to one question are for the server to weigh: a JSON field.
    if (
      Object.keys(beside).some(
        (key) =>
          key in target && !key.startsWith('x-') && !['title', 'description', 'default', 'examples'].includes(key),
      )
    )
      return found;
    found = { ...target, ...beside };
  }
  return found;
}

/** @param {number} depth @returns {Kind} */
function kindOf(schema, root, depth) {
  if (typeof schema !== 'object' || schema === null) return 'json';
  if (Object.keys(schema).some((key) => !PLAIN.has(key) && !key.startsWith('x-'))) return 'json';
  if (choicesOf(schema).length > 0) return 'choice';
  if ('oneOf' in schema || 'enum' in schema) return 'json';
  if (schema.type === 'string') return 'text';
  if (schema.type === 'integer' || schema.type === 'number' || schema.type === 'boolean') return schema.type;
  if (schema.type === 'array' && schema.items) {
    const inside = kindOf(resolve(schema.items, root), root, depth);
    return inside === 'json' || inside === 'list' ? 'json' : 'list';
  }
  if (schema.type === 'object' && depth === 0 && Object.keys(schema.properties ?? {}).length > 0) return 'object';
  return 'json';
}

/** @returns {[any, string][]} */
function choicesOf(schema) {
  if ('const' in schema && !('enum' in schema) && !('oneOf' in schema))
    return [[schema.const, schema.title ?? show(schema.const)]];
  if (Array.isArray(schema.enum) && !('oneOf' in schema)) return schema.enum.map((value) => [value, show(value)]);
  if (
    Array.isArray(schema.oneOf) &&
    !('enum' in schema) &&
    schema.oneOf.length > 0 &&
    schema.oneOf.every((one) => typeof one === 'object' && one !== null && 'const' in one)
  ) {
    return schema.oneOf.map((one) => [one.const, one.title ?? show(one.const)]);
  }
  return [];
}

/** A value as a person reads it. */
export const show = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Whether this person may write it. @param {Parameter} parameter @param {boolean} isOperator */
export const mayWrite = (parameter, isOperator) =>
  !parameter.isStatus &&
  (isOperator ? parameter.editableBy !== 'CONSUMER' : parameter.editableBy === 'OWNER' && !parameter.readOnly);

/** Whether this person may read it. @param {Parameter} parameter @param {boolean} isOperator */
export const mayRead = (parameter, isOperator) =>
  parameter.visibleTo === 'OWNER' || (isOperator && parameter.visibleTo === 'OPERATOR');

/** Whether a person can register at all: nothing is required that only others may write. @param {boolean} isOperator */
export const canRegister = (schema, isOperator) =>
  parametersOf(schema).every(
    (one) => !one.required || mayWrite(one, isOperator) || one.generate || one.default !== undefined,
  );

/**
 * The merge patch (RFC 7396) that leads from one value to another; undefined where they are the same.
 * @param {any} after undefined: not there
 */
export function mergePatch(before, after) {
  if (after === undefined) return before === undefined ? undefined : null;
  if (!isMap(before) || !isMap(after)) return JSON.stringify(before) === JSON.stringify(after) ? undefined : after;
  /** @type {Record<string, any>} */
  const patch = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const step = mergePatch(before[key], after[key]);
    if (step !== undefined) patch[key] = step;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}
const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

// Fields from a JSON Schema. The server is the only judge; the checks here are those without which nothing could be sent.

/**
 * The part of a form that a parameter schema asks for.
 */
export class SchemaForm {
  /**
   * @param {any} schema
   * @param {{ value?: Record<string, any> | null, isOperator?: boolean, root?: string[] }} [options] `value` null: something new is made
   */
  constructor(schema, { value = null, isOperator = false, root = ['parameters'] } = {}) {
    this.root = root;
    this.before = value;
    /** @type {Parameter[]} */
    this.parameters = parametersOf(schema).filter((one) => mayRead(one, isOperator) || mayWrite(one, isOperator));
    const writable = this.parameters.filter((one) => mayWrite(one, isOperator));
    /** @type {{ parameter: Parameter, control: Control }[]} */
    this.entries = writable.map((parameter) => ({
      parameter,
      control: control(
        parameter,
        value ? value[parameter.name] : parameter.default,
        [...root, parameter.name],
        value !== null,
      ),
    }));
    // Without this one could not register: it stands in front, the rest may be folded away.
    const isNeeded = (/** @type {Parameter} */ one) => one.required && one.default === undefined && !one.generate;
    this.needed = this.entries.filter(({ parameter }) => isNeeded(parameter)).map(({ control: one }) => one.node);
    this.optional = this.entries.filter(({ parameter }) => !isNeeded(parameter)).map(({ control: one }) => one.node);
    this.node = h(
      'div',
      { class: 'stack' },
      this.entries.map(({ control: one }) => one.node),
    );
  }

  /** Every field that is there now; lists grow. @returns {Field[]} */
  get fields() {
    return this.entries.flatMap(({ control: one }) => one.fields());
  }

  /** What is to be sent: whole parameters for something new, else a merge patch; undefined if there is nothing to say. */
  read() {
    /** @type {Record<string, any>} */
    const after = {};
    for (const { parameter, control: one } of this.entries) {
      const value = one.read();
      if (value !== undefined) after[parameter.name] = value;
    }
    if (this.before === null) return Object.keys(after).length > 0 ? after : undefined;
    const before = Object.fromEntries(
      this.entries.map(({ parameter }) => [parameter.name, this.before?.[parameter.name]]),
    );
    // A secret is not known here: nothing typed leaves it as it is.
    return mergePatch(JSON.parse(JSON.stringify(before)), after);
  }
}

/** @typedef {{ node: HTMLElement, fields: () => Field[], read: () => any }} Control */

/** @param {Parameter} parameter @param {string[]} path @param {boolean} exists @returns {Control} */
function control(parameter, value, path, exists) {
  if (parameter.secret || (parameter.generate && value === undefined)) return made(parameter, value, path, exists);
  if (parameter.kind === 'object') return nested(parameter, value, path, exists);
  if (parameter.kind === 'list') return list(parameter, value, path, exists);
  return single(parameter, value, path);
}

/** @param {Field} field @returns {Control} */
const alone = (field) => ({ node: field.node, fields: () => [field], read: field.read });

/** @param {Parameter} parameter */
function about(parameter) {
  const help = [
    parameter.description && h('p', null, parameter.description),
    parameter.help && markdown(parameter.help),
    parameter.deprecated && h('p', null, t('schema.deprecated')),
  ].filter(Boolean);
  return help.length > 0 ? help : undefined;
}

/** One control with one value. @param {Parameter} parameter @param {string[]} path @returns {Control} */
function single(parameter, value, path) {
  const help = about(parameter);
  const title = label(parameter);
  const { schema, kind, required } = parameter;
  if (kind === 'choice') {
    const choices = parameter.choices;
    const isOpen = !required || value === undefined;
    return alone(
      Field.select(path, title, isOpen ? [[undefined, t('schema.none')], ...choices] : choices, {
        help,
        value,
        required,
      }),
    );
  }
  if (kind === 'boolean') {
    if (typeof value === 'boolean' && parameter.default !== undefined)
      return alone(Field.toggle(path, title, { help, value }));
    return alone(
      Field.select(
        path,
        title,
        [
          [undefined, t('schema.none')],
          [true, t('yes')],
          [false, t('no')],
        ],
        { help, value, required },
      ),
    );
  }
  if (kind === 'json') return alone(jsonField(path, title, value, help));
  const example = Array.isArray(schema.examples) ? schema.examples[0] : undefined;
  const options = {
    help,
    required,
    placeholder: example === undefined ? undefined : t('schema.example', { example: show(example) }),
    value: value === undefined ? '' : String(value),
  };
  if (kind === 'text') {
    const isLong = schema.maxLength > 200;
    const field = isLong
      ? Field.area(path, title, options)
      : Field.text(path, title, {
          ...options,
          type: schema.format === 'date' ? 'date' : 'text',
          inputmode: schema.format === 'email' ? 'email' : schema.format === 'uri' ? 'url' : undefined,
        });
    const text = field.read;
    field.read = () => (text() === '' ? undefined : text());
    return alone(field);
  }
  const field = Field.text(path, title, {
    ...options,
    inputmode: kind === 'integer' && !(schema.minimum < 0) ? 'numeric' : 'text',
  });
  const text = field.read;
  // A number in JSON: what the server would not read as one is said here.
  const parsed = () => {
    const typed = text().trim().replace(',', '.');
    return typed === '' ? undefined : Number(typed);
  };
  field.read = parsed;
  field.check = () => {
    const number = parsed();
    if (number === undefined || (Number.isFinite(number) && (kind === 'number' || Number.isSafeInteger(number))))
      return null;
    return t(kind === 'integer' ? 'violation.integer' : 'violation.number');
  };
  return alone(field);
}

/** @param {Parameter} parameter */
const label = (parameter) =>
  parameter.required || parameter.default !== undefined || parameter.generate
    ? parameter.title
    : t('schema.optional', { title: parameter.title });

/** @param {string[]} path @param {string} title @param {import('./elements.js').Child} help */
function jsonField(path, title, value, help) {
  const field = Field.area(path, title, {
    help: [help, h('p', null, t('schema.json'))],
    mono: true,
    value: value === undefined ? '' : JSON.stringify(value, null, 2),
  });
  const text = field.read;
  field.read = () => {
    try {
      return text().trim() === '' ? undefined : JSON.parse(text());
    } catch {
      return undefined;
    }
  };
  field.check = () => {
    try {
      if (text().trim() !== '') JSON.parse(text());
      return null;
    } catch (error) {
      return t('violation.json', { message: /** @type {Error} */ (error).message });
    }
  };
  return field;
}

/** What the server makes, or keeps to itself: one says so, and takes another value only when asked to.
 * @param {Parameter} parameter @param {string[]} path @param {boolean} exists @returns {Control} */
function made(parameter, value, path, exists) {
  const plain = { ...parameter, generate: null, secret: false };
  const field =
    parameter.secret && parameter.kind === 'text'
      ? Field.password(path, label(parameter), {
          help: about(parameter),
          autocomplete: 'off',
          required: parameter.required,
        })
      : single(plain, value, path).fields()[0];
  if (parameter.secret && parameter.kind === 'text') {
    const text = field.read;
    field.read = () => (text() === '' ? undefined : text());
  }
  if (!parameter.generate && !exists) return alone(field);
  const input = field.node.querySelector('.joined') ?? field.control;
  const note = h(
    'div',
    { class: 'made' },
    h('span', null, t(exists ? 'schema.kept' : 'schema.made')),
    button(
      t(exists ? 'schema.replace' : 'schema.own'),
      () => {
        note.replaceWith(input);
        field.focus();
      },
      { class: 'link' },
    ),
  );
  input.replaceWith(note);
  return alone(field);
}

/** One level of an object. @param {Parameter} parameter @param {string[]} path @param {boolean} exists @returns {Control} */
function nested(parameter, value, path, exists) {
  const inside = parameter.properties.map((one) => ({
    one,
    control: control(
      one,
      value?.[one.name] ?? (parameter.required ? one.default : undefined),
      [...path, one.name],
      exists,
    ),
  }));
  const group = h(
    'fieldset',
    { class: 'group' },
    h('legend', null, label(parameter)),
    about(parameter) ?? null,
    inside.map(({ control: one }) => one.node),
  );
  const whole = groupField(path, parameter.title, group);
  return {
    node: group,
    fields: () => [whole, ...inside.flatMap(({ control: one }) => one.fields())],
    read: () => {
      const unknown = Object.entries(value ?? {}).filter(
        ([name]) => !parameter.properties.some((one) => one.name === name),
      );
      const found = [
        ...unknown,
        ...inside.map(({ one, control: two }) => [one.name, two.read()]).filter(([, read]) => read !== undefined),
      ];
      return found.length > 0 || parameter.required || value !== undefined ? Object.fromEntries(found) : undefined;
    },
  };
}

/** So many of one kind. @param {Parameter} parameter @param {string[]} path @param {boolean} exists @returns {Control} */
function list(parameter, value, path, exists) {
  const item = /** @type {Parameter} */ (parameter.item);
  /** @type {{ control: Control, row: HTMLElement }[]} */
  let rows = [];
  const holder = h('div', { class: 'rows' });
  const add = h(
    'button',
    {
      type: 'button',
      onclick: () => {
        put(undefined);
        rows.at(-1)?.control.fields().at(-1)?.focus();
      },
    },
    icon('plus'),
    t('schema.add'),
  );
  const group = h(
    'fieldset',
    { class: 'group' },
    h('legend', null, label(parameter)),
    about(parameter) ?? null,
    holder,
    add,
  );
  const whole = groupField(path, parameter.title, group);
  const renumber = () =>
    rows.forEach(({ control: one, row }, index) => {
      for (const field of one.fields()) field.path[path.length] = String(index);
      row.setAttribute('aria-label', t('schema.entry', { n: index + 1 }));
    });
  function put(given) {
    const one = control(
      { ...item, title: t('schema.entry', { n: rows.length + 1 }), required: true },
      given,
      [...path, String(rows.length)],
      exists,
    );
    const row = h(
      'div',
      { class: 'row', role: 'group' },
      one.node,
      button(t('schema.remove'), () => {
        rows = rows.filter((other) => other.row !== row);
        row.remove();
        renumber();
        add.focus();
      }),
    );
    rows.push({ control: one, row });
    holder.append(row);
    renumber();
  }
  for (const given of Array.isArray(value) ? value : []) put(given);
  return {
    node: group,
    fields: () => [whole, ...rows.flatMap(({ control: one }) => one.fields())],
    read: () => {
      const found = rows
        .map(({ control: one }) => one.read())
        .map((read) => (read === undefined ? emptyOf(item) : read));
      return found.length > 0 || value !== undefined ? found : undefined;
    },
  };
}

/** What an entry is in which nothing was typed: the server says what it thinks of it. @param {Parameter} item */
const emptyOf = (item) => (item.kind === 'text' ? '' : item.kind === 'object' ? {} : null);

/** Room for what is wrong with a group as a whole. @param {string[]} path @param {string} title @param {HTMLElement} group */
function groupField(path, title, group) {
  const anchor = h('div', { class: 'anchor', tabindex: -1, id: freshId('group') });
  const field = new Field(path, title, anchor, { isGroup: true, read: () => undefined });
  field.node.querySelector('.label')?.remove();
  anchor.setAttribute('aria-label', title);
  anchor.removeAttribute('aria-labelledby');
  anchor.setAttribute('role', 'group');
  group.append(field.node);
  return field;
}

/** Values that others wrote, to be read only. @param {Record<string, any>} values @param {boolean} isOperator */
export function reported(schema, values, isOperator) {
  const shown = parametersOf(schema).filter(
    (one) => !one.secret && mayRead(one, isOperator) && !mayWrite(one, isOperator) && values[one.name] !== undefined,
  );
  if (shown.length === 0) return null;
  return h(
    'dl',
    { class: 'facts' },
    shown.map((one) => [
      h('dt', null, one.title),
      h('dd', null, one.schema.format === 'date-time' ? clock(values[one.name]) : show(values[one.name])),
    ]),
  );
}
