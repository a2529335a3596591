// The banner that says that the server cannot be reached, and the wait before the next attempt.

import { button, fill, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';

/** How long the banner stays after a wait, so that the next attempt can end first. */
const BANNER_GRACE = 1200;

const banner = h('div', { class: 'banner', role: 'status', 'aria-live': 'polite' });
const retryNow = new EventTarget();
let waitingRequests = 0;

/** Inserts the banner as the first child. @param {Element} parent */
export const showOfflineBannerIn = (parent) => parent.prepend(banner);

function renderBanner() {
  if (waitingRequests === 0) return fill(banner);
  const retry = button(t('offline.retry'), () => retryNow.dispatchEvent(new Event('retry')), { class: 'link' });
  fill(banner, h('p', null, t('offline.text'), ' ', retry));
}

/**
 * Waits before the next attempt: 1 s, then twice as long up to 10 s. Ends early when the browser is online again or the
 * reader presses the button.
 * @param {number} attempt from 0
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export async function waitToRetry(attempt, signal) {
  waitingRequests += 1;
  renderBanner();
  try {
    await new Promise((resolve, reject) => {
      const listeners = new AbortController();
      const options = { signal: listeners.signal };
      const finish = () => {
        listeners.abort();
        resolve(undefined);
      };
      const timer = setTimeout(finish, Math.min(10_000, 1000 * 2 ** attempt));
      listeners.signal.addEventListener('abort', () => clearTimeout(timer));
      window.addEventListener('online', finish, options);
      retryNow.addEventListener('retry', finish, options);
      const abort = () => {
        listeners.abort();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, options);
    });
  } finally {
    waitingRequests -= 1;
    setTimeout(renderBanner, BANNER_GRACE);
  }
}

/** Removes the banner at once, unless another request still waits. */
export function serverReached() {
  if (waitingRequests === 0) fill(banner);
}
