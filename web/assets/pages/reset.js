// A forgotten password.

import { change } from '../api.js';
import { fill, h } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { Page, heading } from '../page.js';
import { tokenInAddress } from './verify.js';

/** `/reset`: without a token it asks for the address, with one for the new password. */
export default class Reset extends Page {
  show() {
    const token = tokenInAddress();
    const card = h('div', { class: 'card narrow' });
    fill(this, card);
    if (token) this.#choose(card, token);
    else this.#request(card);
  }

  /** @param {HTMLElement} card */
  #request(card) {
    const email = Field.text('email', t('field.email'), { type: 'email', autocomplete: 'email', required: true });
    fill(card, heading(t('reset.title')), form({ fields: [email], submit: t('reset.request'), before: h('p', null, t('reset.text')),
      send: () => change('requestPasswordReset', { email: email.read() }, 'accepted'),
      done: () => fill(card, heading(t('reset.sentTitle')), h('p', { role: 'status' }, t('reset.sent', { email: email.read() }))) }));
    email.focus();
  }

  /** @param {HTMLElement} card @param {string} token */
  #choose(card, token) {
    const newPassword = Field.password('newPassword', t('field.newPassword'), { autocomplete: 'new-password', help: t('field.passwordHelp'), required: true });
    fill(card, heading(t('reset.chooseTitle')), form({ fields: [newPassword], submit: t('reset.choose'), before: h('p', null, t('reset.chooseText')),
      send: () => change('resetPassword', { token, newPassword: newPassword.read() }, 'accepted'),
      done: () => fill(card, heading(t('reset.done')), h('p', null, t('reset.doneText')), h('a', { class: 'button primary', href: '/signin' }, t('nav.signin'))) }));
    newPassword.focus();
  }
}
