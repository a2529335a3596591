// Signing in.

import { button, clock, errorText, Field, fill, form, h, since, t } from '../elements.js';
import { download, formDialog, heading, Page, say, section } from '../page.js';
import { go } from '../router.js';
import { ask, change, session } from '../server.js';

/** Where to go after signing in: a path of this server, nothing else. */
export function nextPath() {
  const next = new URLSearchParams(location.search).get('next') ?? '/me';
  return /^\/(?![/\\])/.test(next) ? next : '/me';
}

/** `/signin` */
export class SignIn extends Page {
  show() {
    const login = Field.text('login', t('field.login'), { autocomplete: 'username', required: true });
    const password = Field.password('password', t('field.password'), {
      autocomplete: 'current-password',
      required: true,
    });
    fill(
      this,
      h(
        'div',
        { class: 'card narrow' },
        heading(t('signin.title')),
        form({
          fields: [login, password],
          submit: t('signin.submit'),
          send: () => session.signIn(login.read(), password.read()),
          done: () => go(nextPath()),
        }),
        h(
          'p',
          { class: 'beside' },
          h('a', { href: '/signup' }, t('signin.signup')),
          h('a', { href: '/reset' }, t('signin.forgot')),
        ),
      ),
    );
    login.focus();
  }
}

// A new account.

/** The fields of a new account. */
export function accountFields() {
  return {
    username: Field.text('username', t('field.username'), {
      autocomplete: 'username',
      help: t('field.usernameHelp'),
      required: true,
    }),
    displayName: Field.text('displayName', t('field.displayName'), {
      autocomplete: 'name',
      help: t('field.displayNameHelp'),
      required: true,
    }),
    email: Field.text('email', t('field.email'), { type: 'email', autocomplete: 'email', required: true }),
    password: Field.password('password', t('field.password'), {
      autocomplete: 'new-password',
      help: t('field.passwordHelp'),
      required: true,
    }),
  };
}

/** What fields hold, by name. @param {Record<string, Field>} fields */
export const read = (fields) => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.read()]));

/** `/signup` */
export class SignUp extends Page {
  show() {
    const fields = accountFields();
    const card = h(
      'div',
      { class: 'card narrow' },
      heading(t('signup.title')),
      form({
        fields: Object.values(fields),
        submit: t('signup.submit'),
        send: () => change('registerAccount', read(fields), 'account{id}'),
        done: async () => {
          const email = fields.email.read();
          // Whether the account is new is not told; where it is, its password opens it.
          const signedIn = await session.signIn(fields.username.read(), fields.password.read()).catch(() => null);
          fill(card, ...mailSent(email, signedIn?.account));
        },
      }),
      h('p', { class: 'beside' }, h('a', { href: '/signin' }, t('signup.signin'))),
    );
    fill(this, card);
    fields.username.focus();
  }
}

/** @param {string} email */
function mailSent(email, isIn) {
  return [
    heading(t('signup.mailTitle')),
    h('p', null, t('signup.mailText', { email })),
    h('div', { class: 'actions' }, resendButton(email), isIn && h('a', { class: 'button', href: '/me' }, t('nav.me'))),
  ];
}

/** Sends the link once more. @param {string} email */
export function resendButton(email) {
  return button(t('verify.resend'), async () => {
    await change('resendVerification', { email }, 'accepted');
    say(t('verify.sent'));
  });
}

// The link in a mail that proves an address.

/** What follows `#token=`; it is taken out of the address, so that no history keeps it. */
export function tokenInAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) history.replaceState(null, '', location.pathname);
  return token ?? '';
}

/** `/verify` */
export class Verify extends Page {
  show() {
    const token = tokenInAddress();
    const card = h('div', { class: 'card narrow' });
    fill(this, card);
    if (token) this.#verify(card, token);
    else fill(card, heading(t('verify.title')), this.#resend());
  }

  /** @param {HTMLElement} card @param {string} token */
  async #verify(card, token) {
    fill(card, heading(t('verify.title')), h('p', { role: 'status' }, t('verify.wait')));
    const payload = await change('verifyEmail', { token }, 'account{username}');
    if (payload.errors.length > 0)
      return fill(
        card,
        heading(t('verify.title')),
        h('p', { role: 'alert' }, errorText(payload.errors[0])),
        this.#resend(),
      );
    await session.refresh();
    fill(
      card,
      heading(t('verify.done')),
      h('p', null, t('verify.doneText')),
      h('a', { class: 'button primary', href: session.viewer ? '/me/new' : '/signin?next=/me/new' }, t('me.get')),
    );
  }

