// Spans of time and local times, without a language.

/** @type {[Intl.RelativeTimeFormatUnit, number][]} units and how many of each make the next */
const STEPS = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 7],
];

/**
 * The distance of an instant from now in the largest fitting unit; null beyond a week.
 * @param {string} instant
 * @param {number} now milliseconds since 1970
 * @returns {{ unit: Intl.RelativeTimeFormatUnit, value: number } | null}
 */
export function relativeUnits(instant, now) {
  let span = (Date.parse(instant) - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(span) < size) return { unit, value: Math.round(span) };
    span /= size;
  }
  return null;
}

/**
 * The value of a `datetime-local` control for a UTC instant, in the reader's time zone.
 * @param {string | null} instant
 */
export function toLocalInput(instant) {
  if (!instant) return '';
  const offset = new Date(instant).getTimezoneOffset() * 60_000;
  return new Date(Date.parse(instant) - offset).toISOString().slice(0, 16);
}

/** The UTC instant for the value of a `datetime-local` control; null where it is empty. @param {string} value */
export const fromLocalInput = (value) => (value ? new Date(value).toISOString() : null);
