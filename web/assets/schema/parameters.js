// Reads a parameter schema (JSON Schema with annotations) as a form needs it. Nothing here touches the page.

/** @typedef {import('../../types/json.js').Json} Json */
/** @typedef {import('../../types/json.js').JsonObject} JsonObject */
/** @typedef {'text' | 'integer' | 'number' | 'boolean' | 'choice' | 'list' | 'object' | 'json'} Kind */
/**
 * @typedef {{ name: string, kind: Kind, schema: JsonObject, title: string, description: string, help: string,
 *   required: boolean, secret: boolean, isGenerated: boolean, readOnly: boolean, editableBy: string, visibleTo: string,
 *   isStatus: boolean, deprecated: boolean, order: number, default: Json, choices: [Json, string][],
 *   item: Parameter | null, properties: Parameter[] }} Parameter
 */

/** Keywords that a control honours, or that do not change it; a schema with any other one becomes a JSON field. */
const SUPPORTED = new Set([
  ...['$comment', '$schema', '$id', '$defs', 'type', 'title', 'description', 'default', 'examples', 'format', 'enum'],
  ...['const', 'oneOf', 'readOnly', 'writeOnly', 'deprecated', 'minLength', 'maxLength', 'pattern', 'minimum'],
  ...['maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'items', 'minItems', 'maxItems', 'uniqueItems'],
  ...['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties', 'dependentRequired'],
  ...['contentMediaType', 'contentEncoding'],
]);
/** Keywords that may stand beside a reference and override its target. */
const OVERRIDING = ['title', 'description', 'default', 'examples'];
const MOST_REFERENCES = 16;

/** @param {Json} value @returns {value is JsonObject} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
/** @param {Json} value */
const objectOrEmpty = (value) => (isObject(value) ? value : {});
/** @param {Json} value */
const textOrEmpty = (value) => (typeof value === 'string' ? value : '');

/** The parameters of a schema, in the order of a form. @param {JsonObject} schema @returns {Parameter[]} */
export const parametersOf = (schema) => propertiesOf(schema, schema, 0);

/** @param {JsonObject} schema @param {JsonObject} root @param {number} depth @returns {Parameter[]} */
function propertiesOf(schema, root, depth) {
  const required = Array.isArray(schema?.required) ? schema.required : [];
  const entries = Object.entries(objectOrEmpty(schema?.properties));
  const parameters = entries.map(([name, one]) => parameter(name, one, root, depth, required.includes(name)));
  return parameters.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
}

/**
 * @param {string} name
 * @param {Json} given
 * @param {JsonObject} root
 * @param {number} depth
 * @param {boolean} required
 * @returns {Parameter}
 */
function parameter(name, given, root, depth, required) {
  const resolved = resolve(given, root);
  const schema = objectOrEmpty(resolved);
  const kind = kindOf(resolved, root, depth);
  const isStatus = schema['x-status'] === true;
  const order = schema['x-order'];
  return {
    name,
    kind,
    schema,
    required,
    isStatus,
    title: textOrEmpty(schema.title) || name,
    description: textOrEmpty(schema.description),
    help: textOrEmpty(schema['x-help']),
    secret: schema['x-secret'] === true,
    isGenerated: Boolean(schema['x-generate']),
    readOnly: schema.readOnly === true,
    editableBy: textOrEmpty(schema['x-editable-by']) || (isStatus ? 'CONSUMER' : 'OWNER'),
    visibleTo: textOrEmpty(schema['x-visible-to']) || 'OWNER',
    deprecated: schema.deprecated === true,
    order: Number.isInteger(order) ? Number(order) : Number.MAX_SAFE_INTEGER,
    default: schema.default === null ? undefined : schema.default,
    choices: kind === 'choice' ? choicesOf(schema) : [],
    item: kind === 'list' ? parameter('', schema.items, root, depth, true) : null,
    properties: kind === 'object' ? propertiesOf(schema, root, depth + 1) : [],
  };
}

/** Follows local references; keywords beside a reference count too. @param {Json} schema @param {JsonObject} root */
function resolve(schema, root) {
  let found = schema;
  for (let steps = 0; steps < MOST_REFERENCES && isObject(found) && typeof found.$ref === 'string'; steps += 1) {
    const { $ref, ...beside } = found;
    const name = /^#\/\$defs\/([^/]+)$/.exec(String($ref))?.[1];
    const definitions = objectOrEmpty(root.$defs);
    const target = name === undefined ? undefined : definitions[unescapePointer(name)];
    if (!isObject(target)) return found;
    // The server evaluates both keywords; a control could not: this becomes a JSON field.
    const isOverride = (/** @type {string} */ key) => key.startsWith('x-') || OVERRIDING.includes(key);
    if (Object.keys(beside).some((key) => key in target && !isOverride(key))) return found;
    found = { ...target, ...beside };
  }
  return found;
}

/** A token of a JSON pointer in a URI fragment (RFC 6901, section 6). @param {string} token */
const unescapePointer = (token) => decodeURIComponent(token).replace(/~1/g, '/').replace(/~0/g, '~');

/** @param {Json} schema @param {JsonObject} root @param {number} depth @returns {Kind} */
function kindOf(schema, root, depth) {
  if (!isObject(schema)) return 'json';
  if (Object.keys(schema).some((key) => !SUPPORTED.has(key) && !key.startsWith('x-'))) return 'json';
  if (choicesOf(schema).length > 0) return 'choice';
  if ('oneOf' in schema || 'enum' in schema) return 'json';
  const { type } = schema;
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  if (type === 'array' && schema.items) {
    const itemKind = kindOf(resolve(schema.items, root), root, depth);
    return itemKind === 'json' || itemKind === 'list' ? 'json' : 'list';
  }
  const hasProperties = Object.keys(objectOrEmpty(schema.properties)).length > 0;
  return type === 'object' && depth === 0 && hasProperties ? 'object' : 'json';
}

/** @param {JsonObject} schema @returns {[Json, string][]} */
function choicesOf(schema) {
  const hasEnum = 'enum' in schema;
  const hasOneOf = 'oneOf' in schema;
  if ('const' in schema && !hasEnum && !hasOneOf) {
    return [[schema.const, textOrEmpty(schema.title) || describeValue(schema.const)]];
  }
  if (Array.isArray(schema.enum) && !hasOneOf) return schema.enum.map((value) => [value, describeValue(value)]);
  if (!Array.isArray(schema.oneOf) || hasEnum) return [];
  const options = schema.oneOf.map((option) => (isObject(option) && 'const' in option ? option : null));
  return options.flatMap((option) =>
    option && !options.includes(null)
      ? [/** @type {[Json, string]} */ ([option.const, textOrEmpty(option.title) || describeValue(option.const)])]
      : [],
  );
}

/** A value as text. @param {Json} value */
export const describeValue = (value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** Whether a person may write a parameter. @param {Parameter} parameter @param {boolean} isOperator */
export function mayWrite({ isStatus, editableBy, readOnly }, isOperator) {
  if (isStatus) return false;
  return isOperator ? editableBy !== 'CONSUMER' : editableBy === 'OWNER' && !readOnly;
}

/** Whether a person may read a parameter. @param {Parameter} parameter @param {boolean} isOperator */
export const mayRead = ({ visibleTo }, isOperator) => visibleTo === 'OWNER' || (isOperator && visibleTo === 'OPERATOR');

/**
 * Whether a person can register: no parameter is required that only others may write.
 * @param {JsonObject} schema
 * @param {boolean} isOperator
 */
export const canRegister = (schema, isOperator) =>
  parametersOf(schema).every(
    (one) => !one.required || mayWrite(one, isOperator) || one.isGenerated || one.default !== undefined,
  );
