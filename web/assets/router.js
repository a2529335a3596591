// Shows the page that the address names, and moves between pages without loading the document again.

import { parseOldAddress, parsePath } from './address.js';
import { showFailure } from './errors.js';
import { fill } from './lib/dom.js';
import { leaveGuard } from './leave-guard.js';
import { MISSING, ROUTES } from './routes.js';
import { eventPath, session } from './session.js';

/** @typedef {import('./routes.js').Route} Route */
/** @typedef {import('./session.js').EventSummary} EventSummary */
/** @typedef {'page' | 'event' | 'address'} MissingReason */
/** @typedef {{ route: Route, event: EventSummary | null, params: Record<string, string>, path: string }} Target */

/** @type {HTMLElement} */
let outlet;
/** @type {Target | null} the page that is shown */
let current = null;
let shownPathname = '';
/** @type {unknown} what a page hands to the next one, such as secrets that are shown once: it is in no address */
let handover = null;
/** The position of the shown page in the history of this window. */
let position = 0;
let isRevertingHistory = false;
let isLeavingConfirmed = false;

/** The event and the path of the shown page, and the path for the same page of another event. */
export function currentLocation() {
  const path = current?.path ?? location.pathname;
  const { number, username } = current?.params ?? {};
  // One number or account of an event is not in another one: its list is.
  const pathInOtherEvent = number || username ? `/${path.split('/')[1]}` : path;
  const isOfEvent = current?.route.isOfEvent ?? false;
  // The session has newer data of the event than the page, such as its name.
  const event = current?.event && session.findEvent(current.event.slug);
  return {
    event: event ?? (isOfEvent ? null : session.defaultEvent),
    path,
    pathInOtherEvent: isOfEvent ? pathInOtherEvent : '/',
  };
}

/** Starts to load the module of the page that the address names, while the session is still unknown. */
export function preloadPage() {
  // A failure is shown when the page itself is loaded.
  matchRoute(location.pathname)
    ?.route.load()
    .catch(() => {});
}

/** @param {HTMLElement} element shows the pages */
export function startRouter(element) {
  outlet = element;
  position = Number(history.state?.position ?? 0);
  history.replaceState({ position }, '');
  window.addEventListener('popstate', onHistoryMove);
  document.addEventListener('click', onClick);
  return showPage(false);
}

/** Moves to another page. @param {string} path @param {unknown} [nextHandover] for that page */
export async function go(path, nextHandover = null) {
  if (!(await mayLeave())) return;
  handover = nextHandover;
  position += 1;
  history.pushState({ position }, '', path);
  await showPage(true);
}

/** Takes what the page before has handed over. @template Handover @returns {Handover | null} */
export function takeHandover() {
  const taken = handover;
  handover = null;
  return /** @type {Handover | null} */ (taken);
}

async function mayLeave() {
  return !leaveGuard.hasUnsavedInputIn(document) || (await leaveGuard.confirm());
}

/** @param {PopStateEvent} event */
async function onHistoryMove(event) {
  if (isRevertingHistory) {
    isRevertingHistory = false;
    return;
  }
  const target = Number(event.state?.position ?? 0);
  const distance = target - position;
  if (distance !== 0 && !isLeavingConfirmed && leaveGuard.hasUnsavedInputIn(document)) {
    // The browser has moved already: move back, ask, and repeat the move.
    isRevertingHistory = true;
    history.go(-distance);
    isLeavingConfirmed = await leaveGuard.confirm();
    if (isLeavingConfirmed) history.go(distance);
    return;
  }
  isLeavingConfirmed = false;
  position = target;
  await showPage(true);
}

/** @param {MouseEvent} event */
function onClick(event) {
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented) return;
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || link.target || link.hasAttribute('download')) return;
  if (url.hash && url.pathname === location.pathname) return;
  if (!matchRoute(url.pathname)) return;
  event.preventDefault();
  go(url.pathname + url.search + url.hash);
}

