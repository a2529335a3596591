// Addresses of numbers and accounts among the operators' pages.

/** @typedef {import('../../ui/page.js').Page} Page */

/** @param {Page} page @param {string} number */
export const numberPath = (page, number) => page.path(`/operate/numbers/${encodeURIComponent(number)}`);

/** @param {Page} page @param {string} username */
export const accountPath = (page, username) => page.path(`/operate/accounts/${encodeURIComponent(username)}`);
