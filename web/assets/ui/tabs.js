// The sections of a page, each at its own address.

import { h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';

/** @param {[string, string][]} sections address and title @param {string | null} current address of the present one */
export function tabs(sections, current) {
  const links = sections.map(([href, title]) =>
    h('a', { href, 'aria-current': href === current ? 'page' : null }, title),
  );
  const bar = h('nav', { class: 'tabs', 'aria-label': t('nav.parts') }, links);
  // On a narrow screen the present section may stand outside the view.
  requestAnimationFrame(() => {
    const present = links.find((link) => link.getAttribute('aria-current'));
    if (present) bar.scrollLeft = present.offsetLeft - (bar.clientWidth - present.offsetWidth) / 2;
  });
  return bar;
}
