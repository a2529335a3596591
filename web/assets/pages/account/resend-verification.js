// Sends the mail with the verification link again.

import { button, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { notice } from '../../ui/layout.js';
import { runMutation } from '../../ui/mutation.js';

/** @param {string} email */
export const resendVerificationButton = (email) =>
  button(t('verify.resend'), () =>
    runMutation('resendVerification', { email }, 'accepted', () => {}, t('verify.sent')),
  );

/** @param {string} email */
export const unverifiedNotice = (email) =>
  notice('', h('p', null, t('me.unverified', { email })), resendVerificationButton(email));
