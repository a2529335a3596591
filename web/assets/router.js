// Which page a path shows, and moving between pages without loading the shell anew.

import { fill, h, t } from './elements.js';
import { session } from './server.js';

/** @typedef {{ path: RegExp, page: string, load: () => Promise<any>, needs?: 'USER' | 'OPERATOR' | 'ADMIN' }} Route `load` gives the module in which the page's class is */

const person = () => import('./pages/person.js');
const numbers = () => import('./pages/numbers.js');
/** @type {Route} */
const MISSING = { path: /./, page: 'Missing', load: person };
/** @type {Route[]} */
const ROUTES = [
  { path: /^\/$/, page: 'Directory', load: () => import('./pages/directory.js') },
  { path: /^\/signin$/, page: 'SignIn', load: person },
  { path: /^\/signup$/, page: 'SignUp', load: person },
  { path: /^\/verify$/, page: 'Verify', load: person },
  { path: /^\/reset$/, page: 'Reset', load: person },
  { path: /^\/setup$/, page: 'Setup', load: person },
  { path: /^\/me$/, page: 'MyNumbers', load: numbers, needs: 'USER' },
  { path: /^\/me\/new$/, page: 'NewNumber', load: numbers, needs: 'USER' },
  { path: /^\/me\/(?<number>[^/]+)$/, page: 'MyNumber', load: numbers, needs: 'USER' },
  { path: /^\/account$/, page: 'Account', load: person, needs: 'USER' },
  {
    path: /^\/operate(?:\/(?<part>numbers|accounts|reservations|feeds|audit))?(?:\/(?<name>[^/]+))?$/,
    page: 'Operate',
    load: () => import('./pages/desk.js'),
    needs: 'OPERATOR',
  },
  {
    path: /^\/admin(?:\/(?<part>[a-z]+))?(?:\/(?<name>[^/]+))?$/,
    page: 'Admin',
    load: () => import('./pages/admin.js'),
    needs: 'ADMIN',
  },
];

/** @type {HTMLElement} */
let place;
/** What a page hands to the next one: secrets that are shown once, and never in an address. @type {any} */
let carried = null;
let shown = '';

/** Begins to load the page that the address names, before anybody knows who asks. */
export const warm = () => void ROUTES.find((one) => one.path.test(location.pathname))?.load();

/** @param {HTMLElement} main where pages are shown */
export function start(main) {
  place = main;
  window.addEventListener('popstate', () => show(true));
  document.addEventListener('click', (event) => {
    const link = /** @type {Element} */ (event.target).closest?.('a[href]');
    if (
      !(link instanceof HTMLAnchorElement) ||
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const url = new URL(link.href);
    if (
      url.origin !== location.origin ||
      link.target ||
      link.hasAttribute('download') ||
      !ROUTES.some(({ path }) => path.test(url.pathname))
    )
      return;
    if (url.hash && url.pathname === location.pathname) return;
    event.preventDefault();
    go(url.pathname + url.search + url.hash);
  });
  return show(false);
}

/** Leads to another page. @param {string} path @param {any} [something] handed over to it */
export function go(path, something = null) {
  carried = something;
  history.pushState(null, '', path);
  return show(true);
}

/** What the page before has handed over; it is given once. */
export function received() {
  const given = carried;
  carried = null;
  return given;
}

/** @param {boolean} isMove whether the reader came from another page */
async function show(isMove) {
  const path = location.pathname;
  const route = ROUTES.find((one) => one.path.test(path));
  if (route?.needs && !session.viewer) {
    history.replaceState(null, '', `/signin?next=${encodeURIComponent(path + location.search)}`);
    return show(isMove);
  }
  const isAllowed = route && (!route.needs || session.isAtLeast(route.needs));
  const params = { ...(route?.path.exec(path)?.groups ?? {}) };
  const { page: name, load } = isAllowed ? route : MISSING;
  const { [name]: Element } = await load();
  if (location.pathname !== path) return;
  const tag = `page${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (!customElements.get(tag)) customElements.define(tag, Element);
  const page = document.createElement(tag);
  Reflect.set(
    page,
    'params',
    Object.fromEntries(
      Object.entries(params)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, decodeURIComponent(String(value))]),
    ),
  );
  fill(place, page);
  document.dispatchEvent(new CustomEvent('page', { detail: path }));
  // The next page begins where a reader begins. The first one leaves the focus to the browser.
  if (isMove && shown !== path) {
    window.scrollTo(0, 0);
    if (!page.contains(document.activeElement))
      /** @type {HTMLElement | null} */ (page.querySelector('h1'))?.focus({ preventScroll: true });
  }
  shown = path;
}

/** The sections of a page, each at its own address. @param {string} base @param {[string, string][]} parts path and title @param {string} current */
export function tabs(base, parts, current) {
  const bar = h(
    'nav',
    { class: 'tabs', 'aria-label': t('nav.parts') },
    parts.map(([part, title]) =>
      h('a', { href: part ? `${base}/${part}` : base, 'aria-current': part === current ? 'page' : null }, title),
    ),
  );
  // On a phone the present one may stand outside.
  requestAnimationFrame(() => {
    const here = /** @type {HTMLElement | null} */ (bar.querySelector('[aria-current]'));
    if (here) bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
  });
  return bar;
}
