// `/` and `/e/{event}`: the directory.

import { button, fill, h } from '../lib/dom.js';
import { t, tn } from '../lib/i18n.js';
import { eventPath, session } from '../session.js';
import { graphql, query } from '../transport/http.js';
import { subscribe } from '../transport/socket.js';
import { copyButton } from '../ui/copy-button.js';
import { emptyState, heading, list, numberText, tag } from '../ui/layout.js';
import { Page } from '../ui/page.js';
import { searchBox, searchInAddress, showSearchInAddress } from '../ui/search-box.js';

/** @typedef {NonNullable<import('../../types/graphql.js').Data<'Directory'>['directory']>} Directory */
/** @typedef {import('../../types/graphql.js').Item<Directory['nodes']>} Entry */

const DIRECTORY = graphql(`query Directory($event: String!, $search: String, $first: Int) {
  directory(event: $event, search: $search, first: $first) {
    totalCount
    nodes { number label highlighted serviceType { name } }
  }
}`);
const DIRECTORY_CHANGED = graphql(`subscription DirectoryChanged($event: String!) {
  directoryChanged(event: $event) { id }
}`);

const FIRST_PAGE = 50;
const MOST_ENTRIES = 100;
const SEARCH_DELAY = 60;
/** Endings of the exported files and their names. */
const EXPORT_FORMATS = [
  ['vcf', 'vCard'],
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['yealink.xml', 'Yealink'],
  ['snom.xml', 'Snom'],
  ['cisco.xml', 'Cisco'],
  ['grandstream.xml', 'Grandstream'],
];

export default class DirectoryPage extends Page {
  /** @override */
  show() {
    if (this.event) this.#showDirectory(this.event.slug);
    else if (session.events.length > 0) this.#showEvents();
    else this.#showNoEvent();
  }

  #showNoEvent() {
    const isAdmin = session.isAtLeast('ADMIN');
    const create = isAdmin && h('a', { class: 'button primary', href: '/admin' }, t('admin.newEvent'));
    const text = t(isAdmin ? 'directory.noEventAdmin' : 'directory.noEvent');
    fill(this, heading(t('directory.title')), emptyState(text, create));
  }

  #showEvents() {
    const links = session.events.map((event) => {
      const link = h('a', { class: 'name', href: eventPath(event, '/') }, event.name);
      return h('li', { class: 'row' }, link, tag(t(`phase.${event.phase}`), event.phase === 'OPEN' ? 'accent' : ''));
    });
    fill(this, heading(t('directory.title')), h('p', null, t('directory.choose')), list(links));
  }

  /** @param {string} event */
  #showDirectory(event) {
    let size = FIRST_PAGE;
    const box = searchBox({
      label: t('directory.search'),
      placeholder: t('directory.placeholder'),
      value: searchInAddress(),
      delay: SEARCH_DELAY,
      onSearch: (search) => {
        size = FIRST_PAGE;
        showSearchInAddress(search);
        results.reload();
      },
    });
    const tally = h('p', { class: 'quiet tally', role: 'status' });
    const showMore = () => {
      size = MOST_ENTRIES;
      results.reload();
    };
    const results = this.region(
      () => query(DIRECTORY, { event, search: box.text(), first: size }, this.signal),
      ({ directory }) => {
        fill(tally, directory && directory.totalCount > 0 && tn('directory.count', directory.totalCount));
        if (!directory || directory.nodes.length === 0) return this.#nothingFound(box.text());
        const isComplete = directory.totalCount <= directory.nodes.length;
        return [list(directory.nodes.map(entryRow)), !isComplete && this.#foot(size, showMore)];
      },
    );
    const hero = h('div', { class: 'hero' }, heading(t('directory.title')), box.node);
    fill(this, hero, tally, results.node, exportLinks(event));
    // On a touch screen the keyboard would cover what a link with a search leads to.
    if (matchMedia('(hover: hover)').matches || !box.text()) box.input.focus();
    const reload = () => results.reload();
    this.onLeave(subscribe(DIRECTORY_CHANGED, { event }, reload, reload));
  }

  /** @param {number} size @param {() => void} showMore */
  #foot(size, showMore) {
    if (size < MOST_ENTRIES) return h('div', { class: 'foot' }, button(t('more'), showMore));
    return h('p', { class: 'quiet foot' }, t('directory.narrow'));
  }

  /** @param {string} search */
  #nothingFound(search) {
    if (search) {
      const hint = !session.viewer && h('p', { class: 'quiet' }, t('directory.nothingGuest'));
      return emptyState(t('directory.nothing', { search }), hint);
    }
    const href = session.viewer ? this.path('/me/new') : '/signup';
    return emptyState(t('directory.empty'), h('a', { class: 'button primary', href }, t('me.get')));
  }
}

/** @param {string} event */
function exportLinks(event) {
  const links = EXPORT_FORMATS.map(([ending, name]) => {
    const file = `${event}.${ending}`;
    return h('li', null, h('a', { class: 'chip', href: `/directory/${file}`, download: file }, name));
  });
  return h(
    'details',
    { class: 'exports' },
    h('summary', null, t('directory.export')),
    h('p', { class: 'quiet' }, t('directory.exportText')),
    h('ul', { class: 'chips' }, links),
  );
}

/** @param {Entry} entry */
function entryRow({ number, label, highlighted, serviceType }) {
  const call = t('directory.call', { label, number });
  return h(
    'li',
    { class: highlighted ? 'row entry marked' : 'row entry' },
    h('a', { class: 'dial', href: `tel:${number}`, 'aria-label': call }, numberText(number)),
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, label, highlighted && tag(t('directory.marked'), 'accent')),
      h('div', { class: 'quiet' }, serviceType.name),
    ),
    copyButton(number),
  );
}
