// `/e/{event}/me`: the account's numbers, each with its state.

import { button, buttonLink, fill, h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { formatDateTime, formatRelative, t } from '../lib/i18n.js';
import { onProvisioningProgress } from '../provisioning-progress.js';
import { eventPath, session } from '../session.js';
import { graphql, query } from '../transport/http.js';
import { emptyState, heading, list, notice, numberText, quiet, section } from '../ui/layout.js';
import { runMutation } from '../ui/mutation.js';
import { extensionStatus } from '../ui/number-status.js';
import { Page } from '../ui/page.js';
import { unverifiedNotice } from './account/resend-verification.js';

/** @typedef {import('../../types/graphql.js').Data<'MyNumbers'>} MyNumbers */
/** @typedef {import('../../types/graphql.js').Item<MyNumbers['extensions']['nodes']>} MyExtension */
/** @typedef {import('../../types/graphql.js').Item<MyNumbers['groupInvitations']>} Invitation */
/** @typedef {NonNullable<NonNullable<MyNumbers['viewer']>['heldNumbers']>} HeldNumbers */
/** @typedef {import('../../types/graphql.js').Item<HeldNumbers['nodes']>} HeldNumber */

const MY_NUMBERS = graphql(`query MyNumbers($owner: String!) {
  extensions(owner: $owner, first: 100) {
    nodes {
      id number label visibility active
      event { slug name }
      serviceType { name behaviour }
      restrictions { source reason }
      provisioning { consumer state at message }
    }
  }
  groupInvitations { id groupNumber groupLabel number }
  viewer { heldNumbers(first: 100) { nodes { number until event { slug name phase } } } }
}`);

export default class MyNumbersPage extends Page {
  /** @override */
  show() {
    const { viewer } = session;
    if (!viewer) return;
    const registerLink = buttonLink(this.path('/me/new'), [icon('plus'), t('me.get')], {
      class: 'button primary',
      hidden: true,
    });
    const numbers = this.region(
      () => query(MY_NUMBERS, { owner: viewer.username }, this.signal),
      (data) => {
        const { nodes } = data.extensions;
        const events = [...new Set(nodes.map((extension) => extension.event.slug))];
        onProvisioningProgress(this, events, reload);
        registerLink.hidden = nodes.length === 0;
        return [
          data.groupInvitations.map((one) => invitationNotice(one, reload)),
          nodes.length === 0 ? this.#noNumbers() : this.#numbersByEvent(nodes),
          heldNumbersSection(data.viewer?.heldNumbers?.nodes ?? [], reload),
        ];
      },
    );
    const reload = () => numbers.reload();
    const unverified = !viewer.emailVerifiedAt && unverifiedNotice(viewer.email ?? '');
    const restrictions = viewer.restrictions?.map(({ source, reason }) =>
      notice('bad', h('p', null, h('strong', null, t(`restriction.${source}`)), ' ', reason)),
    );
    fill(this, heading(t('nav.me'), registerLink), unverified, restrictions, numbers.node);
  }

  #noNumbers() {
    return emptyState(t('me.empty'), buttonLink(this.path('/me/new'), t('me.get'), { class: 'button primary' }));
  }

  /** The numbers of this event come first. @param {MyExtension[]} extensions */
  #numbersByEvent(extensions) {
    const here = extensions.filter((one) => one.event.slug === this.eventSlug);
    const elsewhere = extensions.filter((one) => one.event.slug !== this.eventSlug);
    const cards = (/** @type {MyExtension[]} */ some) => h('div', { class: 'cards' }, some.map(extensionCard));
    return [
      here.length > 0 ? cards(here) : this.#noNumbers(),
      elsewhere.length > 0 && section(t('me.otherEvents'), cards(elsewhere)),
    ];
  }
}

/** @param {MyExtension} extension */
function extensionCard(extension) {
  const { number, label, event, serviceType } = extension;
  const eventName = session.events.length > 1 && ` · ${event.name}`;
  const href = eventPath(event, `/me/${encodeURIComponent(number)}`);
  return h(
    'article',
    { class: 'card extension' },
    h('a', { class: 'cover', href }, numberText(number), h('span', { class: 'name' }, label)),
    h('p', { class: 'quiet' }, serviceType.name, eventName),
    extensionStatus(extension),
    directorySwitch(extension),
  );
}

/** @param {MyExtension} extension */
function directorySwitch({ id, number, visibility }) {
  const onchange = async () => {
    const wanted = toggle.checked ? 'PUBLIC' : 'HIDDEN';
    const showWanted = () => {
      note.textContent = t(`visibility.${wanted}`);
    };
    const message = t(wanted === 'PUBLIC' ? 'me.isListed' : 'me.isHidden', { number });
    const input = /** @type {const} */ ({ id, visibility: wanted });
    const isDone = await runMutation('updateExtension', input, 'extension { visibility }', showWanted, message);
    if (!isDone) toggle.checked = !toggle.checked;
  };
  const toggle = h('input', {
    type: 'checkbox',
    role: 'switch',
    class: 'switch',
    checked: visibility !== 'HIDDEN',
    'aria-label': t('me.listed', { number }),
    onchange,
  });
  const note = h('span', null, t(`visibility.${visibility}`));
  return h('label', { class: 'check listing' }, toggle, note);
}

/** @param {HeldNumber[]} numbers @param {() => void} reload */
function heldNumbersSection(numbers, reload) {
  if (numbers.length === 0) return null;
  const rows = numbers.map((one) => heldNumberRow(one, reload));
  return section(t('held.title'), quiet(t('held.text')), list(rows));
}

/** @param {HeldNumber} held @param {() => void} reload */
function heldNumberRow({ number, until, event }, reload) {
  const mayRegister = event && (event.phase === 'OPEN' || session.isOperator);
  const register =
    mayRegister &&
    buttonLink(eventPath(event, `/me/new?number=${encodeURIComponent(number)}`), t('held.take'), {
      'aria-label': t('held.takeWhich', { number }),
    });
  const input = { event: event?.slug, number };
  const release = () => runMutation('releaseHold', input, 'number { number }', reload, t('held.released', { number }));
  return h(
    'li',
    { class: 'row' },
    numberText(number),
    h(
      'div',
      { class: 'grow' },
      until && h('div', { title: formatDateTime(until) }, t('held.until', { until: formatRelative(until) })),
      session.events.length > 1 && event && h('div', { class: 'quiet' }, event.name),
    ),
    h(
      'div',
      { class: 'actions' },
      register,
      button(t('held.release'), release, { 'aria-label': t('held.releaseWhich', { number }) }),
    ),
  );
}

/** @param {Invitation} member @param {() => void} reload */
function invitationNotice({ id, groupNumber, groupLabel, number }, reload) {
  const group = `${groupLabel} (${groupNumber})`;
  const accept = () => runMutation('acceptGroupInvitation', { id }, 'member { id }', reload);
  const decline = () => runMutation('declineGroupInvitation', { id }, 'accepted', reload);
  return notice(
    '',
    h('p', null, t('group.invitation', { group, number })),
    h(
      'div',
      { class: 'actions' },
      button(t('group.accept'), accept, { class: 'primary' }),
      button(t('group.decline'), decline),
    ),
  );
}
