// Fields with the controls of HTML.

import { button, h, uniqueId } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { t } from '../lib/i18n.js';
import { Field } from './field.js';

/** @typedef {import('../lib/dom.js').Child} Child */
/**
 * @typedef {{ help?: Child, value?: string, type?: string, autocomplete?: string, inputmode?: string,
 *   placeholder?: string, required?: boolean, maxlength?: number, rows?: number, mono?: boolean, list?: string,
 *   wide?: boolean, accept?: string }} TextOptions
 */
/** @typedef {string | string[]} Path */
/** @typedef {import('./field.js').AnyField} AnyField */

/**
 * One line of text.
 * @param {Path} path
 * @param {string} label
 * @param {TextOptions} [options]
 * @returns {Field<string>}
 */
export function textField(path, label, options = {}) {
  const { type = 'text', value = '', help, mono, wide, required, ...attributes } = options;
  const classes = [mono && 'mono', wide && 'wide'].filter(Boolean).join(' ') || null;
  const input = h('input', { type, value, spellcheck: 'false', autocapitalize: 'off', class: classes, ...attributes });
  const write = (/** @type {string} */ text) => {
    input.value = text ?? '';
  };
  return new Field(path, label, input, { help, required, initial: value, read: () => input.value, write });
}

/**
 * A password, with a button that shows what was typed.
 * @param {Path} path
 * @param {string} label
 * @param {TextOptions} [options]
 * @returns {Field<string>}
 */
export function passwordField(path, label, options = {}) {
  const { help, value = '', required, ...attributes } = options;
  const input = h('input', { type: 'password', value, spellcheck: 'false', autocapitalize: 'off', ...attributes });
  const toggle = () => {
    const isVisible = input.type === 'text';
    input.type = isVisible ? 'password' : 'text';
    eye.setAttribute('aria-pressed', String(!isVisible));
  };
  const eye = button(icon('eye'), toggle, { class: 'bare', 'aria-pressed': 'false', 'aria-label': t('field.reveal') });
  const node = h('div', { class: 'joined' }, input, eye);
  const write = (/** @type {string} */ text) => {
    input.value = text ?? '';
  };
  return new Field(path, label, input, { help, required, node, initial: value, read: () => input.value, write });
}

/** A hidden control from which password managers read the user name. @param {string} username */
export const usernameForPasswordManagers = (username) =>
  h('input', {
    class: 'away',
    type: 'text',
    autocomplete: 'username',
    value: username,
    tabindex: -1,
    'aria-hidden': 'true',
    readonly: true,
  });

/** Several lines. @param {Path} path @param {string} label @param {TextOptions} [options] @returns {Field<string>} */
export function areaField(path, label, options = {}) {
  const { value = '', help, mono, required, rows = 4, ...attributes } = options;
  const classes = mono ? 'mono' : null;
  const input = h('textarea', { rows, spellcheck: mono ? 'false' : null, class: classes, ...attributes });
  input.value = value;
  const write = (/** @type {string} */ text) => {
    input.value = text ?? '';
  };
  // A whole text is too long for the notice of a newer value.
  const describe = () => '…';
  return new Field(path, label, input, { help, required, initial: value, read: () => input.value, write, describe });
}

/**
 * One of several values, in a menu.
 * @template Value
 * @param {Path} path
 * @param {string} label
 * @param {[Value, string][]} choices value and text
 * @param {{ help?: Child, required?: boolean, value?: Value }} [options]
 * @returns {Field<Value>}
 */
export function selectField(path, label, choices, options = {}) {
  const { help, required, value } = options;
  const input = h(
    'select',
    null,
    choices.map(([, text], index) => h('option', { value: index }, text)),
  );
  const indexOf = (/** @type {Value | undefined} */ wanted) =>
    choices.findIndex(([choice]) => JSON.stringify(choice) === JSON.stringify(wanted));
  const write = (/** @type {Value | undefined} */ wanted) => {
    input.selectedIndex = Math.max(0, indexOf(wanted));
  };
  write(value);
  const read = () => choices[input.selectedIndex]?.[0];
  const describe = (/** @type {Value} */ wanted) => choices[indexOf(wanted)]?.[1] ?? '';
  return new Field(path, label, input, { help, required, initial: value, read, write, describe });
}

/**
 * One of several values, all visible.
 * @template {string} Value
 * @param {Path} path
 * @param {string} label
 * @param {[Value, string, string?][]} choices value, text, explanation
 * @param {{ value: Value, help?: Child, onPick?: (value: Value) => void }} options
 * @returns {Field<Value>}
 */