  #resend() {
    const email = Field.text('email', t('field.email'), {
      type: 'email',
      autocomplete: 'email',
      value: session.viewer?.email ?? '',
    });
    return form({
      fields: [email],
      submit: t('verify.resend'),
      before: h('p', null, t('verify.resendText')),
      send: () => change('resendVerification', { email: email.read() }, 'accepted'),
      done: () => say(t('verify.sent')),
    });
  }
}

// A forgotten password.

/** `/reset`: without a token it asks for the address, with one for the new password. */
export class Reset extends Page {
  show() {
    const token = tokenInAddress();
    const card = h('div', { class: 'card narrow' });
    fill(this, card);
    if (token) this.#choose(card, token);
    else this.#request(card);
  }

  /** @param {HTMLElement} card */
  #request(card) {
    const email = Field.text('email', t('field.email'), { type: 'email', autocomplete: 'email', required: true });
    fill(
      card,
      heading(t('reset.title')),
      form({
        fields: [email],
        submit: t('reset.request'),
        before: h('p', null, t('reset.text')),
        send: () => change('requestPasswordReset', { email: email.read() }, 'accepted'),
        done: () =>
          fill(
            card,
            heading(t('reset.sentTitle')),
            h('p', { role: 'status' }, t('reset.sent', { email: email.read() })),
          ),
      }),
    );
    email.focus();
  }

  /** @param {HTMLElement} card @param {string} token */
  #choose(card, token) {
    const newPassword = Field.password('newPassword', t('field.newPassword'), {
      autocomplete: 'new-password',
      help: t('field.passwordHelp'),
      required: true,
    });
    fill(
      card,
      heading(t('reset.chooseTitle')),
      form({
        fields: [newPassword],
        submit: t('reset.choose'),
        before: h('p', null, t('reset.chooseText')),
        send: () => change('resetPassword', { token, newPassword: newPassword.read() }, 'accepted'),
        done: () =>
          fill(
            card,
            heading(t('reset.done')),
            h('p', null, t('reset.doneText')),
            h('a', { class: 'button primary', href: '/signin' }, t('nav.signin')),
          ),
      }),
    );
    newPassword.focus();
  }
}

// The one-time link that the server prints on an empty database: the first admin.

/** `/setup` */
export class Setup extends Page {
  show() {
    const token = tokenInAddress();
    if (!token)
      return fill(
        this,
        h('div', { class: 'card narrow' }, heading(t('setup.title')), h('p', null, t('setup.noToken'))),
      );
    const fields = accountFields();
    fill(
      this,
      h(
        'div',
        { class: 'card narrow' },
        heading(t('setup.title')),
        form({
          fields: Object.values(fields),
          submit: t('setup.submit'),
          before: h('p', null, t('setup.text')),
          send: () => change('completeSetup', { token, ...read(fields) }, 'account{id}'),
          done: async () => {
            const signedIn = await session.signIn(fields.username.read(), fields.password.read());
            go(signedIn.account ? '/admin' : '/signin?next=/admin');
          },
        }),
      ),
    );
    fields.username.focus();
  }
}

// No page of ours, or one for other people.

/** Every other path. */
export class Missing extends Page {
  show() {
    fill(
      this,
      heading(t('missing.title')),
      h(
        'div',
        { class: 'empty' },
        h('p', null, t('missing.text')),
        h('a', { class: 'button primary', href: '/' }, t('nav.directory')),
      ),
    );
  }
}

// The person: name, address, password, sessions, data.

