// The shell: header, navigation, the place where pages are shown.

import { fill, h, icon, language, switchLanguage, t } from './elements.js';
import { go, start, warm } from './router.js';
import { session, showBannerIn } from './server.js';

const navigation = h('nav', { class: 'navigation', 'aria-label': t('nav.main') });
const eventPlace = h('div', { class: 'event' });
const main = h('main', { id: 'main' });

/** @param {string} path @param {string} text @param {Parameters<typeof icon>[0]} drawing */
function link(path, text, drawing) {
  const isHere =
    path === '/' ? location.pathname === '/' : location.pathname === path || location.pathname.startsWith(`${path}/`);
  return h('a', { href: path, 'aria-current': isHere ? 'page' : null }, icon(drawing), h('span', null, text));
}

function showNavigation() {
  fill(
    navigation,
    link('/', t('nav.directory'), 'book'),
    session.viewer && link('/me', t('nav.mine'), 'phone'),
    session.isAtLeast('OPERATOR') && link('/operate', t('nav.operate'), 'desk'),
    session.isAtLeast('ADMIN') && link('/admin', t('nav.admin'), 'gear'),
    session.viewer ? link('/account', t('nav.account'), 'person') : link('/signin', t('nav.signin'), 'enter'),
  );
}

function showEvents() {
  const current = session.event;
  if (session.events.length < 2 || !current) return fill(eventPlace, current && h('span', null, current.name));
  const select = h(
    'select',
    {
      'aria-label': t('nav.event'),
      onchange: () => {
        session.choose(session.events[select.selectedIndex].slug);
        go(location.pathname);
      },
    },
    session.events.map((event) => h('option', { value: event.slug, selected: event === current }, event.name)),
  );
  fill(eventPlace, select);
}

function footer() {
  const select = h(
    'select',
    { 'aria-label': t('footer.language'), onchange: () => switchLanguage(select.value) },
    [
      ['en', 'English'],
      ['de', 'Deutsch'],
    ].map(([tag, name]) => h('option', { value: tag, lang: tag, selected: tag === language }, name)),
  );
  return h('footer', { class: 'footer' }, h('a', { href: '/graphiql' }, t('footer.playground')), select);
}

async function boot() {
  document.body.append(
    h('a', { class: 'skip', href: '#main' }, t('nav.skip')),
    h(
      'header',
      { class: 'header' },
      h(
        'a',
        { class: 'wordmark', href: '/' },
        h('img', { src: '/assets/icon.svg', alt: '', width: 28, height: 28 }),
        'Switchboard',
      ),
      eventPlace,
      navigation,
    ),
    main,
    footer(),
    h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' }),
  );
  showBannerIn(document.body);
  warm();
  await session.refresh();
  session.addEventListener('change', () => {
    showNavigation();
    showEvents();
  });
  document.addEventListener('page', showNavigation);
  showNavigation();
  showEvents();
  await start(main);
}

await boot();
