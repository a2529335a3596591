// The phonebook: one box, results from the first character.

import { button, fill, h, icon, t, tn } from '../elements.js';
import { bigNumber, copyButton, empty, heading, Page } from '../page.js';
import { ask, follow, session } from '../server.js';

const PAGE = 50;
const FORMATS = [
  ['vcf', 'vCard'],
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['yealink.xml', 'Yealink'],
  ['snom.xml', 'Snom'],
  ['cisco.xml', 'Cisco'],
  ['grandstream.xml', 'Grandstream'],
];

/** `/` */
export class Directory extends Page {
  show() {
    const event = session.event;
    if (!event) {
      fill(
        this,
        heading(t('directory.title')),
        empty(
          t(session.isAtLeast('ADMIN') ? 'directory.noEventAdmin' : 'directory.noEvent'),
          session.isAtLeast('ADMIN') && h('a', { class: 'button primary', href: '/admin/events' }, t('admin.newEvent')),
        ),
      );
      return;
    }
    const wished = new URLSearchParams(location.search).get('q') ?? '';
    const box = h('input', {
      type: 'search',
      class: 'searchbox',
      placeholder: t('directory.placeholder'),
      'aria-label': t('directory.search'),
      autocomplete: 'off',
      spellcheck: 'false',
      enterkeyhint: 'search',
      value: wished,
    });
    const tally = h('p', { class: 'quiet tally', role: 'status' });
    let search = wished;
    let size = PAGE;
    const results = this.place(
      () =>
        ask(
          `query($event:String!,$search:String,$first:Int){directory(event:$event,search:$search,first:$first)
      {totalCount nodes{number label highlighted serviceType{name}}}}`,
          { event: event.slug, search, first: Math.min(size, 100) },
          this.signal,
        ),
      ({ directory }) => {
        fill(tally, directory && directory.totalCount > 0 && tn('directory.count', directory.totalCount));
        if (!directory || directory.nodes.length === 0)
          return search
            ? empty(
                t('directory.nothing', { search }),
                session.viewer ? null : h('p', { class: 'quiet' }, t('directory.nothingGuest')),
              )
            : this.#none();
        return [
          h('ul', { class: 'list' }, directory.nodes.map(row)),
          directory.totalCount > directory.nodes.length &&
            (size < 100
              ? h(
                  'div',
                  { class: 'foot' },
                  button(t('more'), () => {
                    size = 100;
                    results.reload();
                  }),
                )
              : h('p', { class: 'quiet foot' }, t('directory.narrow'))),
        ];
      },
    );
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    box.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        search = box.value.trim();
        size = PAGE;
        history.replaceState(null, '', search ? `/?q=${encodeURIComponent(search)}` : '/');
        results.reload();
      }, 60);
    });
    fill(
      this,
      h('div', { class: 'hero' }, heading(t('directory.title')), h('div', { class: 'search' }, icon('search'), box)),
      tally,
      results.node,
      this.#exports(event.slug),
    );
    if (matchMedia('(hover: hover)').matches || !wished) box.focus();
    this.onLeave(
      follow(
        'subscription($event:String!){directoryChanged(event:$event){id}}',
        { event: event.slug },
        () => results.reload(),
        () => results.reload(),
      ),
    );
  }

  #none() {
    return empty(
      t('directory.empty'),
      h('a', { class: 'button primary', href: session.viewer ? '/me/new' : '/signup' }, t('me.get')),
    );
  }

  /** @param {string} slug */
  #exports(slug) {
    return h(
      'details',
      { class: 'exports' },
      h('summary', null, t('directory.export')),
      h('p', { class: 'quiet' }, t('directory.exportText')),
      h(
        'ul',
        { class: 'chips' },
        FORMATS.map(([ending, name]) =>
          h(
            'li',
            null,
            h('a', { class: 'chip', href: `/directory/${slug}.${ending}`, download: `${slug}.${ending}` }, name),
          ),
        ),
      ),
    );
  }
}
function row(entry) {
  return h(
    'li',
    { class: entry.highlighted ? 'row entry marked' : 'row entry' },
    h(
      'a',
      {
        class: 'dial',
        href: `tel:${entry.number}`,
        'aria-label': t('directory.call', { label: entry.label, number: entry.number }),
      },
      bigNumber(entry.number),
    ),
    h(
      'div',
      { class: 'grow' },
      h(
        'div',
        { class: 'name' },
        entry.label,
        entry.highlighted && h('span', { class: 'tag accent' }, t('directory.marked')),
      ),
      h('div', { class: 'quiet' }, entry.serviceType.name),
    ),
    copyButton(entry.number, entry.number),
  );
}
