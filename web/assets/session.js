// Who is signed in, and which event is looked at.

import { ask, change, recovery } from './api.js';
import { reconnect } from './live.js';

/** @typedef {{ id: string, username: string, displayName: string, email: string, emailVerifiedAt: string | null,
 *   role: 'USER' | 'OPERATOR' | 'ADMIN', restrictions: { source: string, reason: string }[] }} Viewer */
/** @typedef {{ id: string, slug: string, name: string, phase: string, timeZone: string }} Event */

const RANKS = ['USER', 'OPERATOR', 'ADMIN'];
const STORED = 'switchboard.event';

class Session extends EventTarget {
  /** @type {Viewer | null} */
  viewer = null;
  /** @type {Event[]} */
  events = [];

  /** Reads both anew, and tells the header if something changed. */
  async refresh() {
    const data = await ask(`{viewer{id username displayName email emailVerifiedAt role restrictions{source reason}}
      events{id slug name phase timeZone}}`);
    const isOther = data.viewer?.id !== this.viewer?.id;
    this.viewer = data.viewer;
    this.events = data.events;
    if (isOther) reconnect();
    this.dispatchEvent(new globalThis.Event('change'));
  }

  /** Whether the person may do what this role may. @param {'USER' | 'OPERATOR' | 'ADMIN'} role */
  isAtLeast(role) {
    return this.viewer !== null && RANKS.indexOf(this.viewer.role) >= RANKS.indexOf(role);
  }

  /** The event that the address or an earlier choice names; else the first that is open. @returns {Event | null} */
  get event() {
    const bySlug = (/** @type {string | null} */ slug) => this.events.find((event) => event.slug === slug);
    return bySlug(new URLSearchParams(location.search).get('event')) ?? bySlug(localStorage.getItem(STORED))
      ?? this.events.find((event) => event.phase === 'OPEN') ?? this.events[0] ?? null;
  }

  /** @param {string} slug */
  choose(slug) {
    localStorage.setItem(STORED, slug);
    this.dispatchEvent(new globalThis.Event('change'));
  }

  /** @param {string} login @param {string} password */
  async signIn(login, password) {
    const payload = await change('signIn', { login, password }, 'account{id}');
    if (payload.account) await this.refresh();
    return payload;
  }

  async signOut() {
    await change('signOut', null, 'accepted');
    await this.refresh();
  }
}

/** The one session of this window. */
export const session = new Session();

// Somebody who was never signed in is not asked in a dialog: the page leads to the sign-in page.
recovery.signIn = async () => {
  if (!session.viewer) return false;
  const { askToSignIn } = await import('./credentials-dialog.js');
  return askToSignIn(session.viewer.username);
};
recovery.confirm = async () => {
  const { askForPassword } = await import('./credentials-dialog.js');
  return askForPassword();
};
