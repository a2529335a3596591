// `/e/{event}/admin`: all events.

import { selectField, textField } from '../../forms/inputs.js';
import { slugFollowsName } from '../../forms/slug-field.js';
import { button, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { go } from '../../router.js';
import { eventPath, session } from '../../session.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { openFormDialog } from '../../ui/dialog.js';
import { emptyState, list, tag } from '../../ui/layout.js';
import { fullness } from '../../ui/number-status.js';
import { AdminPage } from './admin-page.js';
import { timeZoneList } from './time-zones.js';

/** @typedef {import('../../../types/graphql.js').Data<'Events'>['events']} AllListedEvents */
/** @typedef {import('../../../types/graphql.js').Item<AllListedEvents>} ListedEvent */

const EVENTS = graphql(`query Events {
  events { slug name phase ranges { size available } }
}`);

export default class EventsPage extends AdminPage {
  /** @override */
  content() {
    const events = this.region(
      () => query(EVENTS, {}, this.signal),
      (data) => {
        const create = button([icon('plus'), t('admin.newEvent')], () => openCreateDialog(data.events), {
          class: 'primary',
        });
        const rows = data.events.map(eventRow);
        return [
          h('div', { class: 'actions' }, create),
          rows.length === 0 ? emptyState(t('admin.noEvents')) : list(rows),
        ];
      },
    );
    return events.node;
  }
}

/** @param {ListedEvent} event */
function eventRow(event) {
  const { slug, name, phase, ranges } = event;
  const total = { size: 0, available: 0 };
  for (const range of ranges) {
    total.size += range.size;
    total.available += range.available;
  }
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('a', { class: 'name', href: eventPath(event, '/admin/event') }, name),
      h('div', { class: 'quiet' }, slug, tag(t(`phase.${phase}`), phase === 'OPEN' ? 'accent' : '')),
    ),
    ranges.length > 0 && fullness(total),
  );
}

/** @param {ListedEvent[]} events */
function openCreateDialog(events) {
  const name = textField('name', t('event.name'), { required: true, maxlength: 64 });
  const slug = textField('slug', t('event.slug'), { required: true, help: t('event.slugHelp'), maxlength: 32 });
  const timeZone = textField('timeZone', t('event.timeZone'), {
    value: Intl.DateTimeFormat().resolvedOptions().timeZone,
    list: 'time-zones',
  });
  /** @type {[string | null, string][]} */
  const sources = [[null, t('event.copyNothing')]];
  for (const event of events) sources.push([event.slug, event.name]);
  const copyFrom = selectField('copyFrom', t('event.copyFrom'), sources, { help: t('event.copyHelp'), value: null });
  slugFollowsName(slug, name);
  openFormDialog(t('admin.newEvent'), timeZoneList(), {
    fields: [name, slug, timeZone, copyFrom],
    submit: t('admin.create'),
    send: () => {
      const source = copyFrom.read();
      const input = {
        name: name.read(),
        slug: slug.read(),
        timeZone: timeZone.read(),
        ...(source ? { copyFrom: source } : {}),
      };
      return mutate('createEvent', input, 'event { slug }');
    },
    done: async ({ event }) => {
      await session.refresh();
      await go(eventPath(event, '/admin/event'));
    },
  });
}
