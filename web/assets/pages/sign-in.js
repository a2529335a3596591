// Signing in.

import { fill, h } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { Page, heading } from '../page.js';
import { go } from '../router.js';
import { session } from '../session.js';

/** Where to go after signing in: a path of this server, nothing else. */
export function nextPath() {
  const next = new URLSearchParams(location.search).get('next') ?? '/me';
  return /^\/(?![/\\])/.test(next) ? next : '/me';
}

/** `/signin` */
export default class SignIn extends Page {
  show() {
    const login = Field.text('login', t('field.login'), { autocomplete: 'username', required: true });
    const password = Field.password('password', t('field.password'), { autocomplete: 'current-password', required: true });
    fill(this, h('div', { class: 'card narrow' }, heading(t('signin.title')),
      form({ fields: [login, password], submit: t('signin.submit'), send: () => session.signIn(login.read(), password.read()), done: () => go(nextPath()) }),
      h('p', { class: 'beside' }, h('a', { href: '/signup' }, t('signin.signup')), h('a', { href: '/reset' }, t('signin.forgot')))));
    login.focus();
  }
}
