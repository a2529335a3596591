// Dialogs that ask for the password above the page: what was typed on the page stays.

import { passwordField, usernameForPasswordManagers } from './forms/inputs.js';
import { form } from './forms/form.js';
import { fill, h } from './lib/dom.js';
import { t } from './lib/i18n.js';
import { session } from './session.js';
import { mutate } from './transport/http.js';

/** @typedef {{ errors: import('./transport/errors.js').UserError[] }} PasswordPayload */
/**
 * @typedef {{ title: string, text: string, submit: string, username: string,
 *   send: (password: string) => Promise<PasswordPayload> }} PasswordQuestion
 */

/** @type {Promise<boolean> | null} the open dialog: it answers all requests that need the password meanwhile */
let openDialog = null;

/** Signs the same account in again after its session has ended. @param {string} username */
export const askToSignInAgain = (username) =>
  ask({
    title: t('again.title'),
    text: t('again.text'),
    submit: t('again.submit'),
    username,
    send: (password) => session.signIn(username, password),
  });

/** Starts the 15 minutes in which the server shows secrets. */
export const askToConfirmPassword = () =>
  ask({
    title: t('confirm.title'),
    text: t('confirm.text'),
    submit: t('confirm.submit'),
    username: session.viewer?.username ?? '',
    send: (password) => mutate('reauthenticate', { password }, 'accepted'),
  });

/** @param {PasswordQuestion} question */
function ask(question) {
  openDialog ??= showDialog(question).finally(() => {
    openDialog = null;
  });
  return openDialog;
}

/** @param {PasswordQuestion} question @returns {Promise<boolean>} whether the password was accepted */
function showDialog({ title, text, submit, username, send }) {
  return new Promise((resolve) => {
    let isAccepted = false;
    const password = passwordField('password', t('field.password'), { autocomplete: 'current-password' });
    const dialog = h('dialog', { class: 'dialog', 'aria-label': title });
    const content = form({
      fields: [password],
      submit,
      isGuarded: false,
      cancel: () => dialog.close(),
      before: usernameForPasswordManagers(username),
      send: () => send(password.read()),
      done: () => {
        isAccepted = true;
        dialog.close();
      },
    });
    fill(dialog, h('h2', null, title), h('p', null, text), content);
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isAccepted);
    });
    document.body.append(dialog);
    dialog.showModal();
    password.focus();
  });
}
