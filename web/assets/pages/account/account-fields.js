// The fields of a new account.

import { passwordField, textField } from '../../forms/inputs.js';
import { t } from '../../lib/i18n.js';

export function accountFields() {
  const username = textField('username', t('field.username'), {
    autocomplete: 'username',
    help: t('field.usernameHelp'),
    required: true,
  });
  const displayName = textField('displayName', t('field.displayName'), {
    autocomplete: 'name',
    help: t('field.displayNameHelp'),
    required: true,
  });
  const email = textField('email', t('field.email'), { type: 'email', autocomplete: 'email', required: true });
  const password = newPasswordField('password', t('field.password'));
  const read = () => ({
    username: username.read(),
    displayName: displayName.read(),
    email: email.read(),
    password: password.read(),
  });
  return { fields: [username, displayName, email, password], read };
}

/** @param {string} path @param {string} label */
export const newPasswordField = (path, label) =>
  passwordField(path, label, { autocomplete: 'new-password', help: t('field.passwordHelp'), required: true });
