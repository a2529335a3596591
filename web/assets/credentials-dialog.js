// The password, asked for over the page: what was typed there stays.

import { change } from './api.js';
import { h } from './dom.js';
import { Field, form } from './form.js';
import { t } from './i18n.js';
import { session } from './session.js';

/** @type {Promise<boolean> | null} several requests may ask at once; one dialog answers them all */
let open = null;

/** The session has ended: signs the same person in again. @param {string} username */
export const askToSignIn = (username) => once(t('again.title'), t('again.text'), t('again.submit'), username, async (password) => session.signIn(username, password));

/** Opens the 15 minutes in which secrets are shown. */
export const askForPassword = () => once(t('confirm.title'), t('confirm.text'), t('confirm.submit'), session.viewer?.username ?? '',
  (password) => change('reauthenticate', { password }, 'accepted'));

/**
 * @param {string} title @param {string} text @param {string} submit @param {string} username
 * @param {(password: string) => Promise<any>} send
 */
function once(title, text, submit, username, send) {
  open ??= dialog(title, text, submit, username, send).finally(() => { open = null; });
  return open;
}

/**
 * @param {string} title @param {string} text @param {string} submit @param {string} username
 * @param {(password: string) => Promise<any>} send
 * @returns {Promise<boolean>}
 */
function dialog(title, text, submit, username, send) {
  return new Promise((resolve) => {
    let isDone = false;
    const password = Field.password('password', t('field.password'), { autocomplete: 'current-password' });
    const box = h('dialog', { class: 'dialog', 'aria-label': title },
      h('h2', null, title), h('p', null, text),
      form({
        fields: [password], submit, cancel: () => box.close(),
        before: h('input', { class: 'away', type: 'text', autocomplete: 'username', value: username, tabindex: -1, 'aria-hidden': 'true', readonly: true }),
        send: () => send(password.read()),
        done: () => { isDone = true; box.close(); },
      }));
    box.addEventListener('close', () => { box.remove(); resolve(isDone); });
    document.body.append(box);
    box.showModal();
    password.focus();
  });
}
