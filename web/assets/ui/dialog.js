// Dialogs above the page.

import { form } from '../forms/form.js';
import { confirmDiscard, hasUnsavedInput } from '../forms/unsaved.js';
import { append, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { showToast } from './toast.js';

/** @typedef {import('../lib/dom.js').Child} Child */
/** @typedef {import('../forms/field.js').AnyField} AnyField */
/** @typedef {{ errors: import('../transport/errors.js').UserError[] }} AnyPayload */
/**
 * @template {AnyPayload} Payload
 * @typedef {import('../forms/form.js').FormOptions<Payload>} FormOptions
 */

/**
 * Opens a dialog. Closing it with Escape asks first where a form in it has unsaved input.
 * @param {{ title: string, body?: Child, isWide?: boolean, content: (close: () => void) => Node }} options
 */
export function openDialog({ title, body, isWide, content }) {
  const dialog = h('dialog', { class: isWide ? 'dialog broad' : 'dialog', 'aria-label': title });
  const close = () => dialog.close();
  dialog.append(h('h2', null, title));
  append(dialog, body);
  dialog.append(content(close));
  dialog.addEventListener('cancel', async (event) => {
    // A file control's `cancel` bubbles.
    if (event.target !== dialog || !hasUnsavedInput(dialog)) return;
    event.preventDefault();
    if (await confirmDiscard()) close();
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Opens a form in a dialog, which closes when the form is done.
 * @template {AnyPayload} Payload
 * @param {string} title
 * @param {Child} text
 * @param {Omit<FormOptions<Payload>, 'fields' | 'cancel'> & { fields?: AnyField[] }} options
 */
export function openFormDialog(title, text, { fields = [], done, ...options }) {
  openDialog({
    title,
    body: typeof text === 'string' ? h('p', null, text) : text,
    content: (close) =>
      form({
        ...options,
        fields,
        cancel: close,
        done: (payload) => {
          close();
          return done?.(payload);
        },
      }),
  });
  fields[0]?.focus();
}

/**
 * Opens a dialog with a form that saves something existing or new, and a second one that deletes what exists.
 * @template {AnyPayload} Payload
 * @param {{ title: string, isWide?: boolean, form: Omit<FormOptions<Payload>, 'cancel' | 'done'>,
 *   done: (payload: Payload, close: () => void) => void, after?: Child,
 *   remove?: { submit: string, send: () => Promise<AnyPayload>, done: () => void } }} options
 */
export function openEditDialog({ title, isWide, form: options, done, after, remove }) {
  openDialog({
    title,
    isWide,
    content: (close) =>
      h(
        'div',
        { class: 'stack' },
        form({ ...options, cancel: close, done: (payload) => done(payload, close) }),
        after,
        remove &&
          form({
            fields: [],
            submit: remove.submit,
            isDanger: true,
            send: remove.send,
            done: () => {
              close();
              remove.done();
            },
          }),
      ),
  });
}

/** Closes a dialog, confirms the save, and reloads what the page shows. @param {() => void} reload */
export function closeAndReload(reload) {
  return (/** @type {unknown} */ _payload, /** @type {() => void} */ close) => {
    close();
    showToast(t('saved'));
    reload();
  };
}
