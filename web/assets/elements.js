// Making elements. Text is always text: nothing here reads HTML.

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child */

/** Attributes that must be set as properties, because the attribute only says what was there first. */
const PROPERTIES = new Set(['value', 'checked', 'selected', 'disabled', 'indeterminate', 'open', 'hidden']);

/**
 * An element with attributes, listeners (`onclick` and the like) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any> | null} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) Reflect.set(element, name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** What acts when it is pressed. @param {Child} text @param {(event: Event) => any} onclick @param {Record<string, any>} [more] attributes */
export const button = (text, onclick, more) => h('button', { type: 'button', onclick, ...more }, text);

/**
 * @param {Node} parent
 * @param {Child} child
 */
export function append(parent, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) for (const one of child) append(parent, one);
  else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
}

/**
 * Replaces what an element holds.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

const SVG = 'http://www.w3.org/2000/svg';

/** Outlines of 24 × 24, drawn with one stroke. */
const ICONS = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5',
  book: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11',
  phone: 'M7 3h10a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-4 4-6 8-6s8 2 8 6',
  desk: 'M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v6H5a1 1 0 0 1-1-1zM20 14h-3v6h2a1 1 0 0 0 1-1z',
  gear: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 4v6M9 14v6',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  check: 'M5 13l5 5 9-11',
  plus: 'M12 5v14M5 12h14',
  back: 'M14 5l-7 7 7 7',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  enter: 'M14 4h5v16h-5M4 12h11M11 8l4 4-4 4',
};

/**
 * A small drawing that repeats what a text beside it says; screen readers pass over it.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

let made = 0;

/** A fresh id for `for`, `aria-describedby` and the like. @param {string} stem */
export function freshId(stem) {
  made += 1;
  return `${stem.replace(/[^A-Za-z0-9_-]/g, '-')}-${made}`;
}

// Words and times in the reader's language.

const LANGUAGES = ['en', 'de'];
const STORED = 'switchboard.language';

function choose() {
  const wished = [localStorage.getItem(STORED), ...navigator.languages].map((tag) =>
    (tag ?? '').slice(0, 2).toLowerCase(),
  );
  return wished.find((tag) => LANGUAGES.includes(tag)) ?? 'en';
}

/** The language of the pages: chosen here once, else the browser's. */
export const language = choose();
/** @type {Record<string, string>} */
const catalogue = await (await fetch(new URL(`messages/${language}.json`, import.meta.url))).json();
document.documentElement.lang = language;

/** Keeps a choice and shows everything in it. @param {string} tag */
export function switchLanguage(tag) {
  localStorage.setItem(STORED, tag);
  location.reload();
}

/**
 * A text of the catalogue; `{name}` is replaced by a value.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = catalogue[key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether the catalogue has a text. @param {string} key */
export const hasText = (key) => key in catalogue;

const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/**
 * A text that depends on a count: `key.one` or `key.other`.
 * @param {string} key
 * @param {number} n
 * @param {Record<string, string | number>} [values]
 */
export function tn(key, n, values = {}) {
  return t(`${key}.${plurals.select(n) === 'one' ? 'one' : 'other'}`, { n: numbers.format(n), ...values });
}

/** A count as people write it. @param {number} n */
export const count = (n) => numbers.format(n);

const dateAndTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'long' });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 7],
];

/** An instant on the reader's clock. @param {string} instant */
export const clock = (instant) => dateAndTime.format(new Date(instant));

/** How long ago or how soon; beyond a week the date. @param {string} instant */
export function since(instant) {
  let span = (Date.parse(instant) - Date.now()) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(span) < size) return relative.format(Math.round(span), unit);
    span /= size;
  }
  return clock(instant);
}

/** So many seconds in words. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return tn('duration.seconds', seconds);
  if (seconds < 5400) return tn('duration.minutes', Math.round(seconds / 60));
  return tn('duration.hours', Math.round(seconds / 3600));
}

// Forms: fields that keep what was typed, each error beside its field, and a summary that takes the focus.

/** @typedef {import('./server.js').UserError} UserError */
/** @typedef {{ help?: Child, value?: any, type?: string, autocomplete?: string, inputmode?: string, placeholder?: string,
 *   required?: boolean, maxlength?: number, rows?: number, mono?: boolean, list?: string, wide?: boolean }} Options */

