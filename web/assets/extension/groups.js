// Call groups: the members of a group, and the groups that ring a number.

import { form } from '../forms/form.js';
import { integerField, textField } from '../forms/inputs.js';
import { button, h, renderOnChange } from '../lib/dom.js';
import { t, tn } from '../lib/i18n.js';
import { mutate } from '../transport/http.js';
import { emptyState, list, numberText, quiet } from '../ui/layout.js';
import { runMutation } from '../ui/mutation.js';
import { showToast } from '../ui/toast.js';

/** @typedef {{ id: string, delaySeconds: number, paused: boolean, membership: 'PENDING' | 'ACTIVE' }} Membership */
/** @typedef {Membership & { number: string, label: string }} Member */
/** @typedef {Membership & { groupNumber: string, groupLabel: string }} Group */
/** @typedef {{ id: string, members: Member[] | null, serviceType: { memberLimit: number | null } }} CallGroup */
/**
 * @template Data
 * @typedef {import('../ui/region.js').View<Data>} View
 */

/** The members of a group and the form that invites another one. @param {CallGroup} group @param {() => void} reload */
export function membersSection(group, reload) {
  const number = textField('number', t('group.inviteNumber'), { inputmode: 'tel', required: true });
  const delay = integerField('delaySeconds', t('group.delay'), { value: 0, help: t('group.delayHelp') });
  const inviteForm = form({
    fields: [number, delay],
    submit: t('group.invite'),
    isSecondary: true,
    isInline: true,
    resetOnDone: true,
    send: () => {
      const input = { group: group.id, number: number.read(), delaySeconds: delay.read() ?? 0 };
      return mutate('inviteToGroup', input, 'member { id }');
    },
    done: () => {
      showToast(t('group.invited'));
      reload();
    },
  });
  const members = h('div', null);
  const update = renderOnChange(
    members,
    group,
    (newer) => [newer.members, newer.serviceType.memberLimit],
    (newer) => memberList(newer, reload),
  );
  const node = h('section', { class: 'section' }, h('h2', null, t('group.members')), members, inviteForm);
  return /** @satisfies {View<CallGroup>} */ ({ node, update });
}

/** @param {CallGroup} group @param {() => void} reload */
function memberList({ members, serviceType }, reload) {
  const present = members ?? [];
  const limit = serviceType.memberLimit;
  return [
    present.length === 0 ? emptyState(t('group.empty')) : list(present.map((member) => memberRow(member, reload))),
    limit !== null && quiet(t('group.limit', { n: present.length, limit })),
  ];
}

/** @param {Membership} membership @param {string} pendingText */
function membershipText({ membership, paused, delaySeconds }, pendingText) {
  if (membership === 'PENDING') return pendingText;
  return paused ? t('group.paused') : tn('group.after', delaySeconds);
}

/** @param {Member} member @param {() => void} reload */
function memberRow(member, reload) {
  const { id, number, label } = member;
  const isAtOnce = member.membership === 'ACTIVE' && !member.paused && member.delaySeconds === 0;
  const text = isAtOnce ? t('group.atOnce') : membershipText(member, t('group.pending'));
  const remove = () => runMutation('removeGroupMember', { id }, 'accepted', reload);
  return h(
    'li',
    { class: 'row' },
    numberText(number),
    h('div', { class: 'grow' }, h('div', { class: 'name' }, label), h('div', { class: 'quiet' }, text)),
    member.membership === 'ACTIVE' && pauseButton(member, reload),
    button(t('schema.remove'), remove, { 'aria-label': t('group.removeWhom', { number }) }),
  );
}

/** @param {Membership} member @param {() => void} reload */
function pauseButton({ id, paused }, reload) {
  const toggle = () => runMutation('updateGroupMember', { id, paused: !paused }, 'member { id }', reload);
  return button(t(paused ? 'group.resume' : 'group.pause'), toggle);
}

/** The groups that ring a number. @param {{ memberOf: Group[] }} extension @param {() => void} reload */
export function groupsSection(extension, reload) {
  const node = h('section', { class: 'section' });
  const render = renderOnChange(
    node,
    extension,
    ({ memberOf }) => memberOf,
    ({ memberOf }) => [h('h2', null, t('group.memberOf')), list(memberOf.map((group) => groupRow(group, reload)))],
  );
  const update = (/** @type {{ memberOf: Group[] }} */ newer) => {
    render(newer);
    node.hidden = newer.memberOf.length === 0;
  };
  update(extension);
  return { node, update };
}

/** @param {Group} group @param {() => void} reload */
function groupRow(group, reload) {
  const { id, groupNumber, groupLabel, membership } = group;
  const accept = () => runMutation('acceptGroupInvitation', { id }, 'member { id }', reload);
  const decline = () => runMutation('declineGroupInvitation', { id }, 'accepted', reload);
  const leave = () => runMutation('leaveGroup', { id }, 'accepted', reload);
  const actions =
    membership === 'PENDING'
      ? [button(t('group.accept'), accept, { class: 'primary' }), button(t('group.decline'), decline)]
      : [pauseButton(group, reload), button(t('group.leave'), leave)];
  const text = membershipText(group, t('group.pendingMine'));
  return h(
    'li',
    { class: 'row' },
    numberText(groupNumber),
    h('div', { class: 'grow' }, h('div', { class: 'name' }, groupLabel), h('div', { class: 'quiet' }, text)),
    actions,
  );
}
