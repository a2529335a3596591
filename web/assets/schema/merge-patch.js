// JSON merge patches (RFC 7396).

/** @typedef {import('../../types/json.js').Json} Json */
/** @typedef {import('../../types/json.js').JsonObject} JsonObject */

/** @param {Json} value @returns {value is JsonObject} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The patch that turns one value into another.
 * @param {Json} before
 * @param {Json} after undefined for a removed value
 * @returns {Json} undefined where both are the same
 */
export function mergePatch(before, after) {
  if (after === undefined) return before === undefined ? undefined : null;
  if (!isObject(before) || !isObject(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? undefined : after;
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes = [...names].map((name) => /** @type {const} */ ([name, mergePatch(before[name], after[name])]));
  const patch = Object.fromEntries(changes.filter(([, change]) => change !== undefined));
  return Object.keys(patch).length > 0 ? patch : undefined;
}
