// Building blocks of pages.

import { h } from '../lib/dom.js';

/** @typedef {import('../lib/dom.js').Child} Child */

/** Sets the title of the document. @param {string} title */
export function setTitle(title) {
  document.title = `${title} · Switchboard`;
}

/** The heading of a page; it also sets the title of the document. @param {string} title @param {...Child} actions */
export function heading(title, ...actions) {
  setTitle(title);
  return h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, title), actions);
}

/** A section with a heading. @param {string} title @param {...Child} content */
export const section = (title, ...content) => h('section', { class: 'section' }, h('h2', null, title), content);

/**
 * A section whose heading has an action beside it.
 * @param {string} title
 * @param {Child} action
 * @param {...Child} content
 */
export const sectionWithAction = (title, action, ...content) =>
  h('section', { class: 'section' }, h('div', { class: 'section-head' }, h('h2', null, title), action), content);

/** A text in place of an empty list, with what to do next. @param {string} text @param {...Child} actions */
export const emptyState = (text, ...actions) => h('div', { class: 'empty' }, h('p', null, text), actions);

/** Content side by side on a wide screen. @param {...Child} columns */
export const columns = (...columns) =>
  h(
    'div',
    { class: 'columns' },
    columns.map((column) => h('div', null, column)),
  );

/** @param {Child} rows list items */
export const list = (rows) => h('ul', { class: 'list' }, rows);

/** @param {Child} text */
export const quiet = (text) => h('p', { class: 'quiet' }, text);

/** A short label beside a name. @param {Child} text @param {'accent' | 'warn' | 'bad' | ''} [kind] */
export const tag = (text, kind = '') => h('span', { class: kind ? `tag ${kind}` : 'tag' }, text);

/** A box with a message. @param {'' | 'good' | 'bad'} kind @param {...Child} content */
export const notice = (kind, ...content) => h('div', { class: kind ? `notice ${kind}` : 'notice' }, content);

/** A telephone number in large digits. @param {string} number */
export const numberText = (number) => h('span', { class: 'number' }, number);

/** Terms and their values. @param {[string, Child][]} entries */
export const facts = (entries) =>
  h(
    'dl',
    { class: 'facts' },
    entries.map(([term, value]) => [h('dt', null, term), h('dd', null, value)]),
  );
