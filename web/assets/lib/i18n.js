// The message catalogue in the reader's language, and counts and times as that language writes them.

import { readSetting, writeSetting } from './storage.js';
import { relativeUnits } from './time.js';

const LANGUAGES = ['en', 'de'];
const SETTING = 'language';

function preferredLanguage() {
  const wanted = [readSetting(SETTING), ...navigator.languages];
  return wanted.map((tag) => (tag ?? '').slice(0, 2).toLowerCase()).find((tag) => LANGUAGES.includes(tag)) ?? 'en';
}

/** The language of the pages: an earlier choice, else the first of the browser's that has a catalogue. */
export const language = preferredLanguage();
document.documentElement.lang = language;

/** @type {Record<string, string>} */
const catalogue = await loadCatalogue();

async function loadCatalogue() {
  const response = await fetch(new URL(`../messages/${language}.json`, import.meta.url));
  if (!response.ok) throw new Error(`the catalogue answers ${response.status}`);
  return response.json();
}

/** Stores a choice of language and reloads the page. @param {string} tag */
export function switchLanguage(tag) {
  writeSetting(SETTING, tag);
  location.reload();
}

/**
 * Returns a message; `{name}` is replaced by a value.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const message = catalogue[key];
  if (message === undefined) throw new Error(`no message for ${key}`);
  return message.replace(/\{(\w+)\}/g, (placeholder, name) => (name in values ? String(values[name]) : placeholder));
}

/** Whether the catalogue has a message. @param {string} key */
export const hasMessage = (key) => key in catalogue;

const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/**
 * Returns a message that depends on a count: `key.one` or `key.other`.
 * @param {string} key
 * @param {number} n
 * @param {Record<string, string | number>} [values]
 */
export function tn(key, n, values = {}) {
  return t(`${key}.${plurals.select(n) === 'one' ? 'one' : 'other'}`, { n: numbers.format(n), ...values });
}

/** Formats a count. @param {number} n */
export const formatCount = (n) => numbers.format(n);

const dateAndTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'long' });

/** Formats an instant in the reader's time zone. @param {string} instant */
export const formatDateTime = (instant) => dateAndTime.format(new Date(instant));

/** Formats an instant relative to now; beyond a week as a date. @param {string} instant */
export function formatRelative(instant) {
  const units = relativeUnits(instant, Date.now());
  return units ? relative.format(units.value, units.unit) : formatDateTime(instant);
}

/** Formats a duration in seconds, minutes or hours. @param {number} seconds */
export function formatDuration(seconds) {
  if (seconds < 90) return tn('duration.seconds', seconds);
  if (seconds < 5400) return tn('duration.minutes', Math.round(seconds / 60));
  return tn('duration.hours', Math.round(seconds / 3600));
}
