// What every page is: an element that loads what it shows, and lets go of it when it is left.

import { button, count, errorText, fill, form, h, icon, since, t } from './elements.js';
import { change } from './server.js';

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

  /** A place that loads with the page, and again when its `reload` is called. @template T @param {() => Promise<T>} load @param {(data: T, place: HTMLElement) => import('./elements.js').Child | void} render */
  place(load, render) {
    return new Place(load, render, this.signal);
  }
}

/** A part of a page that shows something from the server. A skeleton stands there while it takes longer than 200 ms.
 * @template T */
export class Place {
  /** @param {() => Promise<T>} load @param {(data: T, place: HTMLElement) => import('./elements.js').Child | void} render @param {AbortSignal} signal */
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
      fill(
        this.node,
        refusal(error, () => {
          this.node.replaceChildren();
          this.reload();
        }),
      );
    } finally {
      clearTimeout(timer);
      this.node.removeAttribute('aria-busy');
    }
  }
}

const skeleton = () =>
  h('div', { class: 'skeleton', 'aria-hidden': 'true' }, h('span', null), h('span', null), h('span', null));

/** @param {() => void} again */
function refusal(error, again) {
  if (error.code === 'UNAUTHENTICATED') {
    return h(
      'div',
      { class: 'empty' },
      h('p', null, t('refused.UNAUTHENTICATED')),
      h(
        'a',
        { class: 'button primary', href: `/signin?next=${encodeURIComponent(location.pathname + location.search)}` },
        t('nav.signin'),
      ),
    );
  }
  const isKnown = error.code === 'FORBIDDEN' || error.code === 'RATE_LIMITED';
  return h(
    'div',
    { class: 'empty', role: 'alert' },
    h(
      'p',
      null,
      isKnown ? t(`refused.${error.code}`, { message: error.message }) : t('refused.other', { message: error.message }),
    ),
    error.requestId && h('p', { class: 'quiet' }, t('refused.id', { id: error.requestId })),
    button(t('refused.again'), again),
  );
}

/** The head of a page. @param {string} title @param {...import('./elements.js').Child} more */
export function heading(title, ...more) {
  document.title = `${title} · Switchboard`;
  return h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, title), more);
}

/** A part of a page under its own heading. @param {string} title @param {...import('./elements.js').Child} body */
export function section(title, ...body) {
  return h('section', { class: 'section' }, h('h2', null, title), body);
}

/** What to do next where there is nothing yet. @param {string} text @param {...import('./elements.js').Child} more */
export const empty = (text, ...more) => h('div', { class: 'empty' }, h('p', null, text), more);

/** Says something that has just happened, to eyes and to screen readers. @param {string} text */
export function say(text) {
  const place = document.querySelector('.toasts');
  if (!place) return;
  const toast = h('p', null, text);
  place.replaceChildren(toast);
  setTimeout(() => toast.remove(), 6000);
}

/** Changes something at once, without a form, and says what went wrong.
 * @param {string} name @param {any} input @param {string} selection @param {(payload: any) => void} done @param {string} [told] said when it is done */
export async function act(name, input, selection, done, told) {
  const payload = await change(name, input, selection).catch((error) => ({ errors: [error] }));
  const [error] = payload.errors;
  const text = error ? errorText(error) : told;
  if (text) say(text);
  if (!error) done(payload);
  return !error;
}

