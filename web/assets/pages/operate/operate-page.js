// Base class of the operators' pages: heading and tabs.

import { fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { emptyState, heading } from '../../ui/layout.js';
import { Page } from '../../ui/page.js';
import { tabs } from '../../ui/tabs.js';

/** @typedef {import('../../lib/dom.js').Child} Child */

export class OperatePage extends Page {
  /** The path of the tab; null for a page below a tab. @type {string | null} */
  tab = null;

  /** @override */
  show() {
    const sections = [
      ['/operate', t('desk.find')],
      ['/operate/reservations', t('desk.reservations')],
      ['/operate/feeds', t('desk.feeds')],
      ['/operate/audit', t('desk.audit')],
    ].map(([path, title]) => /** @type {[string, string]} */ ([this.path(path), title]));
    const current = this.tab === null ? null : this.path(this.tab);
    const content = this.event ? this.content(this.event.slug) : emptyState(t('directory.noEvent'));
    const title = this.tab !== null && heading(t('nav.operate'));
    fill(this, title, tabs(sections, current), h('div', { class: 'part' }, content));
  }

  /** The content below the tabs. @param {string} _event slug @returns {Child} */
  content(_event) {
    return null;
  }
}
