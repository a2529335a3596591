// Values that the telephone systems or operators write, for reading only.

import { formatDateTime } from '../lib/i18n.js';
import { facts } from '../ui/layout.js';
import { describeValue, mayRead, mayWrite, parametersOf } from './parameters.js';

/** @typedef {import('../../types/json.js').JsonObject} JsonObject */

/** @param {JsonObject} schema @param {JsonObject} values @param {boolean} isOperator */
export function reportedValues(schema, values, isOperator) {
  const shown = parametersOf(schema).filter(
    (one) => !one.secret && mayRead(one, isOperator) && !mayWrite(one, isOperator) && values[one.name] !== undefined,
  );
  if (shown.length === 0) return null;
  return facts(
    shown.map(({ name, title, schema: { format } }) => {
      const value = values[name];
      return [title, format === 'date-time' ? formatDateTime(String(value)) : describeValue(value)];
    }),
  );
}
