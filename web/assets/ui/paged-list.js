// A list that loads further entries with a button.

import { button, fill, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { Region } from './region.js';

/** @typedef {import('../lib/dom.js').Child} Child */
/**
 * @template Node
 * @typedef {{ nodes: Node[], pageInfo: { hasNextPage: boolean, endCursor: string | null } }} Connection
 */

/**
 * @template Node
 * @param {(after: string | null) => Promise<Connection<Node>>} load
 * @param {(node: Node) => HTMLElement} renderRow
 * @param {AbortSignal} signal
 * @param {() => Child} renderEmpty
 */
export function pagedList(load, renderRow, signal, renderEmpty) {
  const rows = h('ul', { class: 'list' });
  const foot = h('div', { class: 'foot' });
  /** @type {string | null} */
  let after = null;
  const loadMore = async () => {
    const { nodes, pageInfo } = await load(after);
    rows.append(...nodes.map(renderRow));
    after = pageInfo.endCursor;
    fill(foot, pageInfo.hasNextPage && button(t('more'), () => region.reload()));
  };
  const region = new Region(loadMore, () => (rows.childElementCount === 0 ? renderEmpty() : [rows, foot]), signal);
  return region.node;
}
