// The signed-in account and the events that it can see.

import { readSetting, writeSetting } from './lib/storage.js';
import { RequestError } from './transport/errors.js';
import { graphql, mutate, query, recovery } from './transport/http.js';
import { reconnect } from './transport/socket.js';

/** @typedef {NonNullable<import('../types/graphql.js').Data<'Session'>['viewer']>} Viewer */
/** @typedef {import('../types/graphql.js').Data<'Session'>['events']} AllEventSummarys */
/** @typedef {import('../types/graphql.js').Item<AllEventSummarys>} EventSummary */
/** @typedef {import('../types/api.js').Role} Role */

const SESSION = graphql(`query Session {
  viewer { id username displayName email emailVerifiedAt role restrictions { source reason } }
  events { id slug name phase timeZone }
}`);

/** @type {Role[]} */
const ROLES = ['USER', 'OPERATOR', 'ADMIN'];
const LAST_EVENT = 'event';

/** Dispatches `change` when the account or the events have been read again. */
class Session extends EventTarget {
  /** @type {Viewer | null} */
  viewer = null;
  /** @type {EventSummary[]} */
  events = [];

  async refresh() {
    const data = await query(SESSION, {});
    const isOtherAccount = data.viewer?.id !== this.viewer?.id;
    this.viewer = data.viewer;
    this.events = data.events;
    if (isOtherAccount) reconnect();
    this.dispatchEvent(new Event('change'));
  }

  /** Whether the account has a role or a higher one. @param {Role} role */
  isAtLeast(role) {
    return this.viewer !== null && ROLES.indexOf(this.viewer.role) >= ROLES.indexOf(role);
  }

  get isOperator() {
    return this.isAtLeast('OPERATOR');
  }

  /** @param {string} slug */
  findEvent(slug) {
    return this.events.find((event) => event.slug === slug) ?? null;
  }

  /** The event for addresses without one: the last that was shown, else the first open one. */
  get defaultEvent() {
    const last = this.findEvent(readSetting(LAST_EVENT) ?? '');
    return last ?? this.events.find((event) => event.phase === 'OPEN') ?? this.events[0] ?? null;
  }

  /** Whether the directory without an event in its address has to ask which one is meant. */
  get isEventAmbiguous() {
    const isRemembered = this.findEvent(readSetting(LAST_EVENT) ?? '') !== null;
    return !isRemembered && this.events.filter((event) => event.phase === 'OPEN').length > 1;
  }

  /** Remembers the event that is shown. @param {EventSummary} event */
  rememberEvent(event) {
    writeSetting(LAST_EVENT, event.slug);
  }

  /**
   * Throws where the browser does not keep the session, which it does not tell: over plain HTTP it drops cookies that
   * are marked `Secure`.
   * @param {string} login @param {string} password
   */
  async signIn(login, password) {
    const payload = await mutate('signIn', { login, password }, 'account { id }');
    if (payload.account) await this.refresh();
    if (payload.account && !this.viewer) {
      const code = window.isSecureContext ? 'COOKIE_REFUSED' : 'COOKIE_INSECURE';
      throw new RequestError(code, 'The browser does not keep the session.');
    }
    return payload;
  }

  async signOut() {
    await mutate('signOut', null, 'accepted');
    await this.refresh();
  }
}

/** The session of this window. */
export const session = new Session();

/** The address of a page that acts on an event. @param {{ slug: string } | null} event @param {string} path */
export function eventPath(event, path) {
  if (!event) return path;
  return `/e/${encodeURIComponent(event.slug)}${path === '/' ? '' : path}`;
}

const passwordDialogs = () => import('./password-dialogs.js');

/** Asks the account whose session has ended to sign in again; a guest is not asked. @returns {Promise<boolean>} */
export async function askToSignInAgain() {
  const { viewer } = session;
  return viewer ? (await passwordDialogs()).askToSignInAgain(viewer.username) : false;
}

recovery.signIn = askToSignInAgain;
recovery.confirmPassword = async () => (await passwordDialogs()).askToConfirmPassword();
