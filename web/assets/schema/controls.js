// Controls for the parameters of a schema, one for each kind. The server validates; checks here find only what cannot
// be sent.

import { Field } from '../forms/field.js';
import {
  areaField,
  jsonProblem,
  parseJson,
  passwordField,
  selectField,
  textField,
  toggleField,
} from '../forms/inputs.js';
import { button, fill, h, uniqueId } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { icon } from '../lib/icons.js';
import { markdown } from '../lib/markdown.js';
import { describeValue } from './parameters.js';

/** @typedef {import('./parameters.js').Parameter} Parameter */
/** @typedef {import('../../types/json.js').Json} Json */
/** @typedef {import('../../types/json.js').JsonObject} JsonObject */
/** @typedef {import('../forms/field.js').AnyField} AnyField */
/**
 * @typedef {{ node: HTMLElement, fields: () => AnyField[], read: () => Json, receive: (value: Json) => void }} Control
 *   `fields` changes with the entries of a list; `receive` merges a newer value of the server
 */
/**
 * @typedef {{ path: string[], value: Json, exists: boolean }} Context
 *   `exists`: the parameter belongs to a saved extension
 */

const LONG_TEXT = 200;

/** @param {Json} value */
const objectOrEmpty = (value) =>
  /** @type {JsonObject} */ (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});
/** @param {Json} value @returns {readonly Json[]} */
const arrayOrEmpty = (value) => (Array.isArray(value) ? value : []);

/** @param {Parameter} parameter @param {Context} context @returns {Control} */
export function controlFor(parameter, context) {
  if (parameter.secret || (parameter.isGenerated && context.value === undefined)) {
    return concealedControl(parameter, context);
  }
  if (parameter.kind === 'object') return objectControl(parameter, context);
  if (parameter.kind === 'list') return listControl(parameter, context);
  return fieldControl(singleField(parameter, context));
}

/** @param {AnyField} field @returns {Control} */
const fieldControl = (field) => ({
  node: field.node,
  fields: () => [field],
  read: () => field.read(),
  receive: (value) => field.receive(value),
});

/** @param {Parameter} parameter */
function labelOf({ title, required, default: preset, isGenerated }) {
  return required || preset !== undefined || isGenerated ? title : t('schema.optional', { title });
}

/** @param {Parameter} parameter */
function helpOf({ description, help, deprecated }) {
  const parts = [
    description && h('p', null, description),
    help && markdown(help),
    deprecated && h('p', null, t('schema.deprecated')),
  ];
  return parts.some(Boolean) ? parts : undefined;
}

/** A field for one value. @param {Parameter} parameter @param {Context} context @returns {AnyField} */
function singleField(parameter, context) {
  if (parameter.kind === 'choice') return choiceField(parameter, context, parameter.choices);
  if (parameter.kind === 'boolean') return booleanField(parameter, context);
  if (parameter.kind === 'json') return jsonField(parameter, context);
  if (parameter.kind === 'text') return stringField(parameter, context);
  return numberField(parameter, context);
}

/** @param {Parameter} parameter @param {Context} context @param {[Json, string][]} choices @returns {AnyField} */
function choiceField(parameter, { path, value }, choices) {
  const mayBeEmpty = !parameter.required || value === undefined;
  /** @type {[Json, string][]} */
  const offered = mayBeEmpty ? [[undefined, t('schema.none')], ...choices] : choices;
  const options = { help: helpOf(parameter), required: parameter.required, value };
  return selectField(path, labelOf(parameter), offered, options);
}

/** @param {Parameter} parameter @param {Context} context @returns {AnyField} */
function booleanField(parameter, context) {
  const { path, value } = context;
  if (typeof value === 'boolean' && parameter.default !== undefined) {
    return toggleField(path, labelOf(parameter), { help: helpOf(parameter), value });
  }
  const choices = /** @type {[Json, string][]} */ ([
    [true, t('yes')],
    [false, t('no')],
  ]);
  return choiceField({ ...parameter, required: false }, context, choices);
}

/** @param {Parameter} parameter @param {Json} value */
function textOptions(parameter, value) {
  const { examples } = parameter.schema;
  const [example] = arrayOrEmpty(examples);
  return {
    help: helpOf(parameter),
    required: parameter.required,
    placeholder: example === undefined ? undefined : t('schema.example', { example: describeValue(example) }),
    value: value === undefined ? '' : String(value),
  };
}

/** Makes an empty text no value. @param {AnyField} field @param {Json} initial */
function withoutEmptyText(field, initial) {
  const { read, write } = field;
  field.convert({ read: () => (read() === '' ? undefined : read()), write: (value) => write(value ?? ''), initial });
  return field;
}

