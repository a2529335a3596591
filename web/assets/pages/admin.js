// What an admin configures.

import { fill, h } from '../dom.js';
import { t } from '../i18n.js';
import { Page, heading } from '../page.js';
import { tabs } from '../router.js';

/** @type {Record<string, () => Promise<{ show: (page: Page, name: string) => import('../dom.js').Child, showOne?: (page: Page, name: string) => import('../dom.js').Child }>>} */
const PARTS = {
  events: () => import('./admin-events.js'),
  services: () => import('./admin-types.js'),
  permissions: () => import('./admin-permissions.js'),
  people: () => import('./admin-people.js'),
  keys: () => import('./admin-keys.js'),
  import: () => import('./admin-import.js'),
};

/** `/admin` and everything below it. */
export default class Admin extends Page {
  async show() {
    const part = this.params.part ?? 'events';
    const name = this.params.name ?? '';
    const load = PARTS[part];
    if (!load) return fill(this, heading(t('missing.title')), h('p', null, t('missing.text')));
    const shown = await load();
    if (this.signal.aborted) return;
    const body = h('div', { class: 'part' });
    fill(this, name === '' && heading(t('nav.admin')), tabs('/admin', [['', t('admin.events')], ['services', t('admin.services')], ['permissions', t('admin.permissions')], ['people', t('admin.people')],
      ['keys', t('admin.keys')], ['import', t('admin.import')]], part === 'events' ? '' : part), body);
    fill(body, name === '' || !shown.showOne ? shown.show(this, name) : shown.showOne(this, name));
  }
}
