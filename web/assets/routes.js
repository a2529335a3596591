// The pages and their addresses.

/** @typedef {import('../types/api.js').Role} Role */
/** @typedef {{ default: CustomElementConstructor }} PageModule */
/**
 * @typedef {{ path: RegExp, tag: string, load: () => Promise<PageModule>, role?: Role, isOfEvent?: boolean }} Route
 *   `isOfEvent`: the address names an event in front of the path
 */

/** @param {string} path with `:name` for a variable part */
function pattern(path) {
  return new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
}

/** @param {string} path @param {() => Promise<PageModule>} load @returns {Route} */
const page = (path, load) => ({ path: pattern(path), tag: tagOf(path), load });

/** @param {string} path @param {Role} role @param {() => Promise<PageModule>} load @returns {Route} */
const eventPage = (path, role, load) => ({ ...page(path, load), role, isOfEvent: true });

/** The name of the custom element of a page. @param {string} path */
const tagOf = (path) => `page${path === '/' ? '-directory' : path.replace(/[/:]+/g, '-')}`;

/** @type {Route} */
export const MISSING = page('/missing', () => import('./pages/missing.js'));

/** @type {Route[]} */
export const ROUTES = [
  { ...page('/', () => import('./pages/directory.js')), isOfEvent: true },
  page('/signin', () => import('./pages/account/sign-in.js')),
  page('/signup', () => import('./pages/account/sign-up.js')),
  page('/verify', () => import('./pages/account/verify.js')),
  page('/reset', () => import('./pages/account/reset.js')),
  page('/setup', () => import('./pages/account/setup.js')),
  { ...page('/account', () => import('./pages/account/account.js')), role: 'USER' },
  eventPage('/me', 'USER', () => import('./pages/my-numbers.js')),
  eventPage('/me/new', 'USER', () => import('./pages/new-number.js')),
  eventPage('/me/:number', 'USER', () => import('./pages/my-number.js')),
  eventPage('/operate', 'OPERATOR', () => import('./pages/operate/find.js')),
  eventPage('/operate/numbers/:number', 'OPERATOR', () => import('./pages/operate/number.js')),
  eventPage('/operate/accounts/:username', 'OPERATOR', () => import('./pages/operate/account.js')),
  eventPage('/operate/reservations', 'OPERATOR', () => import('./pages/operate/reservations.js')),
  eventPage('/operate/feeds', 'OPERATOR', () => import('./pages/operate/feeds.js')),
  eventPage('/operate/audit', 'OPERATOR', () => import('./pages/operate/audit.js')),
  eventPage('/admin', 'ADMIN', () => import('./pages/admin/events.js')),
  eventPage('/admin/event', 'ADMIN', () => import('./pages/admin/event.js')),
  eventPage('/admin/services', 'ADMIN', () => import('./pages/admin/service-types.js')),
  eventPage('/admin/services/:slug', 'ADMIN', () => import('./pages/admin/service-type.js')),
  eventPage('/admin/permissions', 'ADMIN', () => import('./pages/admin/permissions.js')),
  eventPage('/admin/people', 'ADMIN', () => import('./pages/admin/people.js')),
  eventPage('/admin/keys', 'ADMIN', () => import('./pages/admin/keys.js')),
  eventPage('/admin/import', 'ADMIN', () => import('./pages/admin/import.js')),
];