/** Asks before something that cannot be taken back. @param {{ title: string, body: import('./elements.js').Child, content: (close: () => void) => Node }} what */
export function dialog({ title, body, content }) {
  const box = h('dialog', { class: 'dialog', 'aria-label': title }, h('h2', null, title), body);
  box.append(content(() => box.close()));
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** A form over the page, which closes when it is done.
 * @param {string} title @param {import('./elements.js').Child} text @param {Omit<Parameters<typeof form>[0], 'fields' | 'cancel'> & { fields?: import('./elements.js').Field[] }} options */
export function formDialog(title, text, { fields = [], done, ...options }) {
  dialog({
    title,
    body: typeof text === 'string' ? h('p', null, text) : text,
    content: (close) =>
      form({
        fields,
        cancel: close,
        ...options,
        done: (payload) => {
          close();
          done?.(payload);
        },
      }),
  });
  fields[0]?.focus();
}

/** A list whose next page is asked for with a button.
 * @param {(after: string | null) => Promise<{ nodes: any[], pageInfo: { hasNextPage: boolean, endCursor: string | null } }>} load
 * @param {(node: any) => HTMLElement} row @param {AbortSignal} signal @param {() => import('./elements.js').Child} none */
export function pagedList(load, row, signal, none) {
  const list = h('ul', { class: 'list' });
  const foot = h('div', { class: 'foot' });
  /** @param {string | null} after @returns {Promise<import('./elements.js').Child | void>} */
  async function more(after) {
    const found = await load(after);
    for (const node of found.nodes) list.append(row(node));
    fill(
      foot,
      found.pageInfo.hasNextPage &&
        button(t('more'), () => {
          place.load = () => more(found.pageInfo.endCursor);
          place.reload();
        }),
    );
  }
  const place = new Place(
    () => more(null),
    () => (list.childElementCount === 0 ? [none()] : [list, foot]),
    signal,
  );
  return place.node;
}

// Small elements that several pages show.

/** A button that copies a text. */
export class CopyButton extends HTMLElement {
  connectedCallback() {
    const text = this.getAttribute('text') ?? '';
    const copies = button(
      icon('copy'),
      async () => {
        await copy(text);
        fill(copies, icon('check'));
        say(t('copy.done'));
        setTimeout(() => fill(copies, icon('copy')), 2000);
      },
      { class: 'bare', 'aria-label': t('copy.what', { what: this.getAttribute('what') ?? text }) },
    );
    fill(this, copies);
  }
}
customElements.define('copy-button', CopyButton);

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain HTTP a browser gives no clipboard to scripts, but copies what is selected.
    const area = h('textarea', { class: 'away', readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

/** @param {string} text @param {string} [what] how a screen reader names it */
export function copyButton(text, what) {
  const element = document.createElement('copy-button');
  element.setAttribute('text', text);
  if (what) element.setAttribute('what', what);
  return element;
}

/** A number large enough to be read from a step away. @param {string} number */
export const bigNumber = (number) => h('span', { class: 'number' }, number);

/** What each telephone system has made of an extension, and what restricts it. */
export function stateOf(extension) {
  const barred = extension.restrictions.map((one) =>
    h('li', { class: 'state bad' }, h('strong', null, t(`restriction.${one.source}`)), ' ', one.reason),
  );
  const systems = extension.provisioning.map((one) => systemState(one));
  const nothing = barred.length === 0 && systems.length === 0 && h('li', { class: 'state' }, t('state.unread'));
  return h('ul', { class: 'states' }, barred, systems, nothing);
}
function systemState(one) {
  if (one.state === 'APPLIED')
    return h(
      'li',
      { class: 'state good' },
      t('state.applied', { consumer: one.consumer }),
      one.at && h('small', null, ' ', since(one.at)),
    );
  if (one.state === 'FAILED')
    return h(
      'li',
      { class: 'state bad' },
      t('state.failed', { consumer: one.consumer }),
      one.message && h('small', null, ' ', one.message),
    );
  return h('li', { class: 'state waiting' }, t('state.pending', { consumer: one.consumer }));
}

/** How full a range is. @param {{ size: number, available: number }} range */
export function fullness(range) {
  const taken = range.size - range.available;
  const meter = h('meter', { min: 0, max: range.size, value: taken, 'aria-label': t('range.fullness') });
  return h(
    'div',
    { class: 'fullness' },
    meter,
    h(
      'span',
      { class: 'quiet' },
      t('range.taken', { taken: count(taken), size: count(range.size), free: count(range.available) }),
    ),
  );
}

/** Offers a text as a file. @param {string} name @param {string} type @param {string} text */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// A small part of Markdown, as elements: paragraphs, headings, lists, tables, code, bold, emphasis, links.

/** @param {string} source */
export function markdown(source) {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const root = h('div', { class: 'prose' });
  let at = 0;
  const take = (pattern) => {
    const taken = [];
    while (at < lines.length && pattern.test(lines[at])) taken.push(lines[at++]);
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at];
    if (/^\s*$/.test(line)) at += 1;
    else if (/^```/.test(line)) root.append(codeBlock());
    else if (/^#{1,6}\s/.test(line)) {
      root.append(h('h3', null, inline(line.replace(/^#+\s+/, '').replace(/\s+#+$/, ''))));
      at += 1;
    } else if (/^\s*\|.*\|\s*$/.test(line)) root.append(table(take(/^\s*\|.*\|\s*$/)));
    else if (/^\s*[-*+]\s+/.test(line))
      root.append(h('ul', null, items(take(/^(\s*[-*+]\s+|\s{2,}\S)/), /^\s*[-*+]\s+/)));
    else if (/^\s*\d+[.)]\s+/.test(line))
      root.append(h('ol', null, items(take(/^(\s*\d+[.)]\s+|\s{2,}\S)/), /^\s*\d+[.)]\s+/)));
    else
      root.append(
        h(
          'p',
          null,
          inline(take(/^(?!\s*$|```|#{1,6}\s|\s*\|.*\|\s*$|\s*[-*+]\s+|\s*\d+[.)]\s+).*/).join(' ') || lines[at++]),
        ),
      );
  }
  return root;

  function codeBlock() {
    at += 1;
    const body = take(/^(?!```)/);
    at += 1;
    return h('pre', { tabindex: 0 }, h('code', null, body.join('\n')));
  }
}

/** @param {string[]} lines @param {RegExp} mark */
function items(lines, mark) {
  /** @type {string[]} */
  const found = [];
  for (const line of lines) {
    if (mark.test(line)) found.push(line.replace(mark, ''));
    else found[found.length - 1] += ` ${line.trim()}`;
  }
  return found.map((text) => h('li', null, inline(text)));
}

/** @param {string[]} lines */
function table(lines) {
  const rows = lines.map((line) =>
    line
      .trim()
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  const hasHead = rows[1]?.every((cell) => /^:?-+:?$/.test(cell));
  const body = hasHead ? rows.slice(2) : rows;
  return h(
    'table',
    null,
    hasHead &&
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          rows[0].map((cell) => h('th', { scope: 'col' }, inline(cell))),
        ),
      ),
    h(
      'tbody',
      null,
      body.map((row) =>
        h(
          'tr',
          null,
          row.map((cell) => h('td', null, inline(cell))),
        ),
      ),
    ),
  );
}

const SPAN = /(`+)(.+?)\1|\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\(((?:https?:|mailto:|tel:|\/)[^)\s]*)\)/;

/** @param {string} text @returns {import('./elements.js').Child[]} */
function inline(text) {
  const found = SPAN.exec(text);
  if (!found) return [text.replace(/\\([\\`*_[\]|#.-])/g, '$1')];
  const [whole, , code, bold, emphasis, label, href] = found;
  const span =
    code !== undefined
      ? h('code', null, code)
      : bold !== undefined
        ? h('strong', null, inline(bold))
        : emphasis !== undefined
          ? h('em', null, inline(emphasis))
          : h('a', { href, rel: 'noreferrer' }, inline(label));
  return [...inline(text.slice(0, found.index)), span, ...inline(text.slice(found.index + whole.length))];
}
