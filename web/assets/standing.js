// What telephone systems have made of numbers, told as it happens.

import { follow } from './live.js';

/** @type {WeakMap<import('./page.js').Page, Set<string>>} */
const followed = new WeakMap();

/** Looks again whenever a telephone system of one of these events has come further. @param {import('./page.js').Page} page @param {string[]} events @param {() => void} look */
export function whenSystemsMove(page, events, look) {
  const known = followed.get(page) ?? new Set();
  followed.set(page, known);
  for (const event of events) {
    if (known.has(event)) continue;
    known.add(event);
    page.onLeave(follow('subscription($event:String!){consumersChanged(event:$event){id}}', { event }, look, look));
  }
}
