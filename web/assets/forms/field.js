// A form field: a label, a control, help, and places for errors and for newer values of the server.

import { append, button, fill, h, uniqueId } from '../lib/dom.js';
import { t } from '../lib/i18n.js';

/** @typedef {import('../lib/dom.js').Child} Child */
/** @typedef {Field<any>} AnyField a field in a list of fields: reading and writing go through the one that made it */
/**
 * @template Value
 * @typedef {{ read: () => Value, write?: (value: Value) => void, initial?: Value, node?: HTMLElement, help?: Child,
 *   isGroup?: boolean, required?: boolean, describe?: (value: Value) => string }} FieldOptions
 *   `describe` puts a value into words; `isGroup` labels several controls
 */

/** A comparable form of a value; an empty text and no value are the same. @param {unknown} value */
const canonical = (value) => JSON.stringify(value === undefined || value === '' ? null : value);

/**
 * A field owns what was typed into it. Newer values of the server replace an untouched one and are announced beside a
 * touched one.
 * @template Value
 */
export class Field {
  /**
   * @param {string | string[]} path the position in the input, such as `parameters/mac`
   * @param {string} label
   * @param {HTMLElement} control the element that takes the focus
   * @param {FieldOptions<Value>} options
   */
  constructor(path, label, control, options) {
    this.path = Array.isArray(path) ? path : path.split('/');
    this.label = label;
    this.control = control;
    this.read = options.read;
    /** Reads what the control holds, even where it is no valid value. @type {() => unknown} */
    this.readInput = options.read;
    this.write = options.write ?? (() => {});
    this.describe = options.describe ?? ((/** @type {Value} */ value) => String(value ?? ''));
    /** @type {() => string | null} a message where the value cannot even be sent */
    this.check = () => null;
    this.initial = options.initial;
    this.serverValue = canonical(options.initial);
    this.baseline = canonical(undefined);
    this.problem = h('div', { class: 'problem', id: uniqueId('problem') });
    this.news = h('div', { class: 'news', role: 'status' });
    const help = options.help ? h('div', { class: 'help', id: uniqueId('help') }, options.help) : null;
    const id = uniqueId(this.path.join('-') || 'field');
    control.id = id;
    control.setAttribute('aria-describedby', [help?.id, this.problem.id].filter(Boolean).join(' '));
    if (options.required) control.setAttribute('aria-required', 'true');
    const name = options.isGroup
      ? h('span', { class: 'label', id: `${id}-label` }, label)
      : h('label', { class: 'label', for: id }, label);
    if (options.isGroup) control.setAttribute('aria-labelledby', `${id}-label`);
    this.node = h('div', { class: 'field' }, name, help, options.node ?? control, this.problem, this.news);
  }

  /**
   * Gives the field values of another type than its control has.
   * @param {{ read: () => Value, write: (value: Value) => void, initial: Value, readInput?: () => unknown }} conversion
   */
  convert({ read, write, initial, readInput }) {
    this.read = read;
    this.readInput = readInput ?? this.readInput;
    this.write = write;
    this.initial = initial;
    this.serverValue = canonical(initial);
  }

  /** Moves the focus into the field and unfolds what it stands in. */
  focus() {
    this.unfold();
    const selector = 'input,select,textarea,button';
    const inner = this.control.matches(selector) ? this.control : this.control.querySelector(selector);
    /** @type {HTMLElement} */ (inner ?? this.control).focus();
  }

  unfold() {
    for (let fold = this.node.closest('details'); fold; fold = fold.parentElement?.closest('details') ?? null) {
      fold.open = true;
    }
  }

  /** Shows an error beside the field. @param {string} message @param {Child} [more] */
  fail(message, more) {
    append(this.problem, [h('p', null, message), more]);
    this.control.setAttribute('aria-invalid', 'true');
    this.unfold();
  }

  clearProblem() {
    fill(this.problem);
    this.control.removeAttribute('aria-invalid');
  }

  /** Whether the value differs from the last saved one. */
  get isTouched() {
    return canonical(this.readInput()) !== this.baseline;
  }

  /** Takes the present value as saved. */
  rebase() {
    this.baseline = canonical(this.readInput());
  }

  /** Called after the form was saved. */
  markSaved() {
    this.rebase();
    fill(this.news);
  }

  /** Restores the value that the field began with. */
  reset() {
    this.write(/** @type {Value} */ (this.initial));
    this.markSaved();
  }

  /** Merges a newer value of the server. @param {Value} value */
  receive(value) {
    if (canonical(value) === this.serverValue) return;
    this.serverValue = canonical(value);
    if (!this.isTouched || canonical(this.read()) === this.serverValue) return this.replaceWith(value);
    const take = button(t('field.takeNewer'), () => this.replaceWith(value), { class: 'link' });
    fill(this.news, h('p', null, t('field.newer', { value: this.describe(value) || '—' }), ' ', take));
  }

  /** @param {Value} value */
  replaceWith(value) {
    // Writing would move the cursor in a control that has the value already.
    if (this.isTouched || canonical(this.read()) !== canonical(value)) this.write(value);
    this.rebase();
    fill(this.news);
  }
}
