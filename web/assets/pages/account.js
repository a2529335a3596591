// The person: name, address, password, sessions, data.

import { ask, change } from '../api.js';
import { fill, h } from '../dom.js';
import { Field, errorText, form } from '../form.js';
import { clock, since, t } from '../i18n.js';
import { Page, dialog, heading, say, section } from '../page.js';
import { go } from '../router.js';
import { session } from '../session.js';
import { download } from '../widgets.js';
import { resendButton } from './sign-up.js';

/** `/account` */
export default class Account extends Page {
  show() {
    const viewer = session.viewer;
    if (!viewer) return;
    const out = h('button', { type: 'button', onclick: async () => { await session.signOut(); go('/'); } }, t('account.signOut'));
    fill(this, heading(t('nav.account'), out),
      h('div', { class: 'columns' },
        h('div', null, section(t('account.profile'), h('p', { class: 'quiet' }, t('account.username', { name: viewer.username, role: t(`role.${viewer.role}`) })), nameForm()),
          section(t('field.email'), emailForm())),
        h('div', null, section(t('field.password'), passwordForm()))),
      section(t('account.sessions'), this.#sessions()),
      section(t('account.data'), h('p', { class: 'quiet' }, t('account.dataText')), h('div', { class: 'actions' },
        h('button', { type: 'button', onclick: exportData }, t('account.export')),
        h('button', { type: 'button', class: 'danger', onclick: remove }, t('account.delete')))));
  }

  #sessions() {
    const list = this.place(() => ask('{viewer{sessions{id createdAt lastSeenAt userAgent current}}}', {}, this.signal), ({ viewer }) => [
      h('ul', { class: 'list' }, (viewer?.sessions ?? []).map((/** @type {any} */ one) => h('li', { class: 'row' },
        h('div', { class: 'grow' }, h('div', { class: 'name' }, device(one.userAgent), one.current && h('span', { class: 'tag accent' }, t('account.current'))),
          h('div', { class: 'quiet' }, t('account.seen', { seen: since(one.lastSeenAt), since: clock(one.createdAt) }))),
        !one.current && h('button', { type: 'button', onclick: async () => { await change('revokeSession', { id: one.id }, 'accepted'); list.reload(); } }, t('account.end'))))),
      h('div', { class: 'actions' }, h('button', { type: 'button', onclick: async () => { await change('revokeAllSessions', null, 'accepted'); await session.refresh(); go('/signin'); } }, t('account.endAll')))]);
    return list.node;
  }
}

/** What a browser calls itself, in two words. @param {string | null} agent */
function device(agent) {
  if (!agent) return t('account.unknownDevice');
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1] ?? agent.split(/[ /]/)[0];
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/.exec(agent)?.[1] ?? '';
  const names = /** @type {Record<string, string>} */ ({ Edg: 'Edge', OPR: 'Opera' });
  return [names[browser] ?? browser, system].filter(Boolean).join(' · ');
}

function nameForm() {
  const name = Field.text('displayName', t('field.displayName'), { value: session.viewer?.displayName, autocomplete: 'name' });
  return form({ fields: [name], submit: t('save'), quiet: true, send: () => change('updateProfile', { displayName: name.read() }, 'account{id}'), done: async () => { await session.refresh(); say(t('saved')); } });
}

function emailForm() {
  const { email: current = '', emailVerifiedAt } = session.viewer ?? {};
  const email = Field.text('email', t('account.newEmail'), { type: 'email', autocomplete: 'email', help: t('account.emailNow', { email: current }) });
  const password = Field.password('password', t('account.yourPassword'), { autocomplete: 'current-password' });
  return [!emailVerifiedAt && h('div', { class: 'notice' }, h('p', null, t('me.unverified', { email: current })), resendButton(current)),
    form({ fields: [email, password], submit: t('account.changeEmail'), quiet: true, send: () => change('changeEmail', { email: email.read(), password: password.read() }, 'account{id}'),
      done: async () => { await session.refresh(); say(t('verify.sent')); password.write(''); } })];
}

function passwordForm() {
  const currentPassword = Field.password('currentPassword', t('account.currentPassword'), { autocomplete: 'current-password' });
  const newPassword = Field.password('newPassword', t('field.newPassword'), { autocomplete: 'new-password', help: t('field.passwordHelp') });
  return form({ fields: [currentPassword, newPassword], submit: t('account.changePassword'), quiet: true,
    before: h('input', { class: 'away', type: 'text', autocomplete: 'username', value: session.viewer?.username, tabindex: -1, 'aria-hidden': 'true', readonly: true }),
    send: () => change('changePassword', { currentPassword: currentPassword.read(), newPassword: newPassword.read() }, 'accepted'),
    done: () => { currentPassword.write(''); newPassword.write(''); say(t('account.passwordChanged')); } });
}

async function exportData() {
  try {
    const { exportMyData } = await ask('{exportMyData}');
    download(`switchboard-${session.viewer?.username}.json`, 'application/json', JSON.stringify(exportMyData, null, 2));
  } catch (error) {
    say(errorText(/** @type {any} */ (error)));
  }
}

function remove() {
  const password = Field.password('password', t('account.yourPassword'), { autocomplete: 'current-password' });
  dialog({ title: t('account.deleteTitle'), body: h('p', null, t('account.deleteText')), content: (close) => form({ fields: [password], submit: t('account.delete'), danger: true, cancel: close,
    send: () => change('deleteAccount', { password: password.read() }, 'accepted'), done: async () => { close(); await session.refresh(); go('/'); say(t('account.deleted')); } }) });
}
