// Finds the field that an error belongs to.

/**
 * Returns the field with the longest path that is a prefix of the error's path.
 * @template {{ path: string[] }} Located
 * @param {Located[]} fields
 * @param {string[]} path
 * @returns {Located | undefined}
 */
export function nearestField(fields, path) {
  const enclosing = fields.filter(
    (field) => field.path.length > 0 && field.path.every((step, index) => path[index] === step),
  );
  return enclosing.sort((a, b) => b.path.length - a.path.length)[0];
}
