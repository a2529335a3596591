// The application: header, navigation, footer, and the element that shows the pages.

import { failureMessage, showFailure } from './errors.js';
import { fill, h } from './lib/dom.js';
import { language, switchLanguage, t } from './lib/i18n.js';
import { icon } from './lib/icons.js';
import { currentLocation, go, preloadPage, startRouter } from './router.js';
import { eventPath, session } from './session.js';
import { RequestError, isAborted } from './transport/errors.js';
import { showOfflineBannerIn } from './transport/connectivity.js';
import { showToast, showToastsIn } from './ui/toast.js';

const navigation = h('nav', { class: 'navigation', 'aria-label': t('nav.main') });
const eventChoice = h('div', { class: 'event' });
const main = h('main', { id: 'main' });

/**
 * @param {string} path without the event
 * @param {string} text
 * @param {import('./lib/icons.js').IconName} iconName
 */
function navigationLink(path, text, iconName) {
  const { event, path: current } = currentLocation();
  const isCurrent = current === path || (path !== '/' && current.startsWith(`${path}/`));
  const href = path === '/account' || path === '/signin' ? path : eventPath(event ?? session.defaultEvent, path);
  return h('a', { href, 'aria-current': isCurrent ? 'page' : null }, icon(iconName), h('span', null, text));
}

function showNavigation() {
  fill(
    navigation,
    navigationLink('/', t('nav.directory'), 'book'),
    session.viewer && navigationLink('/me', t('nav.me'), 'phone'),
    session.isAtLeast('OPERATOR') && navigationLink('/operate', t('nav.operate'), 'desk'),
    session.isAtLeast('ADMIN') && navigationLink('/admin', t('nav.admin'), 'gear'),
    session.viewer
      ? navigationLink('/account', t('nav.account'), 'person')
      : navigationLink('/signin', t('nav.signin'), 'enter'),
  );
}

/** Shows the event of the page and, where there are several, the choice of another one. */
function showEventChoice() {
  const { event, pathInOtherEvent } = currentLocation();
  if (session.events.length < 2 || !event) return fill(eventChoice, event && h('span', null, event.name));
  const onchange = async (/** @type {Event} */ { target }) => {
    const select = /** @type {HTMLSelectElement} */ (target);
    const chosen = session.events[select.selectedIndex];
    select.value = event.slug;
    await go(eventPath(chosen, pathInOtherEvent));
  };
  const options = session.events.map((one) =>
    h('option', { value: one.slug, selected: one.slug === event.slug }, one.name),
  );
  fill(eventChoice, h('select', { 'aria-label': t('nav.event'), onchange }, options));
}

function showHeader() {
  showNavigation();
  showEventChoice();
}

function footer() {
  const languages = [
    ['en', 'English'],
    ['de', 'Deutsch'],
  ];
  const options = languages.map(([tag, name]) =>
    h('option', { value: tag, lang: tag, selected: tag === language }, name),
  );
  const onchange = (/** @type {Event} */ { target }) => switchLanguage(/** @type {HTMLSelectElement} */ (target).value);
  const select = h('select', { 'aria-label': t('footer.language'), onchange }, options);
  return h('footer', { class: 'footer' }, h('a', { href: '/graphiql' }, t('footer.playground')), select);
}

async function start() {
  try {
    await session.refresh();
    session.addEventListener('change', showHeader);
    document.addEventListener('page', showHeader);
    await startRouter(main);
  } catch (error) {
    showFailure(main, error, () => {
      fill(main);
      start();
    });
  }
}

// A failure that no form or page handles is shown nevertheless.
window.addEventListener('unhandledrejection', (event) => {
  if (!isAborted(event.reason)) showToast(failureMessage(event.reason));
  // A failed request is no error of the program: the console need not report it.
  if (event.reason instanceof RequestError) event.preventDefault();
});
window.addEventListener('error', (event) => {
  if (event.error) showToast(failureMessage(event.error));
});

const wordmark = h(
  'a',
  { class: 'wordmark', href: '/' },
  h('img', { src: '/assets/icon.svg', alt: '', width: 28, height: 28 }),
  'Switchboard',
);
document.body.append(
  h('a', { class: 'skip', href: '#main' }, t('nav.skip')),
  h('header', { class: 'header' }, wordmark, eventChoice, navigation),
  main,
  footer(),
);
showToastsIn(document.body);
showOfflineBannerIn(document.body);
preloadPage();
await start();
