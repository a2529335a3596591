// Forms: fields that keep what was typed, each error beside its field, and a summary that takes the focus.

import { append, fill, freshId, h, icon } from './dom.js';
import { hasText, t, tn } from './i18n.js';

/** @typedef {import('./api.js').UserError} UserError */
/** @typedef {{ help?: import('./dom.js').Child, value?: any, type?: string, autocomplete?: string, inputmode?: string, placeholder?: string,
 *   required?: boolean, maxlength?: number, rows?: number, mono?: boolean, list?: string, wide?: boolean }} Options */

/** What an error says to a person, in their language. @param {UserError} error */
export function errorText(error) {
  const { code, message } = error;
  const values = { message, limit: error.limit ?? '', cycle: (error.cycle ?? []).join(' → ') };
  if (code === 'RATE_LIMITED' && error.retryAfterSeconds) return tn('error.wait', error.retryAfterSeconds);
  if (code === 'SCHEMA_VIOLATION' && hasText(`violation.${error.keyword}`)) return t(`violation.${error.keyword}`, values);
  return hasText(`error.${code}`) ? t(`error.${code}`, values) : message;
}

/** One field: a label, a control, help, and room for what is wrong. */
export class Field {
  /**
   * @param {string | string[]} path where it stands in the input: `parameters/mac`
   * @param {string} label
   * @param {HTMLElement} control what takes the focus
   * @param {{ read: () => any, write?: (value: any) => void, node?: HTMLElement, help?: import('./dom.js').Child, isGroup?: boolean, required?: boolean }} how
   */
  constructor(path, label, control, how) {
    this.path = Array.isArray(path) ? path : path.split('/');
    this.label = label;
    this.control = control;
    this.read = how.read;
    this.write = how.write ?? (() => {});
    /** @type {() => string | null} what is wrong before the server has been asked */
    this.check = () => null;
    this.problem = h('div', { class: 'problem', id: freshId('problem') });
    const help = how.help ? h('div', { class: 'help', id: freshId('help') }, how.help) : null;
    const id = freshId(this.path.join('-') || 'field');
    control.id = id;
    control.setAttribute('aria-describedby', [help?.id, this.problem.id].filter(Boolean).join(' '));
    if (how.required) control.setAttribute('aria-required', 'true');
    const name = how.isGroup
      ? h('span', { class: 'label', id: `${id}-label` }, label)
      : h('label', { class: 'label', for: id }, label);
    if (how.isGroup) control.setAttribute('aria-labelledby', `${id}-label`);
    this.node = h('div', { class: 'field' }, name, help, how.node ?? control, this.problem);
  }

  focus() {
    const inside = this.control.matches('input,select,textarea,button') ? this.control : this.control.querySelector('input,select,textarea,button');
    /** @type {HTMLElement} */ (inside ?? this.control).focus();
  }

  /** @param {string} message @param {import('./dom.js').Child} [more] */
  fail(message, more) {
    fill(this.problem, h('p', null, message), more);
    this.control.setAttribute('aria-invalid', 'true');
  }

  clear() {
    fill(this.problem);
    this.control.removeAttribute('aria-invalid');
  }

  /** @param {string | string[]} path @param {string} label @param {Options} [options] */
  static text(path, label, options = {}) {
    const { type = 'text', value = '', help, mono, wide, required, ...rest } = options;
    const input = h('input', { type, value, spellcheck: 'false', autocapitalize: 'off', class: [mono && 'mono', wide && 'wide'].filter(Boolean).join(' ') || null, ...rest });
    return new Field(path, label, input, { help, required, read: () => input.value, write: (text) => { input.value = text; } });
  }