/** @param {Parameter} parameter @param {Context} context @returns {AnyField} */
function stringField(parameter, { path, value }) {
  const options = textOptions(parameter, value);
  const { maxLength, format } = parameter.schema;
  if (Number(maxLength) > LONG_TEXT) {
    return withoutEmptyText(areaField(path, labelOf(parameter), options), value);
  }
  const inputmode = format === 'email' ? 'email' : format === 'uri' ? 'url' : undefined;
  const type = format === 'date' ? 'date' : 'text';
  return withoutEmptyText(textField(path, labelOf(parameter), { ...options, type, inputmode }), value);
}

/** A number that JSON can represent. @param {Parameter} parameter @param {Context} context @returns {AnyField} */
function numberField(parameter, { path, value }) {
  const isInteger = parameter.kind === 'integer';
  const isDigitsOnly = isInteger && !(Number(parameter.schema.minimum) < 0);
  const inputmode = isDigitsOnly ? 'numeric' : 'text';
  /** @type {AnyField} */
  const field = textField(path, labelOf(parameter), { ...textOptions(parameter, value), inputmode });
  const { read: readText, write: writeText } = field;
  const read = () => {
    const text = readText().trim().replace(',', '.');
    return text === '' ? undefined : Number(text);
  };
  field.convert({ read, write: (wanted) => writeText(String(wanted ?? '')), initial: value });
  field.check = () => {
    const number = read();
    if (number === undefined || (isInteger ? Number.isSafeInteger(number) : Number.isFinite(number))) return null;
    return t(isInteger ? 'violation.integer' : 'violation.number');
  };
  return field;
}

/**
 * A field for what has no control of its own.
 * @param {Parameter} parameter
 * @param {Context} context
 * @returns {AnyField}
 */
function jsonField(parameter, { path, value }) {
  const help = [helpOf(parameter), h('p', null, t('schema.json'))];
  const asText = (/** @type {Json} */ json) => (json === undefined ? '' : JSON.stringify(json, null, 2));
  /** @type {AnyField} */
  const field = areaField(path, labelOf(parameter), { help, mono: true, value: asText(value) });
  const { read: readText, write: writeText } = field;
  const read = () => (jsonProblem(readText()) === null ? parseJson(readText()) : undefined);
  field.convert({ read, write: (wanted) => writeText(asText(wanted)), initial: value });
  field.check = () => jsonProblem(readText());
  return field;
}

/**
 * A value that the server generates or keeps secret. A note says so; a button opens the field for another value.
 * @param {Parameter} parameter
 * @param {Context} context
 * @returns {Control}
 */
function concealedControl(parameter, context) {
  const { path, exists } = context;
  const isPassword = parameter.secret && parameter.kind === 'text';
  const isGroup = parameter.kind === 'object' || parameter.kind === 'list';
  const options = { help: helpOf(parameter), autocomplete: 'off', required: parameter.required };
  const field = isPassword
    ? withoutEmptyText(passwordField(path, labelOf(parameter), options), undefined)
    : singleField({ ...parameter, kind: isGroup ? 'json' : parameter.kind }, context);
  if (!parameter.isGenerated && !exists) return { ...fieldControl(field), receive: () => {} };
  const input = field.node.querySelector('.joined') ?? field.control;
  const replace = button(
    t(exists ? 'schema.replace' : 'schema.own'),
    () => {
      note.replaceWith(input);
      field.focus();
    },
    { class: 'link' },
  );
  const note = h('div', { class: 'made' }, h('span', null, t(exists ? 'schema.kept' : 'schema.made')), replace);
  input.replaceWith(note);
  const markSaved = field.markSaved.bind(field);
  field.markSaved = () => {
    // The server keeps the secret to itself: an empty field leaves it as it is.
    if (parameter.secret) field.write(undefined);
    if (exists && input.isConnected) input.replaceWith(note);
    markSaved();
  };
  // Secrets are not read back; a generated value that is readable has an ordinary control.
  return { ...fieldControl(field), receive: () => {} };
}

