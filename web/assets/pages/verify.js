// The link in a mail that proves an address.

import { change } from '../api.js';
import { fill, h } from '../dom.js';
import { Field, errorText, form } from '../form.js';
import { t } from '../i18n.js';
import { Page, heading, say } from '../page.js';
import { session } from '../session.js';

/** What follows `#token=`; it is taken out of the address, so that no history keeps it. */
export function tokenInAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) history.replaceState(null, '', location.pathname);
  return token ?? '';
}

/** `/verify` */
export default class Verify extends Page {
  show() {
    const token = tokenInAddress();
    const card = h('div', { class: 'card narrow' });
    fill(this, card);
    if (token) this.#verify(card, token);
    else fill(card, heading(t('verify.title')), this.#resend());
  }

  /** @param {HTMLElement} card @param {string} token */
  async #verify(card, token) {
    fill(card, heading(t('verify.title')), h('p', { role: 'status' }, t('verify.wait')));
    const payload = await change('verifyEmail', { token }, 'account{username}');
    if (payload.errors.length > 0) return fill(card, heading(t('verify.title')), h('p', { role: 'alert' }, errorText(payload.errors[0])), this.#resend());
    await session.refresh();
    fill(card, heading(t('verify.done')), h('p', null, t('verify.doneText')),
      h('a', { class: 'button primary', href: session.viewer ? '/me/new' : '/signin?next=/me/new' }, t('me.get')));
  }

  #resend() {
    const email = Field.text('email', t('field.email'), { type: 'email', autocomplete: 'email', value: session.viewer?.email ?? '' });
    return form({ fields: [email], submit: t('verify.resend'), before: h('p', null, t('verify.resendText')),
      send: () => change('resendVerification', { email: email.read() }, 'accepted'), done: () => say(t('verify.sent')) });
  }
}
