// `/account`: name, e-mail, password, sessions, personal data.

import { failureMessage } from '../../errors.js';
import { form } from '../../forms/form.js';
import { passwordField, textField, usernameForPasswordManagers } from '../../forms/inputs.js';
import { button, fill, h } from '../../lib/dom.js';
import { download } from '../../lib/download.js';
import { formatDateTime, formatRelative, t } from '../../lib/i18n.js';
import { go } from '../../router.js';
import { session } from '../../session.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { openFormDialog } from '../../ui/dialog.js';
import { columns, heading, list, quiet, section, tag } from '../../ui/layout.js';
import { runMutation } from '../../ui/mutation.js';
import { Page } from '../../ui/page.js';
import { showToast } from '../../ui/toast.js';
import { newPasswordField } from './account-fields.js';
import { unverifiedNotice } from './resend-verification.js';

/** @typedef {import('../../session.js').Viewer} Viewer */
/** @typedef {NonNullable<import('../../../types/graphql.js').Data<'Sessions'>['viewer']>} ViewerWithSessions */
/** @typedef {import('../../../types/graphql.js').Item<NonNullable<ViewerWithSessions['sessions']>>} SignedInDevice */

const SESSIONS = graphql(`query Sessions {
  viewer { sessions { id createdAt lastSeenAt userAgent current } }
}`);
const EXPORT_MY_DATA = graphql(`query ExportMyData {
  exportMyData
}`);

export default class AccountPage extends Page {
  /** @override */
  show() {
    const { viewer } = session;
    if (!viewer) return;
    const signOut = async () => {
      await session.signOut();
      await go('/');
    };
    const role = t(`role.${viewer.role}`);
    const profile = [quiet(t('account.username', { name: viewer.username, role })), nameForm(viewer)];
    const actions = h(
      'div',
      { class: 'actions' },
      button(t('account.export'), () => exportData(viewer)),
      button(t('account.delete'), openDeleteAccountDialog, { class: 'danger' }),
    );
    fill(
      this,
      heading(t('nav.account'), button(t('account.signOut'), signOut)),
      columns(
        [section(t('account.profile'), profile), section(t('field.email'), emailForm(viewer))],
        section(t('field.password'), passwordForm(viewer)),
      ),
      section(t('account.sessions'), this.#sessions()),
      section(t('account.data'), quiet(t('account.dataText')), actions),
    );
  }

  #sessions() {
    const endAll = () =>
      runMutation('revokeAllSessions', null, 'accepted', async () => {
        await session.refresh();
        await go('/signin');
      });
    const sessions = this.region(
      () => query(SESSIONS, {}, this.signal),
      ({ viewer }) => [
        list((viewer?.sessions ?? []).map((one) => sessionRow(one, () => sessions.reload()))),
        h('div', { class: 'actions' }, button(t('account.endAll'), endAll)),
      ],
    );
    return sessions.node;
  }
}

/** @param {SignedInDevice} device @param {() => void} reload */
function sessionRow({ id, createdAt, lastSeenAt, userAgent, current }, reload) {
  const times = { seen: formatRelative(lastSeenAt), since: formatDateTime(createdAt) };
  const end = () => runMutation('revokeSession', { id }, 'accepted', reload);
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, deviceName(userAgent), current && tag(t('account.current'), 'accent')),
      h('div', { class: 'quiet' }, t('account.seen', times)),
    ),
    !current && button(t('account.end'), end),
  );
}

/** Names by which browsers call themselves, where they differ. @type {Record<string, string>} */
const BROWSER_NAMES = { Edg: 'Edge', OPR: 'Opera' };

/** The browser and the system of a User-Agent header. @param {string | null} agent */
function deviceName(agent) {
  if (!agent) return t('account.unknownDevice');
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1] ?? agent.split(/[ /]/)[0];
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/.exec(agent)?.[1] ?? '';
  return [BROWSER_NAMES[browser] ?? browser, system].filter(Boolean).join(' · ');
}

/** @param {string} path @param {string} label */
const currentPasswordField = (path, label) => passwordField(path, label, { autocomplete: 'current-password' });

/** @param {Viewer} viewer */
function nameForm({ displayName }) {
  const name = textField('displayName', t('field.displayName'), { value: displayName, autocomplete: 'name' });
  return form({
    fields: [name],
    submit: t('save'),
    isSecondary: true,
    send: () => mutate('updateProfile', { displayName: name.read() }, 'account { id }'),
    done: async () => {
      await session.refresh();
      showToast(t('saved'));
    },
  });
}

/** @param {Viewer} viewer */
function emailForm({ email: savedEmail, emailVerifiedAt }) {
  const present = savedEmail ?? '';
  const email = textField('email', t('account.newEmail'), {
    type: 'email',
    autocomplete: 'email',
    help: t('account.emailNow', { email: present }),
  });
  const password = currentPasswordField('password', t('account.yourPassword'));
  const changeForm = form({
    fields: [email, password],
    submit: t('account.changeEmail'),
    isSecondary: true,
    send: () => mutate('changeEmail', { email: email.read(), password: password.read() }, 'account { id }'),
    done: async () => {
      await session.refresh();
      showToast(t('verify.sent'));
      password.reset();
    },
  });
  return [!emailVerifiedAt && unverifiedNotice(present), changeForm];
}

/** @param {Viewer} viewer */
function passwordForm({ username }) {
  const currentPassword = currentPasswordField('currentPassword', t('account.currentPassword'));
  const newPassword = newPasswordField('newPassword', t('field.newPassword'));
  return form({
    fields: [currentPassword, newPassword],
    submit: t('account.changePassword'),
    isSecondary: true,
    resetOnDone: true,
    before: usernameForPasswordManagers(username),
    send: () => {
      const input = { currentPassword: currentPassword.read(), newPassword: newPassword.read() };
      return mutate('changePassword', input, 'accepted');
    },
    done: () => showToast(t('account.passwordChanged')),
  });
}

/** @param {Viewer} viewer */
async function exportData({ username }) {
  try {
    const { exportMyData } = await query(EXPORT_MY_DATA, {});
    download(`switchboard-${username}.json`, 'application/json', JSON.stringify(exportMyData, null, 2));
  } catch (error) {
    showToast(failureMessage(error));
  }
}

function openDeleteAccountDialog() {
  const password = currentPasswordField('password', t('account.yourPassword'));
  openFormDialog(t('account.deleteTitle'), t('account.deleteText'), {
    fields: [password],
    submit: t('account.delete'),
    isDanger: true,
    send: () => mutate('deleteAccount', { password: password.read() }, 'accepted'),
    done: async () => {
      await session.refresh();
      await go('/');
      showToast(t('account.deleted'));
    },
  });
}