/** `/account` */
export class Account extends Page {
  show() {
    const viewer = session.viewer;
    if (!viewer) return;
    const out = button(t('account.signOut'), async () => {
      await session.signOut();
      go('/');
    });
    fill(
      this,
      heading(t('nav.account'), out),
      h(
        'div',
        { class: 'columns' },
        h(
          'div',
          null,
          section(
            t('account.profile'),
            h(
              'p',
              { class: 'quiet' },
              t('account.username', { name: viewer.username, role: t(`role.${viewer.role}`) }),
            ),
            nameForm(),
          ),
          section(t('field.email'), emailForm()),
        ),
        h('div', null, section(t('field.password'), passwordForm())),
      ),
      section(t('account.sessions'), this.#sessions()),
      section(
        t('account.data'),
        h('p', { class: 'quiet' }, t('account.dataText')),
        h(
          'div',
          { class: 'actions' },
          button(t('account.export'), exportData),
          button(t('account.delete'), remove, { class: 'danger' }),
        ),
      ),
    );
  }

  #sessions() {
    const list = this.place(
      () => ask('{viewer{sessions{id createdAt lastSeenAt userAgent current}}}', {}, this.signal),
      ({ viewer }) => [
        h(
          'ul',
          { class: 'list' },
          (viewer?.sessions ?? []).map((one) =>
            h(
              'li',
              { class: 'row' },
              h(
                'div',
                { class: 'grow' },
                h(
                  'div',
                  { class: 'name' },
                  device(one.userAgent),
                  one.current && h('span', { class: 'tag accent' }, t('account.current')),
                ),
                h(
                  'div',
                  { class: 'quiet' },
                  t('account.seen', { seen: since(one.lastSeenAt), since: clock(one.createdAt) }),
                ),
              ),
              !one.current &&
                button(t('account.end'), async () => {
                  await change('revokeSession', { id: one.id }, 'accepted');
                  list.reload();
                }),
            ),
          ),
        ),
        h(
          'div',
          { class: 'actions' },
          button(t('account.endAll'), async () => {
            await change('revokeAllSessions', null, 'accepted');
            await session.refresh();
            go('/signin');
          }),
        ),
      ],
    );
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
  const name = Field.text('displayName', t('field.displayName'), {
    value: session.viewer?.displayName,
    autocomplete: 'name',
  });
  return form({
    fields: [name],
    submit: t('save'),
    quiet: true,
    send: () => change('updateProfile', { displayName: name.read() }, 'account{id}'),
    done: async () => {
      await session.refresh();
      say(t('saved'));
    },
  });
}

function emailForm() {
  const { email: current = '', emailVerifiedAt } = session.viewer ?? {};
  const email = Field.text('email', t('account.newEmail'), {
    type: 'email',
    autocomplete: 'email',
    help: t('account.emailNow', { email: current }),
  });
  const password = Field.password('password', t('account.yourPassword'), { autocomplete: 'current-password' });
  return [
    !emailVerifiedAt &&
      h('div', { class: 'notice' }, h('p', null, t('me.unverified', { email: current })), resendButton(current)),
    form({
      fields: [email, password],
      submit: t('account.changeEmail'),
      quiet: true,
      send: () => change('changeEmail', { email: email.read(), password: password.read() }, 'account{id}'),
      done: async () => {
        await session.refresh();
        say(t('verify.sent'));
        password.write('');
      },
    }),
  ];
}

function passwordForm() {
  const currentPassword = Field.password('currentPassword', t('account.currentPassword'), {
    autocomplete: 'current-password',
  });
  const newPassword = Field.password('newPassword', t('field.newPassword'), {
    autocomplete: 'new-password',
    help: t('field.passwordHelp'),
  });
  return form({
    fields: [currentPassword, newPassword],
    submit: t('account.changePassword'),
    quiet: true,
    before: h('input', {
      class: 'away',
      type: 'text',
      autocomplete: 'username',
      value: session.viewer?.username,
      tabindex: -1,
      'aria-hidden': 'true',
      readonly: true,
    }),
    send: () =>
      change(
        'changePassword',
        { currentPassword: currentPassword.read(), newPassword: newPassword.read() },
        'accepted',
      ),
    done: () => {
      currentPassword.write('');
      newPassword.write('');
      say(t('account.passwordChanged'));
    },
  });
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
  formDialog(t('account.deleteTitle'), t('account.deleteText'), {
    fields: [password],
    submit: t('account.delete'),
    danger: true,
    send: () => change('deleteAccount', { password: password.read() }, 'accepted'),
    done: async () => {
      await session.refresh();
      go('/');
      say(t('account.deleted'));
    },
  });
}
