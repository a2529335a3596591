// Telephone systems that read the feeds of an event.

import { h } from '../../lib/dom.js';
import { formatCount, formatDuration, t, tn } from '../../lib/i18n.js';
import { graphql, query } from '../../transport/http.js';

/** @typedef {import('../../../types/graphql.js').Data<'FeedConsumers'>['feedConsumers']} AllConsumers */
/** @typedef {import('../../../types/graphql.js').Item<AllConsumers>} Consumer */

const FEED_CONSUMERS = graphql(`query FeedConsumers {
  feedConsumers {
    id name paused lagRecords lagSeconds lastSeenAt
    event { slug }
    serviceType { slug name }
    errors { extensionId number code message at }
    webHook { state lastError }
  }
}`);

/** Seconds after which a lag is a problem. */
const LONG_LAG = 60;

/** @param {string} event @param {AbortSignal} signal @returns {Promise<Consumer[]>} */
export async function loadConsumers(event, signal) {
  const { feedConsumers } = await query(FEED_CONSUMERS, {}, signal);
  return feedConsumers.filter((consumer) => consumer.event.slug === event);
}

/** Renders the lag of a consumer behind its feed. @param {{ lagRecords: number, lagSeconds: number }} consumer */
export function lagItem({ lagRecords, lagSeconds }) {
  if (lagRecords === 0) return h('li', { class: 'state good' }, t('feeds.current'));
  const values = { n: formatCount(lagRecords), time: formatDuration(lagSeconds) };
  const state = lagSeconds > LONG_LAG ? 'state bad' : 'state waiting';
  return h('li', { class: state }, tn('feeds.behind', lagRecords, values));
}
