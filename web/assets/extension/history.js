// The history of a number: its states and accounts.

import { h } from '../lib/dom.js';
import { formatDateTime, formatRelative, t } from '../lib/i18n.js';
import { graphql, query } from '../transport/http.js';
import { quiet } from '../ui/layout.js';
import { pagedList } from '../ui/paged-list.js';

/** @typedef {NonNullable<import('../../types/graphql.js').Data<'NumberHistory'>['number']>} NumberWithHistory */
/** @typedef {import('../../types/graphql.js').Item<NonNullable<NumberWithHistory['history']>['nodes']>} HistoryEntry */

const NUMBER_HISTORY = graphql(`query NumberHistory($event: String, $number: PhoneNumber!, $after: String) {
  number(event: $event, number: $number) {
    history(first: 10, after: $after) {
      nodes { at from to account { username } actor }
      pageInfo { hasNextPage endCursor }
    }
  }
}`);

/** @param {string} event @param {string} number @param {AbortSignal} signal */
export function historyList(event, number, signal) {
  const load = async (/** @type {string | null} */ after) => {
    const data = await query(NUMBER_HISTORY, { event, number, after }, signal);
    return data.number?.history ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  };
  return pagedList(load, historyRow, signal, () => quiet(t('history.none')));
}

/** @param {HistoryEntry} entry */
function historyRow({ at, from, to, account, actor }) {
  const step = t('history.step', { from: t(`numberState.${from}`), to: t(`numberState.${to}`) });
  const people = [account?.username, actor && t('history.by', { actor })].filter(Boolean).join(' · ');
  return h(
    'li',
    { class: 'row line' },
    h('time', { datetime: at, title: formatDateTime(at) }, formatRelative(at)),
    h('span', { class: 'grow' }, step),
    h('span', { class: 'quiet' }, people),
  );
}
