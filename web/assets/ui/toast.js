// Short messages about what has just happened, for eyes and screen readers.

import { h } from '../lib/dom.js';

const VISIBLE_FOR = 6000;
const holder = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });

/** Inserts the element that shows the messages. @param {Element} parent */
export const showToastsIn = (parent) => parent.append(holder);

/** Shows a message for six seconds. @param {string} text */
export function showToast(text) {
  const toast = h('p', null, text);
  holder.replaceChildren(toast);
  setTimeout(() => toast.remove(), VISIBLE_FOR);
}
