// Whether the server can be reached. Whoever fails to reach it waits here and tries again.

import { fill, h } from './dom.js';
import { t } from './i18n.js';

const banner = h('div', { class: 'banner', role: 'status', 'aria-live': 'polite' });
const retryNow = new EventTarget();
let waiting = 0;

/** Puts the place for the banner onto the page. @param {Element} parent */
export const showBannerIn = (parent) => parent.prepend(banner);

function show() {
  if (waiting === 0) return fill(banner);
  const again = h('button', { type: 'button', class: 'link', onclick: () => retryNow.dispatchEvent(new Event('retry')) }, t('offline.retry'));
  fill(banner, h('p', null, t('offline.text'), ' ', again));
}

/**
 * Waits before the next attempt: 1 s, then longer up to 10 s, or until the browser is online again or somebody presses the button.
 * @param {number} attempt from 0
 * @param {AbortSignal} [signal]
 */
export async function waitToRetry(attempt, signal) {
  waiting += 1;
  show();
  try {
    await new Promise((resolve, reject) => {
      const done = new AbortController();
      const once = { signal: done.signal };
      const finish = () => { done.abort(); resolve(undefined); };
      const timer = setTimeout(finish, Math.min(10_000, 1000 * 2 ** attempt));
      done.signal.addEventListener('abort', () => clearTimeout(timer));
      window.addEventListener('online', finish, once);
      retryNow.addEventListener('retry', finish, once);
      signal?.addEventListener('abort', () => { done.abort(); reject(signal.reason); }, once);
    });
  } finally {
    waiting -= 1;
    // The banner stays until an attempt has had its chance.
    setTimeout(show, 1200);
  }
}
/** Takes the banner away at once: an answer came. */
export function reached() {
  if (waiting === 0) fill(banner);
}
