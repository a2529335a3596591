// `/verify`: the link that proves an e-mail address.

import { errorMessage, showFailure } from '../../errors.js';
import { form } from '../../forms/form.js';
import { textField } from '../../forms/inputs.js';
import { buttonLink, fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { eventPath, session } from '../../session.js';
import { mutate } from '../../transport/http.js';
import { heading } from '../../ui/layout.js';
import { Page } from '../../ui/page.js';
import { showToast } from '../../ui/toast.js';
import { takeTokenFromAddress } from './token.js';

export default class VerifyPage extends Page {
  /** @override */
  show() {
    const token = takeTokenFromAddress();
    const card = h('div', { class: 'card narrow' });
    const content = h('div', { class: 'stack' });
    fill(card, heading(t('verify.title')), content);
    fill(this, card);
    if (token) this.#verify(card, content, token);
    else fill(content, resendForm());
  }

  /** @param {HTMLElement} card @param {HTMLElement} content @param {string} token */
  async #verify(card, content, token) {
    fill(content, h('p', { role: 'status' }, t('verify.wait')));
    try {
      const payload = await mutate('verifyEmail', { token }, 'account { username }');
      const [error] = payload.errors;
      if (error) return fill(content, h('p', { role: 'alert' }, errorMessage(error)), resendForm());
      await session.refresh();
    } catch (error) {
      return showFailure(content, error, () => this.#verify(card, content, token));
    }
    const register = eventPath(session.defaultEvent, '/me/new');
    const next = session.viewer ? register : `/signin?next=${encodeURIComponent(register)}`;
    const link = buttonLink(next, t('me.get'), { class: 'button primary' });
    fill(card, heading(t('verify.done')), h('p', null, t('verify.doneText')), link);
  }
}

function resendForm() {
  const email = textField('email', t('field.email'), {
    type: 'email',
    autocomplete: 'email',
    value: session.viewer?.email ?? '',
  });
  return form({
    fields: [email],
    submit: t('verify.resend'),
    before: h('p', null, t('verify.resendText')),
    send: () => mutate('resendVerification', { email: email.read() }, 'accepted'),
    done: () => showToast(t('verify.sent')),
  });
}
