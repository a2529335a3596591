// A button that copies a text to the clipboard.

import { button, fill, h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { t } from '../lib/i18n.js';
import { showToast } from './toast.js';

/** Milliseconds for which the button shows that it has copied. */
const CONFIRMED_FOR = 2000;

/** @param {string} text @param {string} [name] of the text, for screen readers */
export function copyButton(text, name = text) {
  const copyText = async () => {
    await writeClipboard(text);
    fill(copy, icon('check'));
    showToast(t('copy.done'));
    setTimeout(() => fill(copy, icon('copy')), CONFIRMED_FOR);
  };
  const copy = button(icon('copy'), copyText, { class: 'bare', 'aria-label': t('copy.what', { what: name }) });
  return copy;
}

/** @param {string} text */
async function writeClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // `navigator.clipboard` exists in secure contexts only; over plain HTTP a browser copies the selection.
    const area = h('textarea', { class: 'away', readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

/** A text that can be copied. @param {string} text @param {string} name */
export const copyableText = (text, name) =>
  h('div', { class: 'joined' }, h('code', { class: 'secret' }, text), copyButton(text, name));
