// Call groups: who rings, and which groups ring this number.

import { change } from '../api.js';
import { h } from '../dom.js';
import { Field, errorText, form } from '../form.js';
import { t, tn } from '../i18n.js';
import { empty, say, section } from '../page.js';
import { bigNumber } from '../widgets.js';

/** @param {string} name @param {any} input @param {string} selection @param {() => void} reload */
async function act(name, input, selection, reload) {
  const payload = await change(name, input, selection).catch((error) => ({ errors: [error] }));
  if (payload.errors.length > 0) say(errorText(payload.errors[0]));
  reload();
}

/** The members of a group. @param {any} extension @param {() => void} reload */
export function groupPanel(extension, reload) {
  const number = Field.text('number', t('group.inviteNumber'), { inputmode: 'tel', required: true });
  const delay = Field.integer('delaySeconds', t('group.delay'), { value: 0, help: t('group.delayHelp') });
  const limit = extension.serviceType.memberLimit;
  return section(t('group.members'),
    extension.members.length === 0 ? empty(t('group.empty')) : h('ul', { class: 'list' }, extension.members.map((/** @type {any} */ one) => memberRow(one, reload))),
    limit && h('p', { class: 'quiet' }, t('group.limit', { n: extension.members.length, limit })),
    form({ fields: [number, delay], submit: t('group.invite'), quiet: true, inline: true,
      send: () => change('inviteToGroup', { group: extension.id, number: number.read(), delaySeconds: delay.read() ?? 0 }, 'member{id}'),
      done: () => { say(t('group.invited')); reload(); } }));
}

/** @param {any} member @param {() => void} reload */
function memberRow(member, reload) {
  const about = member.membership === 'PENDING' ? t('group.pending') : member.paused ? t('group.paused') : member.delaySeconds > 0 ? tn('group.after', member.delaySeconds) : t('group.atOnce');
  return h('li', { class: 'row' }, bigNumber(member.number), h('div', { class: 'grow' }, h('div', { class: 'name' }, member.label), h('div', { class: 'quiet' }, about)),
    member.membership === 'ACTIVE' && pauseButton(member, reload),
    h('button', { type: 'button', onclick: () => act('removeGroupMember', { id: member.id }, 'accepted', reload), 'aria-label': t('group.removeWhom', { number: member.number }) }, t('schema.remove')));
}

/** @param {any} member @param {() => void} reload */
const pauseButton = (member, reload) => h('button', { type: 'button', onclick: () => act('updateGroupMember', { id: member.id, paused: !member.paused }, 'member{id}', reload) }, t(member.paused ? 'group.resume' : 'group.pause'));

/** The groups that ring it. @param {any} extension @param {() => void} reload */
export function membershipPanel(extension, reload) {
  if (extension.memberOf.length === 0) return null;
  return section(t('group.memberOf'), h('ul', { class: 'list' }, extension.memberOf.map((/** @type {any} */ one) => h('li', { class: 'row' }, bigNumber(one.groupNumber),
    h('div', { class: 'grow' }, h('div', { class: 'name' }, one.groupLabel), h('div', { class: 'quiet' }, one.membership === 'PENDING' ? t('group.pendingMine') : one.paused ? t('group.paused') : tn('group.after', one.delaySeconds))),
    one.membership === 'PENDING'
      ? [h('button', { type: 'button', class: 'primary', onclick: () => act('acceptGroupInvitation', { id: one.id }, 'member{id}', reload) }, t('group.accept')),
        h('button', { type: 'button', onclick: () => act('declineGroupInvitation', { id: one.id }, 'accepted', reload) }, t('group.decline'))]
      : [pauseButton(one, reload), h('button', { type: 'button', onclick: () => act('leaveGroup', { id: one.id }, 'accepted', reload) }, t('group.leave'))]))));
}
