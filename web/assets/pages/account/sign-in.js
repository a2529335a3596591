// `/signin`

import { form } from '../../forms/form.js';
import { passwordField, textField } from '../../forms/inputs.js';
import { fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { go } from '../../router.js';
import { session } from '../../session.js';
import { heading } from '../../ui/layout.js';
import { Page } from '../../ui/page.js';

const DEFAULT_PAGE = '/me';

/** The page after signing in. Only a path of this server is accepted. */
function nextPath() {
  const next = new URLSearchParams(location.search).get('next') ?? DEFAULT_PAGE;
  return /^\/(?![/\\])/.test(next) ? next : DEFAULT_PAGE;
}

export default class SignInPage extends Page {
  /** @override */
  show() {
    const login = textField('login', t('field.login'), { autocomplete: 'username', required: true });
    const password = passwordField('password', t('field.password'), {
      autocomplete: 'current-password',
      required: true,
    });
    const signInForm = form({
      fields: [login, password],
      submit: t('signin.submit'),
      isGuarded: false,
      send: () => session.signIn(login.read(), password.read()),
      done: () => go(nextPath()),
    });
    const links = h(
      'p',
      { class: 'beside' },
      h('a', { href: '/signup' }, t('signin.signup')),
      h('a', { href: '/reset' }, t('signin.forgot')),
    );
    fill(this, h('div', { class: 'card narrow' }, heading(t('signin.title')), signInForm, links));
    login.focus();
  }
}
