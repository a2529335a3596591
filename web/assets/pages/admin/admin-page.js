// Base class of the admins' pages: heading and tabs.

import { fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { heading } from '../../ui/layout.js';
import { Page } from '../../ui/page.js';
import { tabs } from '../../ui/tabs.js';

/** @typedef {import('../../lib/dom.js').Child} Child */

export class AdminPage extends Page {
  /** The path of the tab. */
  tab = '/admin';
  /** Whether the page is below its tab and has a heading of its own. */
  isDetail = false;

  /** @override */
  show() {
    const sections = [
      ['/admin', t('admin.events')],
      ['/admin/services', t('admin.services')],
      ['/admin/permissions', t('admin.permissions')],
      ['/admin/people', t('admin.people')],
      ['/admin/keys', t('admin.keys')],
      ['/admin/import', t('admin.import')],
    ].map(([path, title]) => /** @type {[string, string]} */ ([this.path(path), title]));
    const title = !this.isDetail && heading(t('nav.admin'));
    fill(this, title, tabs(sections, this.path(this.tab)), h('div', { class: 'part' }, this.content()));
  }

  /** The content below the tabs. @returns {Child} */
  content() {
    return null;
  }
}