  /** With an eye to look at what was typed. @param {string | string[]} path @param {string} label @param {Options} [options] */
  static password(path, label, options = {}) {
    const { help, value = '', required, ...rest } = options;
    const input = h('input', { type: 'password', value, spellcheck: 'false', autocapitalize: 'off', ...rest });
    const eye = h('button', { type: 'button', class: 'bare', 'aria-pressed': 'false', 'aria-label': t('field.reveal'), onclick: () => {
      const isShown = input.type === 'text';
      input.type = isShown ? 'password' : 'text';
      eye.setAttribute('aria-pressed', String(!isShown));
    } }, icon('eye'));
    const node = h('div', { class: 'joined' }, input, eye);
    return new Field(path, label, input, { help, required, node, read: () => input.value, write: (text) => { input.value = text; } });
  }

  /** @param {string | string[]} path @param {string} label @param {Options} [options] */
  static area(path, label, options = {}) {
    const { value = '', help, mono, required, rows = 4, ...rest } = options;
    const input = h('textarea', { rows, spellcheck: mono ? 'false' : null, class: mono ? 'mono' : null, ...rest });
    input.value = value;
    return new Field(path, label, input, { help, required, read: () => input.value, write: (text) => { input.value = text; } });
  }

  /** @param {string | string[]} path @param {string} label @param {[any, string][]} choices value and text @param {Options} [options] */
  static select(path, label, choices, options = {}) {
    const { help, required } = options;
    const input = h('select', null, choices.map(([, text], index) => h('option', { value: index }, text)));
    const write = (/** @type {any} */ value) => { input.selectedIndex = Math.max(0, choices.findIndex(([one]) => JSON.stringify(one) === JSON.stringify(value))); };
    write(options.value);
    return new Field(path, label, input, { help, required, read: () => choices[input.selectedIndex]?.[0], write });
  }

  /** All choices at once, one of them taken. @param {string | string[]} path @param {string} label
   * @param {[any, string, string?][]} choices value, text, explanation @param {Options & { onpick?: (value: any) => void }} [options] */
  static choice(path, label, choices, options = {}) {
    const name = freshId('choice');
    const inputs = choices.map(([value]) => h('input', { type: 'radio', name, checked: value === options.value, onchange: () => options.onpick?.(value) }));
    const box = h('div', { class: 'choices', role: 'radiogroup' }, choices.map(([, text, about], index) =>
      h('label', { class: 'choice' }, inputs[index], h('span', null, h('strong', null, text), about && h('small', null, about)))));
    const write = (/** @type {any} */ value) => choices.forEach(([one], index) => { inputs[index].checked = one === value; });
    return new Field(path, label, box, { help: options.help, isGroup: true, read: () => choices[inputs.findIndex((input) => input.checked)]?.[0], write });
  }

  /** Several of many. @param {string | string[]} path @param {string} label @param {[string, string][]} choices @param {Options} [options] */
  static many(path, label, choices, options = {}) {
    const chosen = new Set(options.value ?? []);
    const inputs = choices.map(([value]) => h('input', { type: 'checkbox', checked: chosen.has(value) }));
    const box = h('div', { class: 'checks', role: 'group' }, choices.map(([, text], index) => h('label', { class: 'check' }, inputs[index], text)));
    return new Field(path, label, box, { help: options.help, isGroup: true, read: () => choices.filter((_, index) => inputs[index].checked).map(([value]) => value) });
  }

  /** On or off. @param {string | string[]} path @param {string} label @param {Options} [options] */
  static toggle(path, label, options = {}) {
    const input = h('input', { type: 'checkbox', role: 'switch', class: 'switch', checked: options.value === true });
    const field = new Field(path, label, input, { help: options.help, read: () => input.checked, write: (value) => { input.checked = value; } });
    field.node.classList.add('across');
    return field;
  }

  /** A whole number; nothing typed is null. @param {string | string[]} path @param {string} label @param {Options} [options] */
  static integer(path, label, options = {}) {
    const field = Field.text(path, label, { inputmode: 'numeric', ...options, value: options.value ?? '' });
    const text = field.read;
    field.read = () => (text().trim() === '' ? null : Number(text()));
    field.check = () => (text().trim() === '' || Number.isSafeInteger(Number(text())) ? null : t('violation.integer'));
    return field;
  }
}