/** @param {string} pathname */
function matchRoute(pathname) {
  try {
    const { slug, path } = parsePath(pathname);
    const presentPath = slug === null ? parseOldAddress(path, '').path : path;
    const route = ROUTES.find((one) => one.path.test(presentPath));
    if (!route || (slug !== null && !route.isOfEvent)) return null;
    return { route, slug, path };
  } catch {
    return null;
  }
}

/**
 * Decides what an address shows. Addresses of earlier versions lead to the present ones.
 * @param {string} pathname
 * @param {string} search
 * @returns {{ redirect: string } | Target | { missing: MissingReason }}
 */
function resolve(pathname, search) {
  const matched = matchRoute(pathname);
  if (!matched) return { missing: isWellFormed(pathname) ? 'page' : 'address' };
  const { route, slug } = matched;
  if (route.isOfEvent && slug === null) {
    const old = parseOldAddress(pathname, search);
    const event = old.slug === null ? session.defaultEvent : { slug: old.slug };
    const needsEvent = old.path !== '/' || old.slug !== null;
    if (needsEvent && event) return { redirect: eventPath(event, old.path) + old.search };
    if (old.path !== pathname) return { redirect: old.path + old.search };
  }
  if (route.role && !session.viewer) {
    return { redirect: `/signin?next=${encodeURIComponent(pathname + search)}` };
  }
  if (route.role && !session.isAtLeast(route.role)) return { missing: 'page' };
  const event = slug === null ? null : session.findEvent(slug);
  if (slug !== null && !event) return { missing: 'event' };
  if (!isWellFormed(pathname)) return { missing: 'address' };
  const groups = Object.entries(route.path.exec(matched.path)?.groups ?? {});
  const params = Object.fromEntries(groups.map(([name, value]) => [name, decodeURIComponent(value)]));
  return { route, event, params, path: matched.path };
}

/** @param {string} pathname */
function isWellFormed(pathname) {
  try {
    decodeURIComponent(pathname);
    return true;
  } catch {
    return false;
  }
}

/** @param {boolean} isMove whether another page was shown before */
async function showPage(isMove) {
  const { pathname, search } = location;
  const resolved = resolve(pathname, search);
  if ('redirect' in resolved) {
    history.replaceState(history.state, '', resolved.redirect + location.hash);
    return showPage(isMove);
  }
  /** @type {Target} */
  const target =
    'missing' in resolved
      ? { route: MISSING, event: null, params: { reason: resolved.missing }, path: pathname }
      : resolved;
  try {
    const module = await target.route.load();
    if (location.pathname !== pathname) return;
    insert(target, module);
  } catch (error) {
    if (location.pathname !== pathname) return;
    current = target;
    // Browsers remember that a module could not be loaded for as long as the document lives.
    showFailure(outlet, error, () => location.reload());
  }
  document.dispatchEvent(new CustomEvent('page', { detail: pathname }));
  if (isMove && shownPathname !== pathname) moveToTop();
  shownPathname = pathname;
}

/** @param {Target} target @param {import('./routes.js').PageModule} module */
function insert(target, module) {
  const { tag } = target.route;
  if (!customElements.get(tag)) customElements.define(tag, module.default);
  const page = document.createElement(tag);
  Object.assign(page, { params: target.params, event: target.event ?? eventOfDirectory(target) });
  current = { ...target, event: target.event ?? eventOfDirectory(target) };
  if (target.event) session.rememberEvent(target.event);
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  fill(outlet, page);
}

/**
 * The directory without an event in its address shows the default one, unless several are open.
 * @param {Target} target
 */
function eventOfDirectory(target) {
  return target.path === '/' && !session.isEventAmbiguous ? session.defaultEvent : null;
}

/** A new page begins at its top, with the focus on its heading. */
function moveToTop() {
  window.scrollTo(0, 0);
  if (outlet.contains(document.activeElement)) return;
  /** @type {HTMLElement | null} */ (outlet.querySelector('h1'))?.focus({ preventScroll: true });
}