export function choiceField(path, label, choices, { value, help, onPick }) {
  const name = uniqueId('choice');
  const inputs = choices.map(([choice]) =>
    h('input', { type: 'radio', name, checked: choice === value, onchange: () => onPick?.(choice) }),
  );
  const labels = choices.map(([, text, explanation], index) => {
    const description = h('span', null, h('strong', null, text), explanation && h('small', null, explanation));
    return h('label', { class: 'choice' }, inputs[index], description);
  });
  const group = h('div', { class: 'choices', role: 'radiogroup' }, labels);
  const read = () => choices[inputs.findIndex((input) => input.checked)]?.[0] ?? value;
  const write = (/** @type {Value} */ wanted) => {
    choices.forEach(([choice], index) => {
      inputs[index].checked = choice === wanted;
    });
  };
  const describe = (/** @type {Value} */ wanted) => choices.find(([choice]) => choice === wanted)?.[1] ?? '';
  return new Field(path, label, group, { help, isGroup: true, initial: value, read, write, describe });
}

/**
 * Any number of values.
 * @template {string} Value
 * @param {Path} path
 * @param {string} label
 * @param {[Value, string][]} choices
 * @param {{ value?: readonly Value[], help?: Child }} [options]
 * @returns {Field<Value[]>}
 */
export function multipleField(path, label, choices, { value = [], help } = {}) {
  const inputs = choices.map(([choice]) => h('input', { type: 'checkbox', checked: value.includes(choice) }));
  const labels = choices.map(([, text], index) => h('label', { class: 'check' }, inputs[index], text));
  const group = h('div', { class: 'checks', role: 'group' }, labels);
  const inOrder = (/** @type {readonly Value[]} */ values) =>
    choices.map(([choice]) => choice).filter((choice) => values.includes(choice));
  const read = () => choices.map(([choice]) => choice).filter((_, index) => inputs[index].checked);
  const write = (/** @type {Value[]} */ wanted) => {
    choices.forEach(([choice], index) => {
      inputs[index].checked = wanted.includes(choice);
    });
  };
  const describe = (/** @type {Value[]} */ wanted) =>
    choices
      .filter(([choice]) => wanted.includes(choice))
      .map(([, text]) => text)
      .join(', ');
  const field = new Field(path, label, group, { help, isGroup: true, initial: inOrder(value), read, write, describe });
  // The server's order is not the order of the choices.
  const receive = field.receive.bind(field);
  field.receive = (values) => receive(inOrder(values));
  return field;
}

/**
 * On or off.
 * @param {Path} path
 * @param {string} label
 * @param {{ value?: boolean, help?: Child }} [options]
 * @returns {Field<boolean>}
 */
export function toggleField(path, label, { value = false, help } = {}) {
  const input = h('input', { type: 'checkbox', role: 'switch', class: 'switch', checked: value });
  const write = (/** @type {boolean} */ wanted) => {
    input.checked = wanted;
  };
  const describe = (/** @type {boolean} */ wanted) => t(wanted ? 'yes' : 'no');
  const field = new Field(path, label, input, { help, initial: value, read: () => input.checked, write, describe });
  field.node.classList.add('across');
  return field;
}

/**
 * A whole number; an empty control is null.
 * @param {Path} path
 * @param {string} label
 * @param {Omit<TextOptions, 'value'> & { value?: number | null }} [options]
 * @returns {Field<number | null>}
 */
export function integerField(path, label, { value = null, ...options } = {}) {
  /** @type {AnyField} */
  const field = textField(path, label, { inputmode: 'numeric', ...options, value: String(value ?? '') });
  const { read: readText, write: writeText } = field;
  const read = () => (readText().trim() === '' ? null : Number(readText()));
  field.convert({ read, write: (wanted) => writeText(String(wanted ?? '')), initial: value });
  field.check = () => (Number.isSafeInteger(read() ?? 0) ? null : t('violation.integer'));
  return field;
}

/**
 * Text that must be JSON; an empty control is undefined.
 * @param {Path} path
 * @param {string} label
 * @param {TextOptions} options
 * @returns {Field<string>}
 */
export function jsonTextField(path, label, options) {
  const field = areaField(path, label, { ...options, mono: true });
  field.check = () => jsonProblem(field.read());
  return field;
}

/** Returns the reason why a text is not JSON; null where it is JSON or empty. @param {string} text */
export function jsonProblem(text) {
  try {
    if (text.trim() !== '') JSON.parse(text);
    return null;
  } catch (error) {
    return t('violation.json', { message: /** @type {Error} */ (error).message });
  }
}

/** The value of a text that is JSON; undefined where it is empty. @param {string} text */
export const parseJson = (text) => (text.trim() === '' ? undefined : JSON.parse(text));