/**
 * A form around fields.
 * @param {{ fields: Field[] | (() => Field[]), body?: import('./dom.js').Child, before?: import('./dom.js').Child, submit: string, danger?: boolean, inline?: boolean,
 *   cancel?: () => void, quiet?: boolean, send: () => Promise<any>, done?: (payload: any) => void }} options
 *   `send` answers a payload with `errors`
 */
export function form(options) {
  const fields = () => (typeof options.fields === 'function' ? options.fields() : options.fields);
  const summary = h('div', { class: 'summary', role: 'alert', tabindex: -1 });
  const submit = h('button', { type: 'submit', class: options.danger ? 'danger' : options.quiet ? '' : 'primary' }, options.submit);
  const cancel = options.cancel && h('button', { type: 'button', onclick: options.cancel }, t('cancel'));
  let isBusy = false;
  const element = h('form', { novalidate: true, class: options.inline ? 'form inline' : 'form', onsubmit: async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (isBusy) return;
    for (const field of fields()) field.clear();
    fill(summary);
    const wrong = fields().map((field) => ({ field, message: field.check() })).filter(({ message }) => message !== null);
    if (wrong.length > 0) return place(wrong.map(({ field, message }) => ({ code: 'LOCAL', message: message ?? '', path: field.path })), fields(), summary);
    isBusy = true;
    const busy = setTimeout(() => submit.setAttribute('aria-busy', 'true'), 200);
    try {
      const payload = await options.send();
      if (payload.errors?.length > 0) place(payload.errors, fields(), summary);
      else options.done?.(payload);
    } catch (error) {
      if (/** @type {Error} */ (error).name !== 'AbortError') failWhole(summary, error);
    } finally {
      clearTimeout(busy);
      isBusy = false;
      submit.removeAttribute('aria-busy');
    }
  } });
  append(element, [summary, options.before, options.body ?? fields().map((field) => field.node), h('div', { class: 'actions' }, submit, cancel)]);
  return element;
}

/** @param {HTMLElement} summary @param {any} error */
function failWhole(summary, error) {
  const known = hasText(`refused.${error.code}`);
  fill(summary, h('p', null, known ? t(`refused.${error.code}`, { message: error.message }) : t('refused.other', { message: error.message })));
  if (error.requestId) summary.append(h('p', { class: 'quiet' }, t('refused.id', { id: error.requestId })));
  summary.focus();
}

/** Puts each error beside its field, and all of them into the summary. @param {UserError[]} errors @param {Field[]} fields @param {HTMLElement} summary */
export function place(errors, fields, summary) {
  const lines = errors.map((error) => {
    const field = nearest(fields, error.path);
    const text = errorText(error);
    if (!field) return h('li', null, text);
    field.fail(text, suggestions(error, field));
    return h('li', null, h('a', { href: `#${field.control.id}`, onclick: (/** @type {Event} */ event) => { event.preventDefault(); field.focus(); } }, field.label), ': ', text);
  });
  fill(summary, h('p', null, tn('form.problems', errors.length)), h('ul', null, lines));
  summary.focus();
}

/** The field that an error's path leads to, or the nearest around it. @param {Field[]} fields @param {string[]} path */
export function nearest(fields, path) {
  const fits = fields.filter((field) => field.path.every((step, index) => path[index] === step) && field.path.length > 0);
  return fits.sort((a, b) => b.path.length - a.path.length)[0];
}

/** @param {UserError} error @param {Field} field */
function suggestions(error, field) {
  if (!error.suggestions?.length) return null;
  return h('div', { class: 'chips', role: 'group', 'aria-label': t('number.free') }, h('span', { class: 'quiet' }, t('number.free')), error.suggestions.map((number) =>
    h('button', { type: 'button', class: 'chip number', onclick: () => { field.clear(); field.write(number); field.focus(); } }, number)));
}
