// What every page is: an element that loads what it shows, and lets go of it when it is left.

import { fill, h } from './dom.js';
import { t } from './i18n.js';

/** The base of all pages. */
export class Page extends HTMLElement {
  /** @type {Record<string, string>} the parts of the path */
  params = {};
  #left = new AbortController();

  /** Ends when the page is left. */
  get signal() {
    return this.#left.signal;
  }

  /** @param {() => void} release called when the page is left */
  onLeave(release) {
    this.signal.addEventListener('abort', release);
  }

  connectedCallback() {
    this.#left = new AbortController();
    this.show();
  }

  disconnectedCallback() {
    this.#left.abort(new DOMException('the page was left', 'AbortError'));
  }

  /** Shows the page; each has its own. */
  show() {}

  /** A place that loads with the page, and again when its `reload` is called. @template T @param {() => Promise<T>} load @param {(data: T, place: HTMLElement) => import('./dom.js').Child | void} render */
  place(load, render) {
    return new Place(load, render, this.signal);
  }
}

/** A part of a page that shows something from the server. A skeleton stands there while it takes longer than 200 ms.
 * @template T */
export class Place {
  /** @param {() => Promise<T>} load @param {(data: T, place: HTMLElement) => import('./dom.js').Child | void} render @param {AbortSignal} signal */
  constructor(load, render, signal) {
    this.load = load;
    this.render = render;
    this.signal = signal;
    this.node = h('div', { class: 'place' });
    this.turn = 0;
    /** @type {Promise<void>} */
    this.ready = this.reload();
  }

  /** Reads anew. What is shown stays until the answer is there. */
  async reload() {
    this.turn += 1;
    const mine = this.turn;
    const isFirst = this.node.childElementCount === 0;
    const timer = setTimeout(() => {
      if (isFirst) fill(this.node, skeleton());
      else this.node.setAttribute('aria-busy', 'true');
    }, 200);
    try {
      const data = await this.load();
      if (mine !== this.turn || this.signal.aborted) return;
      const shown = this.render(data, this.node);
      if (shown !== undefined) fill(this.node, shown);
    } catch (error) {
      if (this.signal.aborted || mine !== this.turn) return;
      fill(this.node, refusal(error, () => { this.node.replaceChildren(); this.reload(); }));
    } finally {
      clearTimeout(timer);
      this.node.removeAttribute('aria-busy');
    }
  }
}

const skeleton = () => h('div', { class: 'skeleton', 'aria-hidden': 'true' }, h('span', null), h('span', null), h('span', null));

/** @param {any} error @param {() => void} again */
function refusal(error, again) {
  if (error.code === 'UNAUTHENTICATED') {
    return h('div', { class: 'empty' }, h('p', null, t('refused.UNAUTHENTICATED')),
      h('a', { class: 'button primary', href: `/signin?next=${encodeURIComponent(location.pathname + location.search)}` }, t('nav.signin')));
  }
  const isKnown = error.code === 'FORBIDDEN' || error.code === 'RATE_LIMITED';
  return h('div', { class: 'empty', role: 'alert' },
    h('p', null, isKnown ? t(`refused.${error.code}`, { message: error.message }) : t('refused.other', { message: error.message })),
    error.requestId && h('p', { class: 'quiet' }, t('refused.id', { id: error.requestId })),
    h('button', { type: 'button', onclick: again }, t('refused.again')));
}

/** The head of a page. @param {string} title @param {...import('./dom.js').Child} more */
export function heading(title, ...more) {
  document.title = `${title} · Switchboard`;
  return h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, title), more);
}

/** A part of a page under its own heading. @param {string} title @param {...import('./dom.js').Child} body */
export function section(title, ...body) {
  return h('section', { class: 'section' }, h('h2', null, title), body);
}

/** What to do next where there is nothing yet. @param {string} text @param {...import('./dom.js').Child} more */
export const empty = (text, ...more) => h('div', { class: 'empty' }, h('p', null, text), more);

/** Says something that has just happened, to eyes and to screen readers. @param {string} text */
export function say(text) {
  const place = document.querySelector('.toasts');
  if (!place) return;
  const toast = h('p', null, text);
  place.replaceChildren(toast);
  setTimeout(() => toast.remove(), 6000);
}

/** Asks before something that cannot be taken back. @param {{ title: string, body: import('./dom.js').Child, content: (close: () => void) => Node }} what */
export function dialog({ title, body, content }) {
  const box = h('dialog', { class: 'dialog', 'aria-label': title }, h('h2', null, title), body);
  box.append(content(() => box.close()));
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** A list whose next page is asked for with a button.
 * @param {(after: string | null) => Promise<{ nodes: any[], pageInfo: { hasNextPage: boolean, endCursor: string | null } }>} load
 * @param {(node: any) => HTMLElement} row @param {AbortSignal} signal @param {() => import('./dom.js').Child} none */
export function pagedList(load, row, signal, none) {
  const list = h('ul', { class: 'list' });
  const foot = h('div', { class: 'foot' });
  /** @param {string | null} after @returns {Promise<import('./dom.js').Child | void>} */
  async function more(after) {
    const found = await load(after);
    for (const node of found.nodes) list.append(row(node));
    fill(foot, found.pageInfo.hasNextPage && h('button', { type: 'button', onclick: () => { place.load = () => more(found.pageInfo.endCursor); place.reload(); } }, t('more')));
  }
  const place = new Place(() => more(null), () => (list.childElementCount === 0 ? [none()] : [list, foot]), signal);
  return place.node;
}
