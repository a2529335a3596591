// Notifications that a telephone system has read or refused changes.

import { graphql } from './transport/http.js';
import { subscribe } from './transport/socket.js';

const CONSUMERS_CHANGED = graphql(`subscription ConsumersChanged($event: String!) {
  consumersChanged(event: $event) { id }
}`);

/** @type {WeakMap<import('./ui/page.js').Page, Set<string>>} */
const followedEvents = new WeakMap();

/**
 * Calls `reload` whenever the progress of a telephone system of one of the events changes, until the page is left.
 * @param {import('./ui/page.js').Page} page
 * @param {string[]} events slugs
 * @param {() => void} reload
 */
export function onProvisioningProgress(page, events, reload) {
  const followed = followedEvents.get(page) ?? new Set();
  followedEvents.set(page, followed);
  for (const event of events) {
    if (followed.has(event)) continue;
    followed.add(event);
    page.onLeave(subscribe(CONSUMERS_CHANGED, { event }, reload, reload));
  }
}
