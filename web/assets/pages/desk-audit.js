// What was done, by whom, when.

import { ask } from '../api.js';
import { h } from '../dom.js';
import { Field, form } from '../form.js';
import { clock, since, t } from '../i18n.js';
import { empty, pagedList } from '../page.js';

/** @param {import('../page.js').Page} page */
export function show(page) {
  const actor = Field.text('actor', t('audit.actor'), { autocomplete: 'off' });
  const action = Field.text('action', t('audit.action'), { autocomplete: 'off', placeholder: 'banAccount' });
  const place = h('div', null);
  const list = () => place.replaceChildren(pagedList(async (after) => (await ask(`query($actor:String,$action:String,$after:String){auditEvents(actor:$actor,action:$action,after:$after){
    nodes{at actor via action summary} pageInfo{hasNextPage endCursor}}}`, { actor: actor.read().trim() || null, action: action.read().trim() || null, after }, page.signal)).auditEvents, auditRow, page.signal, () => empty(t('audit.none'))));
  list();
  return [form({ fields: [actor, action], submit: t('audit.filter'), inline: true, quiet: true, send: async () => ({ errors: [] }), done: list }), place];
}

/** @param {any} event */
export const auditRow = (event) => h('li', { class: 'row line' }, h('time', { datetime: event.at, title: clock(event.at) }, since(event.at)), h('span', { class: 'grow' }, event.summary, ' ', h('code', null, event.action)), h('span', { class: 'quiet' }, event.actor));
