// The desk: somebody stands there and wants an answer.

import { fill, h } from '../dom.js';
import { t } from '../i18n.js';
import { Page, heading } from '../page.js';
import { tabs } from '../router.js';

/** @type {Record<string, () => Promise<{ show: (page: Page, name: string) => import('../dom.js').Child }>>} */
const PARTS = {
  '': () => import('./desk-find.js'),
  numbers: () => import('./desk-number.js'),
  accounts: () => import('./desk-account.js'),
  reservations: () => import('./desk-reservations.js'),
  feeds: () => import('./desk-feeds.js'),
  audit: () => import('./desk-audit.js'),
};

/** `/operate` and everything below it. */
export default class Operate extends Page {
  async show() {
    const { part = '', name = '' } = this.params;
    const isList = part === 'numbers' || part === 'accounts' ? '' : part;
    const { show } = await PARTS[isList === '' && name === '' ? '' : part]();
    if (this.signal.aborted) return;
    const body = h('div', { class: 'part' });
    fill(this, name === '' && heading(t('nav.operate')),
      tabs('/operate', [['', t('desk.find')], ['reservations', t('desk.reservations')], ['feeds', t('desk.feeds')], ['audit', t('desk.audit')]], name === '' ? isList : '-'), body);
    fill(body, show(this, name));
  }
}
