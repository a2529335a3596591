// My numbers, each with its state.

import { ask, change } from '../api.js';
import { fill, h, icon } from '../dom.js';
import { errorText } from '../form.js';
import { t } from '../i18n.js';
import { Page, empty, heading, say } from '../page.js';
import { session } from '../session.js';
import { whenSystemsMove } from '../standing.js';
import { bigNumber, stateOf } from '../widgets.js';
import { resendButton } from './sign-up.js';

const QUERY = `query($owner:String!,$after:String){extensions(owner:$owner,first:100,after:$after){nodes{id number label visibility active event{slug name} serviceType{name behaviour}
  restrictions{source reason} provisioning{consumer state at message}} pageInfo{hasNextPage endCursor}}
  groupInvitations{id groupNumber groupLabel number}}`;

/** `/me` */
export default class MyNumbers extends Page {
  show() {
    const another = h('a', { class: 'button primary', href: '/me/new', hidden: true }, icon('plus'), t('me.get'));
    const list = this.place(() => ask(QUERY, { owner: session.viewer?.username }, this.signal), ({ extensions, groupInvitations }) => {
      whenSystemsMove(this, extensions.nodes.map((/** @type {any} */ one) => one.event.slug), () => list.reload());
      another.hidden = extensions.nodes.length === 0;
      return [groupInvitations.map((/** @type {any} */ one) => invitation(one, () => list.reload())),
        extensions.nodes.length === 0
          ? empty(t('me.empty'), h('a', { class: 'button primary', href: '/me/new' }, t('me.get')))
          : h('div', { class: 'cards' }, extensions.nodes.map((/** @type {any} */ one) => card(one)))];
    });
    const verified = session.viewer?.emailVerifiedAt;
    fill(this, heading(t('nav.me'), another),
      !verified && h('div', { class: 'notice' }, h('p', null, t('me.unverified', { email: session.viewer?.email ?? '' })), resendButton(session.viewer?.email ?? '')),
      session.viewer?.restrictions.map((one) => h('div', { class: 'notice bad' }, h('p', null, h('strong', null, t(`restriction.${one.source}`)), ' ', one.reason))),
      list.node);
  }
}

/** @param {any} extension */
function card(extension) {
  const href = pathOf(extension);
  const toggle = h('input', { type: 'checkbox', role: 'switch', class: 'switch', checked: extension.visibility !== 'HIDDEN', 'aria-label': t('me.listed', { number: extension.number }), onchange: async () => {
    const visibility = toggle.checked ? 'PUBLIC' : 'HIDDEN';
    const payload = await change('updateExtension', { id: extension.id, visibility }, 'extension{visibility}').catch((error) => ({ errors: [error] }));
    if (payload.errors.length > 0) {
      toggle.checked = !toggle.checked;
      return say(errorText(payload.errors[0]));
    }
    note.textContent = t(`visibility.${visibility}`);
    say(t(visibility === 'PUBLIC' ? 'me.isListed' : 'me.isHidden', { number: extension.number }));
  } });
  const note = h('span', null, t(`visibility.${extension.visibility}`));
  return h('article', { class: 'card extension' },
    h('a', { class: 'cover', href }, bigNumber(extension.number), h('span', { class: 'name' }, extension.label)),
    h('p', { class: 'quiet' }, extension.serviceType.name, session.events.length > 1 && ` · ${extension.event.name}`),
    stateOf(extension), h('label', { class: 'check listing' }, toggle, note));
}

/** The address of an extension's page. @param {any} extension */
export function pathOf(extension) {
  const isUsual = extension.event.slug === session.event?.slug;
  return `/me/${encodeURIComponent(extension.number)}${isUsual ? '' : `?event=${extension.event.slug}`}`;
}

/** @param {any} member @param {() => void} reload */
function invitation(member, reload) {
  const answer = (/** @type {string} */ name, /** @type {string} */ selection) => async () => {
    const payload = await change(name, { id: member.id }, selection);
    if (payload.errors.length > 0) return say(errorText(payload.errors[0]));
    reload();
  };
  return h('div', { class: 'notice' }, h('p', null, t('group.invitation', { group: `${member.groupLabel} (${member.groupNumber})`, number: member.number })),
    h('div', { class: 'actions' }, h('button', { type: 'button', class: 'primary', onclick: answer('acceptGroupInvitation', 'member{id}') }, t('group.accept')),
      h('button', { type: 'button', onclick: answer('declineGroupInvitation', 'accepted') }, t('group.decline'))));
}
