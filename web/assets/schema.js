// What a parameter schema asks for, as a form needs to know it. Nothing here touches the page.

/** @typedef {'text' | 'integer' | 'number' | 'boolean' | 'choice' | 'list' | 'object' | 'json'} Kind */
/** @typedef {{ name: string, kind: Kind, schema: any, title: string, description: string, help: string, required: boolean, secret: boolean,
 *   generate: any, readOnly: boolean, editableBy: string, visibleTo: string, isStatus: boolean, deprecated: boolean, order: number,
 *   default: any, choices: [any, string][], item: Parameter | null, properties: Parameter[] }} Parameter */

/** Keywords that a control can honour or that change nothing about it; any other one makes a JSON field. */
const PLAIN = new Set(['$comment', '$schema', '$id', '$defs', 'type', 'title', 'description', 'default', 'examples', 'format', 'enum', 'const', 'oneOf', 'readOnly', 'writeOnly', 'deprecated',
  'minLength', 'maxLength', 'pattern', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'items', 'minItems', 'maxItems',
  'uniqueItems', 'properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties', 'dependentRequired', 'contentMediaType', 'contentEncoding']);

/**
 * The parameters of a schema, in the order of a form.
 * @param {any} schema
 * @returns {Parameter[]}
 */
export function parametersOf(schema) {
  return propertiesOf(schema, schema, 0);
}

/** @param {any} schema @param {any} root @param {number} depth @returns {Parameter[]} */
function propertiesOf(schema, root, depth) {
  const required = Array.isArray(schema?.required) ? schema.required : [];
  const found = Object.entries(schema?.properties ?? {}).map(([name, one]) => parameter(name, one, root, depth, required.includes(name)));
  return found.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
}

/** @param {string} name @param {any} given @param {any} root @param {number} depth @param {boolean} required @returns {Parameter} */
function parameter(name, given, root, depth, required) {
  const schema = resolve(given, root);
  const facts = typeof schema === 'object' && schema !== null ? schema : {};
  const kind = kindOf(schema, root, depth);
  const isStatus = facts['x-status'] === true;
  return {
    name, kind, schema: facts, required, isStatus,
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

/** Follows a local reference; what stands beside it counts too. @param {any} schema @param {any} root */
function resolve(schema, root) {
  let found = schema;
  for (let steps = 0; steps < 16 && typeof found?.$ref === 'string'; steps += 1) {
    const { $ref, ...beside } = found;
    const name = /^#\/\$defs\/([^/]+)$/.exec($ref)?.[1];
    const target = name === undefined ? undefined : root.$defs?.[decodeURIComponent(name).replace(/~1/g, '/').replace(/~0/g, '~')];
    if (typeof target !== 'object' || target === null) return found;
    // Two answers to one question are for the server to weigh: a JSON field.
    if (Object.keys(beside).some((key) => key in target && !key.startsWith('x-') && !['title', 'description', 'default', 'examples'].includes(key))) return found;
    found = { ...target, ...beside };
  }
  return found;
}

/** @param {any} schema @param {any} root @param {number} depth @returns {Kind} */
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

/** @param {any} schema @returns {[any, string][]} */
function choicesOf(schema) {
  if ('const' in schema && !('enum' in schema) && !('oneOf' in schema)) return [[schema.const, schema.title ?? show(schema.const)]];
  if (Array.isArray(schema.enum) && !('oneOf' in schema)) return schema.enum.map((/** @type {any} */ value) => [value, show(value)]);
  if (Array.isArray(schema.oneOf) && !('enum' in schema) && schema.oneOf.length > 0
    && schema.oneOf.every((/** @type {any} */ one) => typeof one === 'object' && one !== null && 'const' in one)) {
    return schema.oneOf.map((/** @type {any} */ one) => [one.const, one.title ?? show(one.const)]);
  }
  return [];
}

/** A value as a person reads it. @param {any} value */
export const show = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Whether this person may write it. @param {Parameter} parameter @param {boolean} isOperator */
export const mayWrite = (parameter, isOperator) =>
  !parameter.isStatus && (isOperator ? parameter.editableBy !== 'CONSUMER' : parameter.editableBy === 'OWNER' && !parameter.readOnly);

/** Whether this person may read it. @param {Parameter} parameter @param {boolean} isOperator */
export const mayRead = (parameter, isOperator) => parameter.visibleTo === 'OWNER' || (isOperator && parameter.visibleTo === 'OPERATOR');

/** Whether a person can register at all: nothing is required that only others may write. @param {any} schema @param {boolean} isOperator */
export const canRegister = (schema, isOperator) =>
  parametersOf(schema).every((one) => !one.required || mayWrite(one, isOperator) || one.generate || one.default !== undefined);

/**
 * The merge patch (RFC 7396) that leads from one value to another; undefined where they are the same.
 * @param {any} before
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

/** @param {any} value */
const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
