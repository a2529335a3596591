// The page for addresses that show nothing, or nothing for this account.

import { fill, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { emptyState, heading } from '../ui/layout.js';
import { Page } from '../ui/page.js';

export default class MissingPage extends Page {
  /** @override */
  show() {
    const reason = this.params.reason === 'page' ? 'text' : this.params.reason;
    const home = h('a', { class: 'button primary', href: '/' }, t('nav.directory'));
    fill(this, heading(t('missing.title')), emptyState(t(`missing.${reason}`), home));
  }
}
