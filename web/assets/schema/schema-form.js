// The fields of a form that a parameter schema describes.

import { controlFor } from './controls.js';
import { mergePatch } from './merge-patch.js';
import { mayRead, mayWrite, parametersOf } from './parameters.js';

/** @typedef {import('../../types/json.js').Json} Json */
/** @typedef {import('../../types/json.js').JsonObject} JsonObject */
/** @typedef {import('./parameters.js').Parameter} Parameter */

/** Whether registration needs a typed value: such fields are not folded away. @param {Parameter} parameter */
const isNeeded = ({ required, default: preset, isGenerated }) => required && preset === undefined && !isGenerated;

export class SchemaForm {
  /**
   * @param {JsonObject} schema
   * @param {{ value?: JsonObject | null, isOperator?: boolean }} [options] `value`: null for a new extension
   */
  constructor(schema, { value = null, isOperator = false } = {}) {
    this.savedValue = value;
    const all = parametersOf(schema);
    this.parameters = all.filter((one) => mayRead(one, isOperator) || mayWrite(one, isOperator));
    this.entries = this.parameters
      .filter((one) => mayWrite(one, isOperator))
      .map((parameter) => {
        const initial = value ? value[parameter.name] : parameter.default;
        const context = { path: ['parameters', parameter.name], value: initial, exists: value !== null };
        return { parameter, control: controlFor(parameter, context) };
      });
    const nodes = (/** @type {(parameter: Parameter) => boolean} */ accepts) =>
      this.entries.filter(({ parameter }) => accepts(parameter)).map(({ control }) => control.node);
    this.needed = nodes(isNeeded);
    this.optional = nodes((parameter) => !isNeeded(parameter));
    this.nodes = nodes(() => true);
    for (const field of this.fields) field.rebase();
  }

  /** The present fields; lists grow and shrink. */
  get fields() {
    return this.entries.flatMap(({ control }) => control.fields());
  }

  /**
   * The value to send: all parameters of a new extension, else a merge patch; undefined where nothing is to be sent.
   */
  read() {
    const values = this.entries.map(({ parameter, control }) => ({ name: parameter.name, value: control.read() }));
    const typed = Object.fromEntries(
      values.filter(({ value }) => value !== undefined).map((one) => [one.name, one.value]),
    );
    if (this.savedValue === null) return Object.keys(typed).length > 0 ? typed : undefined;
    const saved = values.map(({ name }) => /** @type {[string, Json]} */ ([name, this.savedValue?.[name]]));
    // A secret is not among the saved values: an empty field leaves it as it is.
    return mergePatch(Object.fromEntries(saved.filter(([, value]) => value !== undefined)), typed);
  }

  /** Merges newer values of the server. @param {JsonObject} value */
  receive(value) {
    this.savedValue = value;
    for (const { parameter, control } of this.entries) control.receive(value[parameter.name]);
  }
}
