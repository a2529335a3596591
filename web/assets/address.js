// Reads addresses: the event, the path behind it, and the addresses of earlier versions.

/** @typedef {{ slug: string | null, path: string }} ParsedPath */

/** Splits `/e/{event}/path`. Throws a URIError for a malformed event. @param {string} pathname @returns {ParsedPath} */
export function parsePath(pathname) {
  const [, slug, rest] = /^\/e\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
  return slug === undefined ? { slug: null, path: pathname } : { slug: decodeURIComponent(slug), path: rest || '/' };
}

/**
 * Reads an address of an earlier version: the event as a parameter, or as the event to be configured.
 * @param {string} pathname
 * @param {string} search
 * @returns {{ slug: string | null, path: string, search: string }} the present address; the event if it names one
 */
export function parseOldAddress(pathname, search) {
  const parameters = new URLSearchParams(search);
  const slug = parameters.get('event');
  parameters.delete('event');
  const remaining = parameters.size > 0 ? `?${parameters}` : '';
  const [, configured] = /^\/admin\/events\/([^/]+)$/.exec(pathname) ?? [];
  if (configured !== undefined) {
    return { slug: decodeURIComponent(configured), path: '/admin/event', search: remaining };
  }
  return { slug, path: pathname === '/admin/events' ? '/admin' : pathname, search: remaining };
}
