// Words and times in the reader's language.

const LANGUAGES = ['en', 'de'];
const STORED = 'switchboard.language';

function choose() {
  const wished = [localStorage.getItem(STORED), ...navigator.languages].map((tag) => (tag ?? '').slice(0, 2).toLowerCase());
  return wished.find((tag) => LANGUAGES.includes(tag)) ?? 'en';
}

/** The language of the pages: chosen here once, else the browser's. */
export const language = choose();
/** @type {{ default: Record<string, string> }} */
const { default: catalogue } = await import(`./messages/${language}.js`);
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
const STEPS = [['second', 60], ['minute', 60], ['hour', 24], ['day', 7]];

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
