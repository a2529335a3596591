// `/e/{event}/admin/event`: settings and number ranges of one event.

import { form } from '../../forms/form.js';
import { choiceField, integerField, multipleField, textField } from '../../forms/inputs.js';
import { h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { fromLocalInput, toLocalInput } from '../../lib/time.js';
import { session } from '../../session.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { columns, emptyState, section, setTitle } from '../../ui/layout.js';
import { showToast } from '../../ui/toast.js';
import { AdminPage } from './admin-page.js';
import { rangesView } from './ranges.js';
import { timeZoneList } from './time-zones.js';

/** @typedef {import('../../../types/graphql.js').Data<'ConfiguredEvent'>} ConfiguredEventData */
/** @typedef {NonNullable<ConfiguredEventData['event']>} ConfiguredEvent */
/** @typedef {import('../../../types/graphql.js').Item<ConfiguredEventData['serviceTypes']>} ServiceType */
/** @typedef {import('../../../types/api.js').EventPhase} EventPhase */

const CONFIGURED_EVENT = graphql(`query ConfiguredEvent($slug: String!) {
  event(slug: $slug) {
    slug name phase startsAt endsAt timeZone holdSeconds reservedPrefixes
    serviceTypes { slug }
    ranges { id first last label privileged size available serviceTypes { slug name } }
  }
  serviceTypes { slug name retired }
}`);

/** @type {EventPhase[]} */
const PHASES = ['DRAFT', 'STAFF', 'OPEN', 'FROZEN', 'ARCHIVED'];

export default class EventPage extends AdminPage {
  isDetail = true;

  /** @override */
  content() {
    const view = this.liveView(
      () => query(CONFIGURED_EVENT, { slug: this.eventSlug }, this.signal),
      ({ event }) => event?.slug ?? '',
      ({ event, serviceTypes }) => (event ? eventView(event, serviceTypes, reload) : missingView()),
    );
    const reload = () => view.reload();
    return view.node;
  }
}

const missingView = () => ({ node: emptyState(t('missing.event')), update: () => {} });

/** @param {ConfiguredEvent} initial @param {ServiceType[]} serviceTypes @param {() => void} reload */
function eventView(initial, serviceTypes, reload) {
  const offered = serviceTypes.filter((type) => !type.retired);
  const choices = offered.map(({ slug, name }) => /** @type {[string, string]} */ ([slug, name]));
  const title = h('h1', { tabindex: -1 });
  const ranges = rangesView(initial, choices, reload);
  const settings = settingsForm(initial, choices, reload);
  const update = (/** @type {ConfiguredEventData} */ { event }) => {
    if (!event) return;
    setTitle(event.name);
    title.textContent = event.name;
    ranges.update(event);
    settings.update(event);
  };
  update({ event: initial, serviceTypes });
  const node = [
    h('div', { class: 'heading' }, title),
    columns(ranges.node, section(t('event.settings'), timeZoneList(), settings.node)),
  ];
  return { node, update };
}

/** @param {readonly string[]} prefixes */
const prefixText = (prefixes) => prefixes.join(' ');

/** @param {ConfiguredEvent} event */
const offeredSlugs = (event) => event.serviceTypes.map(({ slug }) => slug);

/** @param {ConfiguredEvent} event @param {[string, string][]} serviceTypes */
function settingsFields(event, serviceTypes) {
  const phases = PHASES.map(
    (phase) => /** @type {[EventPhase, string, string]} */ ([phase, t(`phase.${phase}`), t(`phase.${phase}.about`)]),
  );
  const dateTime = { type: 'datetime-local' };
  return {
    name: textField('name', t('event.name'), { value: event.name, maxlength: 64 }),
    phase: choiceField('phase', t('event.phase'), phases, { value: event.phase }),
    startsAt: textField('startsAt', t('event.startsAt'), { ...dateTime, value: toLocalInput(event.startsAt) }),
    endsAt: textField('endsAt', t('event.endsAt'), { ...dateTime, value: toLocalInput(event.endsAt) }),
    timeZone: textField('timeZone', t('event.timeZone'), { value: event.timeZone, list: 'time-zones' }),
    hold: integerField('holdSeconds', t('event.hold'), { value: event.holdSeconds, help: t('event.holdHelp') }),
    prefixes: textField('reservedPrefixes', t('event.reserved'), {
      value: prefixText(event.reservedPrefixes),
      help: t('event.reservedHelp'),
    }),
    offered: multipleField('serviceTypes', t('event.services'), serviceTypes, { value: offeredSlugs(event) }),
  };
}

/** @param {ConfiguredEvent} event @param {[string, string][]} serviceTypes @param {() => void} reload */
function settingsForm(event, serviceTypes, reload) {
  const { name, phase, startsAt, endsAt, timeZone, hold, prefixes, offered } = settingsFields(event, serviceTypes);
  const node = form({
    fields: [name, phase, offered, prefixes, hold, timeZone, startsAt, endsAt],
    submit: t('save'),
    body: [
      name.node,
      phase.node,
      serviceTypes.length > 0 && offered.node,
      prefixes.node,
      hold.node,
      timeZone.node,
      h('div', { class: 'pair' }, startsAt.node, endsAt.node),
    ],
    send: () => {
      const input = {
        slug: event.slug,
        name: name.read(),
        phase: phase.read(),
        startsAt: fromLocalInput(startsAt.read()),
        endsAt: fromLocalInput(endsAt.read()),
        timeZone: timeZone.read(),
        holdSeconds: hold.read(),
        reservedPrefixes: prefixes
          .read()
          .split(/[\s,]+/)
          .filter(Boolean),
        serviceTypes: offered.read(),
      };
      return mutate('updateEvent', input, 'event { slug }');
    },
    done: async () => {
      await session.refresh();
      showToast(t('saved'));
      reload();
    },
  });
  const update = (/** @type {ConfiguredEvent} */ newer) => {
    name.receive(newer.name);
    phase.receive(newer.phase);
    startsAt.receive(toLocalInput(newer.startsAt));
    endsAt.receive(toLocalInput(newer.endsAt));
    timeZone.receive(newer.timeZone);
    hold.receive(newer.holdSeconds);
    prefixes.receive(prefixText(newer.reservedPrefixes));
    offered.receive(offeredSlugs(newer));
  };
  return { node, update };
}
