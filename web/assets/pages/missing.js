// No page of ours, or one for other people.

import { fill, h } from '../dom.js';
import { t } from '../i18n.js';
import { Page, heading } from '../page.js';

/** Every other path. */
export default class Missing extends Page {
  show() {
    fill(this, heading(t('missing.title')), h('div', { class: 'empty' }, h('p', null, t('missing.text')), h('a', { class: 'button primary', href: '/' }, t('nav.directory'))));
  }
}
