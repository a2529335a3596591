// `/signup`

import { form } from '../../forms/form.js';
import { buttonLink, fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { session } from '../../session.js';
import { mutate } from '../../transport/http.js';
import { heading } from '../../ui/layout.js';
import { Page } from '../../ui/page.js';
import { accountFields } from './account-fields.js';
import { resendVerificationButton } from './resend-verification.js';

export default class SignUpPage extends Page {
  /** @override */
  show() {
    const { fields, read } = accountFields();
    const card = h('div', { class: 'card narrow' });
    const signUpForm = form({
      fields,
      submit: t('signup.submit'),
      send: () => mutate('registerAccount', read(), 'account { id }'),
      done: async () => {
        const { email, username, password } = read();
        // The server does not say whether the account is new; if it is, its password opens a session.
        const signedIn = await session.signIn(username, password).catch(() => null);
        fill(card, mailSent(email, Boolean(signedIn?.account)));
      },
    });
    const signInLink = h('p', { class: 'beside' }, h('a', { href: '/signin' }, t('signup.signin')));
    fill(card, heading(t('signup.title')), signUpForm, signInLink);
    fill(this, card);
    fields[0].focus();
  }
}

/** @param {string} email @param {boolean} isSignedIn */
function mailSent(email, isSignedIn) {
  const myNumbers = isSignedIn && buttonLink('/me', t('nav.me'));
  return [
    heading(t('signup.mailTitle')),
    h('p', null, t('signup.mailText', { email })),
    h('div', { class: 'actions' }, resendVerificationButton(email), myNumbers),
  ];
}
