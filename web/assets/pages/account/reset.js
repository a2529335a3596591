// `/reset`: without a token it asks for the e-mail address, with one for the new password.

import { form } from '../../forms/form.js';
import { textField } from '../../forms/inputs.js';
import { buttonLink, fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { mutate } from '../../transport/http.js';
import { heading } from '../../ui/layout.js';
import { Page } from '../../ui/page.js';
import { newPasswordField } from './account-fields.js';
import { takeTokenFromAddress } from './token.js';

export default class ResetPage extends Page {
  /** @override */
  show() {
    const token = takeTokenFromAddress();
    const card = h('div', { class: 'card narrow' });
    fill(this, card);
    if (token) this.#choosePassword(card, token);
    else this.#requestLink(card);
  }

  /** @param {HTMLElement} card */
  #requestLink(card) {
    const email = textField('email', t('field.email'), { type: 'email', autocomplete: 'email', required: true });
    const requestForm = form({
      fields: [email],
      submit: t('reset.request'),
      before: h('p', null, t('reset.text')),
      send: () => mutate('requestPasswordReset', { email: email.read() }, 'accepted'),
      done: () => {
        const sent = h('p', { role: 'status' }, t('reset.sent', { email: email.read() }));
        fill(card, heading(t('reset.sentTitle')), sent);
      },
    });
    fill(card, heading(t('reset.title')), requestForm);
    email.focus();
  }

  /** @param {HTMLElement} card @param {string} token */
  #choosePassword(card, token) {
    const newPassword = newPasswordField('newPassword', t('field.newPassword'));
    const chooseForm = form({
      fields: [newPassword],
      submit: t('reset.choose'),
      before: h('p', null, t('reset.chooseText')),
      send: () => mutate('resetPassword', { token, newPassword: newPassword.read() }, 'accepted'),
      done: () => {
        const signIn = buttonLink('/signin', t('nav.signin'), { class: 'button primary' });
        fill(card, heading(t('reset.done')), h('p', null, t('reset.doneText')), signIn);
      },
    });
    fill(card, heading(t('reset.chooseTitle')), chooseForm);
    newPassword.focus();
  }
}
