// Unsaved input: found before the page or a dialog is left.

import { button, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { leaveGuard } from '../leave-guard.js';

/** @type {WeakMap<Element, () => boolean>} forms and whether they have unsaved input */
const guardedForms = new WeakMap();

/** Guards a form against being left. @param {HTMLFormElement} element @param {() => boolean} hasInput */
export const guardForm = (element, hasInput) => guardedForms.set(element, hasInput);

/** Whether a form below `root` has unsaved input. @param {ParentNode} root */
export const hasUnsavedInput = (root) =>
  [...root.querySelectorAll('form')].some((element) => guardedForms.get(element)?.() ?? false);

/** Asks whether unsaved input may be discarded. @returns {Promise<boolean>} */
export function confirmDiscard() {
  return new Promise((resolve) => {
    let isDiscarded = false;
    const stay = button(t('unsaved.stay'), () => dialog.close(), { class: 'primary' });
    const leave = button(t('unsaved.leave'), () => {
      isDiscarded = true;
      dialog.close();
    });
    const dialog = h(
      'dialog',
      { class: 'dialog', 'aria-label': t('unsaved.title') },
      h('h2', null, t('unsaved.title')),
      h('p', null, t('unsaved.text')),
      h('div', { class: 'actions' }, stay, leave),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isDiscarded);
    });
    document.body.append(dialog);
    dialog.showModal();
    stay.focus();
  });
}

leaveGuard.hasUnsavedInputIn = hasUnsavedInput;
leaveGuard.confirm = confirmDiscard;

window.addEventListener('beforeunload', (event) => {
  if (hasUnsavedInput(document)) event.preventDefault();
});
