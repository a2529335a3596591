// Whether the server can be reached. Whoever fails to reach it waits here and tries again.

import { button, Field, fill, form, h, t } from './elements.js';

const banner = h('div', { class: 'banner', role: 'status', 'aria-live': 'polite' });
const retryNow = new EventTarget();
let waiting = 0;

/** Puts the place for the banner onto the page. @param {Element} parent */
export const showBannerIn = (parent) => parent.prepend(banner);

function show() {
  if (waiting === 0) return fill(banner);
  const again = button(t('offline.retry'), () => retryNow.dispatchEvent(new Event('retry')), { class: 'link' });
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
      const finish = () => {
        done.abort();
        resolve(undefined);
      };
      const timer = setTimeout(finish, Math.min(10_000, 1000 * 2 ** attempt));
      done.signal.addEventListener('abort', () => clearTimeout(timer));
      window.addEventListener('online', finish, once);
      retryNow.addEventListener('retry', finish, once);
      signal?.addEventListener(
        'abort',
        () => {
          done.abort();
          reject(signal.reason);
        },
        once,
      );
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

// GraphQL over HTTP: questions, and changes that are sent until they are answered, once.

/** @typedef {{ code: string, message: string, path: string[], rule?: string | null, values?: string[], suggestions?: string[], retryAfterSeconds?: number, pointer?: string,
 *   keyword?: string, currentVersion?: number, cycle?: string[], limit?: number }} UserError */

/** A request that was refused as a whole. */
export class RequestError extends Error {
  /** @param {string} code @param {string} message @param {string} [requestId] */
  constructor(code, message, requestId) {
    super(message);
    this.code = code;
    this.requestId = requestId;
  }
}

const ERRORS = `errors{code message path rule values ...on NumberUnavailable{suggestions} ...on RateLimited{retryAfterSeconds}
  ...on SchemaViolation{pointer keyword} ...on StaleVersion{currentVersion} ...on GroupLoop{cycle} ...on QuotaExceeded{limit}}`;

/** These are answered anew each time, so they take no idempotency key. */
const UNKEYED = new Set([
  'signIn',
  'resetPassword',
  'requestPasswordReset',
  'completeSetup',
  'signOut',
  'registerAccount',
  'verifyEmail',
  'resendVerification',
]);

/** What to do when the session has ended, or the password is asked for once more: true to repeat the request.
 * @type {{ signIn: () => Promise<boolean>, confirm: () => Promise<boolean> }} */
export const recovery = { signIn: async () => false, confirm: async () => false };

/**
 * Asks a question.
 * @param {string} query
 * @param {Record<string, any>} [variables]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the data
 */
export async function ask(query, variables, signal) {
  for (;;) {
    const answer = await post({ query, variables }, undefined, signal);
    const [first] = answer.errors ?? [];
    if (!first) return answer.data;
    const error = new RequestError(first.extensions?.code ?? 'INTERNAL', first.message, first.extensions?.requestId);
    if (!(await mended(error.code))) throw error;
  }
}

/**
 * Changes something: one mutation with one input. Lost connections and lost answers do not do it twice.
 * @param {string} name the mutation
 * @param {Record<string, any> | null} input nothing for those that take none
 * @param {string} selection of the payload, without `errors`
 * @returns {Promise<any>} the payload, with `errors`
 */
export async function change(name, input, selection) {
  const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const query =
    input === null
      ? `mutation{${name}{${selection} ${ERRORS}}}`
      : `mutation($input:${type}!){${name}(input:$input){${selection} ${ERRORS}}}`;
  const key = UNKEYED.has(name) ? undefined : crypto.randomUUID();
  for (;;) {
    const answer = await post({ query, variables: input === null ? undefined : { input } }, key);
    const [first] = answer.errors ?? [];
    if (first) {
      const error = new RequestError(first.extensions?.code ?? 'INTERNAL', first.message, first.extensions?.requestId);
      if (await mended(error.code)) continue;
      throw error;
    }
    const payload = answer.data[name];
    const asksAgain = payload.errors.some((/** @type {UserError} */ one) => one.code === 'REAUTHENTICATION_REQUIRED');
    if (asksAgain && (await recovery.confirm())) return change(name, input, selection);
    return payload;
  }
}

/** @param {string} code */
async function mended(code) {
  if (code === 'UNAUTHENTICATED') return recovery.signIn();
  if (code === 'REAUTHENTICATION_REQUIRED') return recovery.confirm();
  return false;
}

/**
 * @param {{ query: string, variables?: Record<string, any> }} body
 * @param {string} [key]
 * @param {AbortSignal} [signal]
 */
async function post(body, key, signal) {
  /** @type {Record<string, string>} */
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
  if (key) headers['idempotency-key'] = key;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const response = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify(body), signal });
      // A proxy without a server behind it answers so; so does a server with too much to do.
      if (response.status < 502 || response.status > 504) {
        const answer = await response.json();
        reached();
        return answer;
      }
    } catch (error) {
      if (signal?.aborted) throw error;
    }
    await waitToRetry(attempt, signal);
  }
}

// Subscriptions over one WebSocket: a small client of graphql-transport-ws.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

/** @typedef {{ query: string, variables: Record<string, any>, next: (data: any) => void, again: () => void }} Subscription */