/** What an error says to a person, in their language. @param {UserError} error */
export function errorText(error) {
  const { code, message, path, rule, keyword } = error;
  if (code === 'RATE_LIMITED' && error.retryAfterSeconds) return tn('error.wait', error.retryAfterSeconds);
  // The nearest of what the catalogue can say: the very rule, the field, the code.
  const key = [
    `violation.${keyword}`,
    `error.${rule}`,
    `error.${code}.${path?.at(-1)}`,
    `error.${code}`,
    `refused.${code}`,
  ].find(hasText);
  /** @type {Record<string, any>} */
  const values = { message, limit: error.limit ?? '', cycle: (error.cycle ?? []).join(' → '), ...error.values };
  return key ? t(key, values) : message;
}

/** One field: a label, a control, help, and room for what is wrong. */
export class Field {
  /**
   * @param {string | string[]} path where it stands in the input: `parameters/mac`
   * @param {string} label
   * @param {HTMLElement} control what takes the focus
   * @param {{ read: () => any, write?: (value: any) => void, node?: HTMLElement, help?: Child, isGroup?: boolean, required?: boolean }} how
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
    const inside = this.control.matches('input,select,textarea,button')
      ? this.control
      : this.control.querySelector('input,select,textarea,button');
    /** @type {HTMLElement} */ (inside ?? this.control).focus();
  }

  /** @param {string} message @param {Child} [more] */
  fail(message, more) {
    append(this.problem, [h('p', null, message), more]);
    this.control.setAttribute('aria-invalid', 'true');
  }

  clear() {
    fill(this.problem);
    this.control.removeAttribute('aria-invalid');
  }

  /** @param {string | string[]} path @param {string} label @param {Options} [options] */
  static text(path, label, options = {}) {
    const { type = 'text', value = '', help, mono, wide, required, ...rest } = options;
    const input = h('input', {
      type,
      value,
      spellcheck: 'false',
      autocapitalize: 'off',
      class: [mono && 'mono', wide && 'wide'].filter(Boolean).join(' ') || null,
      ...rest,
    });
    return new Field(path, label, input, {
      help,
      required,
      read: () => input.value,
      write: (text) => {
        input.value = text;
      },
    });
  }

  /** With an eye to look at what was typed. @param {string | string[]} path @param {string} label @param {Options} [options] */
  static password(path, label, options = {}) {
    const { help, value = '', required, ...rest } = options;
    const input = h('input', { type: 'password', value, spellcheck: 'false', autocapitalize: 'off', ...rest });
    const eye = button(
      icon('eye'),
      () => {
        const isShown = input.type === 'text';
        input.type = isShown ? 'password' : 'text';
        eye.setAttribute('aria-pressed', String(!isShown));
      },
      { class: 'bare', 'aria-pressed': 'false', 'aria-label': t('field.reveal') },
    );
    const node = h('div', { class: 'joined' }, input, eye);
    return new Field(path, label, input, {
      help,
      required,
      node,
      read: () => input.value,
      write: (text) => {
        input.value = text;
      },
    });
  }

  /** @param {string | string[]} path @param {string} label @param {Options} [options] */
  static area(path, label, options = {}) {
    const { value = '', help, mono, required, rows = 4, ...rest } = options;
    const input = h('textarea', { rows, spellcheck: mono ? 'false' : null, class: mono ? 'mono' : null, ...rest });
    input.value = value;
    return new Field(path, label, input, {
      help,
      required,
      read: () => input.value,
      write: (text) => {
        input.value = text;
      },
    });
  }

  /** @param {string | string[]} path @param {string} label @param {[any, string][]} choices value and text @param {Options} [options] */
  static select(path, label, choices, options = {}) {
    const { help, required } = options;
    const input = h(
      'select',
      null,
      choices.map(([, text], index) => h('option', { value: index }, text)),
    );
    const write = (value) => {
      input.selectedIndex = Math.max(
        0,
        choices.findIndex(([one]) => JSON.stringify(one) === JSON.stringify(value)),
      );
    };
    write(options.value);
    return new Field(path, label, input, { help, required, read: () => choices[input.selectedIndex]?.[0], write });
  }

  /** All choices at once, one of them taken. @param {string | string[]} path @param {string} label
   * @param {[any, string, string?][]} choices value, text, explanation @param {Options & { onpick?: (value: any) => void }} [options] */
  static choice(path, label, choices, options = {}) {
    const name = freshId('choice');
    const inputs = choices.map(([value]) =>
      h('input', { type: 'radio', name, checked: value === options.value, onchange: () => options.onpick?.(value) }),
    );
    const box = h(
      'div',
      { class: 'choices', role: 'radiogroup' },
      choices.map(([, text, about], index) =>
        h(
          'label',
          { class: 'choice' },
          inputs[index],
          h('span', null, h('strong', null, text), about && h('small', null, about)),
        ),
      ),
    );
    const write = (value) =>
      choices.forEach(([one], index) => {
        inputs[index].checked = one === value;
      });
    return new Field(path, label, box, {
      help: options.help,
      isGroup: true,
      read: () => choices[inputs.findIndex((input) => input.checked)]?.[0],
      write,
    });
  }

  /** Several of many. @param {string | string[]} path @param {string} label @param {[string, string][]} choices @param {Options} [options] */
  static many(path, label, choices, options = {}) {
    const chosen = new Set(options.value ?? []);
    const inputs = choices.map(([value]) => h('input', { type: 'checkbox', checked: chosen.has(value) }));
    const box = h(
      'div',
      { class: 'checks', role: 'group' },
      choices.map(([, text], index) => h('label', { class: 'check' }, inputs[index], text)),
    );
    return new Field(path, label, box, {
      help: options.help,
      isGroup: true,
      read: () => choices.filter((_, index) => inputs[index].checked).map(([value]) => value),
    });
  }

  /** On or off. @param {string | string[]} path @param {string} label @param {Options} [options] */
  static toggle(path, label, options = {}) {
    const input = h('input', { type: 'checkbox', role: 'switch', class: 'switch', checked: options.value === true });
    const field = new Field(path, label, input, {
      help: options.help,
      read: () => input.checked,
      write: (value) => {
        input.checked = value;
      },
    });
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
 * @param {{ fields: Field[] | (() => Field[]), body?: Child, before?: Child, submit: string, danger?: boolean, inline?: boolean,
 *   cancel?: () => void, quiet?: boolean, send: () => Promise<any>, done?: (payload: any) => void }} options
 *   `send` answers a payload with `errors`
 */
export function form(options) {
  const fields = () => (typeof options.fields === 'function' ? options.fields() : options.fields);
  const summary = h('div', { class: 'summary', role: 'alert', tabindex: -1 });
  const submit = h(
    'button',
    { type: 'submit', class: options.danger ? 'danger' : options.quiet ? '' : 'primary' },
    options.submit,
  );
  const cancel = options.cancel && button(t('cancel'), options.cancel);
  let isBusy = false;
  const element = h('form', {
    novalidate: true,
    class: options.inline ? 'form inline' : 'form',
    onsubmit: async (event) => {
      event.preventDefault();
      if (isBusy) return;
      for (const field of fields()) field.clear();
      fill(summary);
      const wrong = fields()
        .map((field) => ({ field, message: field.check() }))
        .filter(({ message }) => message !== null);
      if (wrong.length > 0)
        return place(
          wrong.map(({ field, message }) => ({ code: 'LOCAL', message: message ?? '', path: field.path })),
          fields(),
          summary,
        );
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
    },
  });
  append(element, [
    summary,
    options.before,
    options.body ?? fields().map((field) => field.node),
    h('div', { class: 'actions' }, submit, cancel),
  ]);
  return element;
}

/** @param {HTMLElement} summary */
function failWhole(summary, error) {
  const known = hasText(`refused.${error.code}`);
  fill(
    summary,
    h(
      'p',
      null,
      known ? t(`refused.${error.code}`, { message: error.message }) : t('refused.other', { message: error.message }),
    ),
  );
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
    return h(
      'li',
      null,
      h(
        'a',
        {
          href: `#${field.control.id}`,
          onclick: (event) => {
            event.preventDefault();
            field.focus();
          },
        },
        field.label,
      ),
      ': ',
      text,
    );
  });
  fill(summary, h('p', null, tn('form.problems', errors.length)), h('ul', null, lines));
  summary.focus();
}

/** The field that an error's path leads to, or the nearest around it. @param {Field[]} fields @param {string[]} path */
export function nearest(fields, path) {
  const fits = fields.filter(
    (field) => field.path.every((step, index) => path[index] === step) && field.path.length > 0,
  );
  return fits.sort((a, b) => b.path.length - a.path.length)[0];
}

/** @param {UserError} error @param {Field} field */
function suggestions(error, field) {
  if (!error.suggestions?.length) return null;
  return h(
    'div',
    { class: 'chips', role: 'group', 'aria-label': t('number.free') },
    h('span', { class: 'quiet' }, t('number.free')),
    error.suggestions.map((number) =>
      button(
        number,
        () => {
          field.clear();
          field.write(number);
          field.focus();
        },
        { class: 'chip number' },
      ),
    ),
  );
}
