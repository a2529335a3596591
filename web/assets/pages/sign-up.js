// A new account.

import { change } from '../api.js';
import { fill, h } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { Page, heading, say } from '../page.js';
import { session } from '../session.js';

/** The fields of a new account. */
export function accountFields() {
  return {
    username: Field.text('username', t('field.username'), { autocomplete: 'username', help: t('field.usernameHelp'), required: true }),
    displayName: Field.text('displayName', t('field.displayName'), { autocomplete: 'name', help: t('field.displayNameHelp'), required: true }),
    email: Field.text('email', t('field.email'), { type: 'email', autocomplete: 'email', required: true }),
    password: Field.password('password', t('field.password'), { autocomplete: 'new-password', help: t('field.passwordHelp'), required: true }),
  };
}

/** What fields hold, by name. @param {Record<string, Field>} fields */
export const read = (fields) => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.read()]));

/** `/signup` */
export default class SignUp extends Page {
  show() {
    const fields = accountFields();
    const card = h('div', { class: 'card narrow' }, heading(t('signup.title')),
      form({ fields: Object.values(fields), submit: t('signup.submit'), send: () => change('registerAccount', read(fields), 'account{id}'), done: async () => {
        const email = fields.email.read();
        // Whether the account is new is not told; where it is, its password opens it.
        const signedIn = await session.signIn(fields.username.read(), fields.password.read()).catch(() => null);
        fill(card, ...mailSent(email, signedIn?.account));
      } }),
      h('p', { class: 'beside' }, h('a', { href: '/signin' }, t('signup.signin'))));
    fill(this, card);
    fields.username.focus();
  }
}

/** @param {string} email @param {any} isIn */
function mailSent(email, isIn) {
  return [heading(t('signup.mailTitle')), h('p', null, t('signup.mailText', { email })),
    h('div', { class: 'actions' }, resendButton(email), isIn && h('a', { class: 'button', href: '/me' }, t('nav.me')))];
}

/** Sends the link once more. @param {string} email */
export function resendButton(email) {
  return h('button', { type: 'button', onclick: async () => {
    await change('resendVerification', { email }, 'accepted');
    say(t('verify.sent'));
  } }, t('verify.resend'));
}