/** @type {Map<string, Subscription>} */
const open = new Map();
/** @type {WebSocket | null} */
let socket = null;
let isReady = false;
let attempt = 0;
let named = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Follows a subscription until the returned function is called.
 * @param {string} query
 * @param {Record<string, any>} variables
 * @param {(data: any) => void} next each event
 * @param {() => void} [again] the connection was lost and is back: something may have been missed
 */
export function follow(query, variables, next, again = () => {}) {
  named += 1;
  const id = String(named);
  open.set(id, { query, variables, next, again });
  if (isReady) subscribe(id);
  else connect();
  return () => {
    if (!open.delete(id)) return;
    if (isReady) send({ id, type: 'complete' });
    if (open.size === 0) disconnect();
  };
}

/** Connects anew, as whoever is signed in now. */
export function reconnect() {
  if (!socket) return;
  disconnect();
  if (open.size > 0) connect();
}

/** @param {object} message */
const send = (message) => socket?.send(JSON.stringify(message));

/** @param {string} id */
function subscribe(id) {
  const wanted = open.get(id);
  if (wanted) send({ id, type: 'subscribe', payload: { query: wanted.query, variables: wanted.variables } });
}

function disconnect() {
  clearTimeout(timer);
  const old = socket;
  socket = null;
  isReady = false;
  old?.close(1000);
}

function connect() {
  if (socket) return;
  clearTimeout(timer);
  const mine = new WebSocket(new URL('/graphql', location.href.replace(/^http/, 'ws')), 'graphql-transport-ws');
  socket = mine;
  mine.onopen = () => mine.send('{"type":"connection_init"}');
  mine.onmessage = (event) => receive(mine, JSON.parse(event.data));
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = null;
    isReady = false;
    if (open.size === 0) return;
    attempt += 1;
    timer = setTimeout(connect, Math.min(10_000, 300 * 2 ** Math.min(attempt, 6)));
  };
}

/** @param {WebSocket} mine @param {{ type: string, id: string, payload: any }} message */
function receive(mine, message) {
  if (socket !== mine) return;
  if (message.type === 'connection_ack') {
    const isReturn = attempt > 0;
    isReady = true;
    attempt = 0;
    for (const [id, one] of [...open]) {
      subscribe(id);
      if (isReturn) one.again();
    }
  } else if (message.type === 'ping') send({ type: 'pong' });
  else if (message.type === 'next') {
    if (message.payload.data) open.get(message.id)?.next(message.payload.data);
  } else if (message.type === 'complete' || message.type === 'error') open.delete(message.id);
}

window.addEventListener('online', () => {
  if (open.size > 0 && !socket) connect();
});

// Who is signed in, and which event is looked at.

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

  /** The event that the address or an earlier choice names; else the first that is openSession. @returns {Event | null} */
  get event() {
    const bySlug = (slug) => this.events.find((event) => event.slug === slug);
    return (
      bySlug(new URLSearchParams(location.search).get('event')) ??
      bySlug(localStorage.getItem(STORED)) ??
      this.events.find((event) => event.phase === 'OPEN') ??
      this.events[0] ??
      null
    );
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

// The password, asked for over the page: what was typed there stays.

/** @type {Promise<boolean> | null} several requests may ask at once; one dialog answers them all */
let openSession = null;

/** The session has ended: signs the same person in again. @param {string} username */
export const askToSignIn = (username) =>
  once(t('again.title'), t('again.text'), t('again.submit'), username, async (password) =>
    session.signIn(username, password),
  );

/** Opens the 15 minutes in which secrets are shown. */
export const askForPassword = () =>
  once(t('confirm.title'), t('confirm.text'), t('confirm.submit'), session.viewer?.username ?? '', (password) =>
    change('reauthenticate', { password }, 'accepted'),
  );

/**
 * @param {string} title @param {string} text @param {string} submit @param {string} username
 * @param {(password: string) => Promise<any>} send
 */
function once(title, text, submit, username, send) {
  openSession ??= dialog(title, text, submit, username, send).finally(() => {
    openSession = null;
  });
  return openSession;
}

/**
 * @param {string} title @param {string} text @param {string} submit @param {string} username
 * @param {(password: string) => Promise<any>} send
 * @returns {Promise<boolean>}
 */
function dialog(title, text, submit, username, send) {
  return new Promise((resolve) => {
    let isDone = false;
    const password = Field.password('password', t('field.password'), { autocomplete: 'current-password' });
    const box = h(
      'dialog',
      { class: 'dialog', 'aria-label': title },
      h('h2', null, title),
      h('p', null, text),
      form({
        fields: [password],
        submit,
        cancel: () => box.close(),
        before: h('input', {
          class: 'away',
          type: 'text',
          autocomplete: 'username',
          value: username,
          tabindex: -1,
          'aria-hidden': 'true',
          readonly: true,
        }),
        send: () => send(password.read()),
        done: () => {
          isDone = true;
          box.close();
        },
      }),
    );
    box.addEventListener('close', () => {
      box.remove();
      resolve(isDone);
    });
    document.body.append(box);
    box.showModal();
    password.focus();
  });
}

// What telephone systems have made of numbers, told as it happens.

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

// Somebody who was never signed in is not asked in a dialog: the page leads to the sign-in page.
recovery.signIn = async () => (session.viewer ? askToSignIn(session.viewer.username) : false);
recovery.confirm = askForPassword;
