// Who may do what.

import { ask, change } from '../api.js';
import { h, icon } from '../dom.js';
import { errorText } from '../form.js';
import { t } from '../i18n.js';
import { empty, pagedList, say } from '../page.js';
import { session } from '../session.js';

const ROLES = ['USER', 'OPERATOR', 'ADMIN'];

/** @param {import('../page.js').Page} page */
export function show(page) {
  const box = h('input', { type: 'search', class: 'searchbox small', 'aria-label': t('people.search'), placeholder: t('people.search'), autocomplete: 'off', spellcheck: 'false' });
  const place = h('div', null);
  const list = () => {
    const search = box.value.trim() || null;
    // Without a search those come who already have a say.
    const load = (/** @type {string | null} */ role) => async (/** @type {string | null} */ after) => (await ask('query($search:String,$role:Role,$after:String){accounts(search:$search,role:$role,after:$after){nodes{username displayName role} pageInfo{hasNextPage endCursor}}}', { search, role, after }, page.signal)).accounts;
    place.replaceChildren(...(search ? [pagedList(load(null), row, page.signal, () => empty(t('people.none')))]
      : ['ADMIN', 'OPERATOR', 'USER'].map((role) => h('section', { class: 'section' }, h('h2', null, t(`people.${role}`)), pagedList(load(role), row, page.signal, () => h('p', { class: 'quiet' }, t('people.noneYet')))))));
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  box.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(list, 120); });
  list();
  return [h('p', { class: 'quiet' }, t('people.text')), h('div', { class: 'search' }, icon('search'), box), place];
}

/** @param {any} account */
function row(account) {
  const select = h('select', { 'aria-label': t('people.roleOf', { name: account.username }), disabled: account.username === session.viewer?.username, onchange: async () => {
    const role = ROLES[select.selectedIndex];
    const payload = await change('setRole', { username: account.username, role }, 'account{id}').catch((error) => ({ errors: [error] }));
    if (payload.errors.length > 0) {
      select.selectedIndex = ROLES.indexOf(account.role);
      return say(errorText(payload.errors[0]));
    }
    account.role = role;
    say(t('people.changed', { name: account.username, role: t(`role.${role}`) }));
  } }, ROLES.map((role) => h('option', { value: role, selected: role === account.role }, t(`role.${role}`))));
  return h('li', { class: 'row' }, h('div', { class: 'grow' }, h('a', { class: 'name', href: `/operate/accounts/${encodeURIComponent(account.username)}` }, account.username), h('div', { class: 'quiet' }, account.displayName)), h('div', null, select));
}
