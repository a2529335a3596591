// A short name that follows a name.

import { slugFromName } from '../lib/slug.js';

/** @typedef {import('./field.js').Field<string>} TextField */

/** Fills the short name from the name until the reader types one. @param {TextField} slug @param {TextField} name */
export function slugFollowsName(slug, name) {
  let isTyped = false;
  slug.control.addEventListener('input', () => {
    isTyped = true;
  });
  name.control.addEventListener('input', () => {
    if (!isTyped) slug.write(slugFromName(name.read()));
  });
}
