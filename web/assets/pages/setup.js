// The one-time link that the server prints on an empty database: the first admin.

import { change } from '../api.js';
import { fill, h } from '../dom.js';
import { form } from '../form.js';
import { t } from '../i18n.js';
import { Page, heading } from '../page.js';
import { go } from '../router.js';
import { session } from '../session.js';
import { accountFields, read } from './sign-up.js';
import { tokenInAddress } from './verify.js';

/** `/setup` */
export default class Setup extends Page {
  show() {
    const token = tokenInAddress();
    if (!token) return fill(this, h('div', { class: 'card narrow' }, heading(t('setup.title')), h('p', null, t('setup.noToken'))));
    const fields = accountFields();
    fill(this, h('div', { class: 'card narrow' }, heading(t('setup.title')), form({ fields: Object.values(fields), submit: t('setup.submit'), before: h('p', null, t('setup.text')),
      send: () => change('completeSetup', { token, ...read(fields) }, 'account{id}'),
      done: async () => {
        const signedIn = await session.signIn(fields.username.read(), fields.password.read());
        go(signedIn.account ? '/admin' : '/signin?next=/admin');
      } })));
    fields.username.focus();
  }
}
