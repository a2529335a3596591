// `/setup`: the link that the server prints on an empty database creates the first admin.

import { form } from '../../forms/form.js';
import { fill, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { go } from '../../router.js';
import { session } from '../../session.js';
import { mutate } from '../../transport/http.js';
import { heading } from '../../ui/layout.js';
import { Page } from '../../ui/page.js';
import { accountFields } from './account-fields.js';
import { takeTokenFromAddress } from './token.js';

export default class SetupPage extends Page {
  /** @override */
  show() {
    const token = takeTokenFromAddress();
    const card = h('div', { class: 'card narrow' }, heading(t('setup.title')));
    fill(this, card);
    if (!token) return card.append(h('p', null, t('setup.noToken')));
    const { fields, read } = accountFields();
    const setupForm = form({
      fields,
      submit: t('setup.submit'),
      before: h('p', null, t('setup.text')),
      send: () => mutate('completeSetup', { token, ...read() }, 'account { id }'),
      done: async () => {
        const { username, password } = read();
        const signedIn = await session.signIn(username, password);
        await go(signedIn.account ? '/admin' : '/signin?next=/admin');
      },
    });
    card.append(setupForm);
    fields[0].focus();
  }
}