/** One level of an object. @param {Parameter} parameter @param {Context} context @returns {Control} */
function objectControl(parameter, { path, value, exists }) {
  let current = value;
  const members = parameter.properties.map((property) => {
    const preset = parameter.required ? property.default : undefined;
    const memberValue = objectOrEmpty(value)[property.name] ?? preset;
    const control = controlFor(property, { path: [...path, property.name], value: memberValue, exists });
    return { name: property.name, control };
  });
  const group = fieldset(
    parameter,
    members.map(({ control }) => control.node),
  );
  const whole = groupField(path, parameter.title, group);
  const read = () => {
    const isKnown = (/** @type {string} */ name) => members.some((member) => member.name === name);
    const others = Object.entries(objectOrEmpty(current)).filter(([name]) => !isKnown(name));
    const typed = members.map(({ name, control }) => /** @type {[string, Json]} */ ([name, control.read()]));
    const entries = [...others, ...typed.filter(([, one]) => one !== undefined)];
    const isPresent = entries.length > 0 || parameter.required || current !== undefined;
    return isPresent ? Object.fromEntries(entries) : undefined;
  };
  const receive = (/** @type {Json} */ newer) => {
    current = newer;
    for (const { name, control } of members) control.receive(objectOrEmpty(newer)[name]);
  };
  return { node: group, fields: () => [whole, ...members.flatMap(({ control }) => control.fields())], read, receive };
}

/** Any number of values of one kind. @param {Parameter} parameter @param {Context} context @returns {Control} */
function listControl(parameter, { path, value, exists }) {
  const item = /** @type {Parameter} */ (parameter.item);
  /** @type {{ control: Control, row: HTMLElement }[]} */
  let rows = [];
  let isListed = value !== undefined;
  const holder = h('div', { class: 'rows' });
  const addRow = () => {
    appendRow(undefined);
    rows.at(-1)?.control.fields().at(-1)?.focus();
  };
  const add = button([icon('plus'), t('schema.add')], addRow);
  const group = fieldset(parameter, [holder, add]);
  const whole = groupField(path, parameter.title, group);

  function renumber() {
    for (const [index, { control, row }] of rows.entries()) {
      for (const field of control.fields()) field.path[path.length] = String(index);
      row.setAttribute('aria-label', t('schema.entry', { n: index + 1 }));
    }
  }

  /** @param {Json} entry */
  function appendRow(entry) {
    const entryParameter = { ...item, title: t('schema.entry', { n: rows.length + 1 }), required: true };
    const control = controlFor(entryParameter, { path: [...path, String(rows.length)], value: entry, exists });
    const removeRow = () => {
      rows = rows.filter((other) => other.row !== row);
      row.remove();
      renumber();
      add.focus();
    };
    const row = h('div', { class: 'row', role: 'group' }, control.node, button(t('schema.remove'), removeRow));
    rows.push({ control, row });
    holder.append(row);
    renumber();
  }

  /** @param {Json} entries */
  function writeRows(entries) {
    isListed = entries !== undefined;
    rows = [];
    fill(holder);
    for (const entry of arrayOrEmpty(entries)) appendRow(entry);
  }

  const read = () => {
    const entries = rows.map(({ control }) => control.read() ?? emptyEntry(item));
    return entries.length > 0 || isListed ? entries : undefined;
  };
  writeRows(value);
  whole.convert({ read, write: writeRows, initial: value, readInput: read });
  const rebaseList = whole.rebase.bind(whole);
  whole.rebase = () => {
    for (const field of rows.flatMap(({ control }) => control.fields())) field.rebase();
    rebaseList();
  };
  const fields = () => [whole, ...rows.flatMap(({ control }) => control.fields())];
  return { node: group, fields, read, receive: (newer) => whole.receive(newer) };
}

/** The value of an entry into which nothing was typed; the server judges it. @param {Parameter} item @returns {Json} */
function emptyEntry({ kind }) {
  if (kind === 'text') return '';
  return kind === 'object' ? {} : null;
}

/** @param {Parameter} parameter @param {HTMLElement[]} content */
const fieldset = (parameter, content) =>
  h('fieldset', { class: 'group' }, h('legend', null, labelOf(parameter)), helpOf(parameter) ?? null, content);

/**
 * A field without a control, for errors and newer values of a group as a whole.
 * @param {string[]} path
 * @param {string} title
 * @param {HTMLElement} group
 * @returns {AnyField}
 */
function groupField(path, title, group) {
  const anchor = anchorElement(title);
  /** @type {AnyField} */
  const field = new Field(path, title, anchor, { isGroup: true, read: () => undefined, describe: describeValue });
  removeLabel(field, title);
  group.append(field.node);
  return field;
}

/** An element that can take the focus in place of a control. @param {string} title */
export const anchorElement = (title) =>
  h('div', { class: 'anchor', tabindex: -1, role: 'group', 'aria-label': title, id: uniqueId('group') });

/** Removes the visible label of a field. @param {AnyField} field @param {string} title */
export function removeLabel(field, title) {
  field.node.querySelector('.label')?.remove();
  field.control.removeAttribute('aria-labelledby');
  field.control.setAttribute('aria-label', title);
}
