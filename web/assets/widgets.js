// Small elements that several pages show.

import { fill, h, icon } from './dom.js';
import { count, since, t } from './i18n.js';
import { say } from './page.js';

/** A button that copies a text. */
export class CopyButton extends HTMLElement {
  connectedCallback() {
    const text = this.getAttribute('text') ?? '';
    const button = h('button', { type: 'button', class: 'bare', 'aria-label': t('copy.what', { what: this.getAttribute('what') ?? text }), onclick: async () => {
      await copy(text);
      fill(button, icon('check'));
      say(t('copy.done'));
      setTimeout(() => fill(button, icon('copy')), 2000);
    } }, icon('copy'));
    fill(this, button);
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

/** What each telephone system has made of an extension, and what restricts it. @param {any} extension */
export function stateOf(extension) {
  const barred = extension.restrictions.map((/** @type {any} */ one) => h('li', { class: 'state bad' }, h('strong', null, t(`restriction.${one.source}`)), ' ', one.reason));
  const systems = extension.provisioning.map((/** @type {any} */ one) => systemState(one));
  const nothing = barred.length === 0 && systems.length === 0 && h('li', { class: 'state' }, t('state.unread'));
  return h('ul', { class: 'states' }, barred, systems, nothing);
}

/** @param {any} one */
function systemState(one) {
  if (one.state === 'APPLIED') return h('li', { class: 'state good' }, t('state.applied', { consumer: one.consumer }), one.at && h('small', null, ' ', since(one.at)));
  if (one.state === 'FAILED') return h('li', { class: 'state bad' }, t('state.failed', { consumer: one.consumer }), one.message && h('small', null, ' ', one.message));
  return h('li', { class: 'state waiting' }, t('state.pending', { consumer: one.consumer }));
}

/** How full a range is. @param {{ size: number, available: number }} range */
export function fullness(range) {
  const taken = range.size - range.available;
  const meter = h('meter', { min: 0, max: range.size, value: taken, 'aria-label': t('range.fullness') });
  return h('div', { class: 'fullness' }, meter, h('span', { class: 'quiet' }, t('range.taken', { taken: count(taken), size: count(range.size), free: count(range.available) })));
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
