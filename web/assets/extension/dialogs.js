// Dialogs that change the number of an extension or delete it, for its owner and for operators.

import { formatDateTime, t } from '../lib/i18n.js';
import { go } from '../router.js';
import { mutate } from '../transport/http.js';
import { openFormDialog } from '../ui/dialog.js';
import { showToast } from '../ui/toast.js';

/** @typedef {{ id: string, number: string, version: number }} NumberedExtension */
/** @typedef {import('../forms/field.js').Field<string>} TextField */

/**
 * Asks for another number and moves to the page of it.
 * @param {NumberedExtension} extension
 * @param {{ field: TextField, text: string, pathOf: (number: string) => string }} options
 */
export function openRenumberDialog({ id, version }, { field, text, pathOf }) {
  openFormDialog(t('number.renumber'), text, {
    fields: [field],
    submit: t('number.renumber'),
    send: () => {
      const input = { id, number: field.read(), expectedVersion: version };
      return mutate('renumberExtension', input, 'extension { number }');
    },
    done: ({ extension }) => {
      if (!extension) return;
      showToast(t('number.renumbered', { number: extension.number }));
      return go(pathOf(extension.number));
    },
  });
}

/**
 * Asks before an extension is deleted, and moves to another page.
 * @param {NumberedExtension} extension
 * @param {{ text: string, nextPath: string, isOwner: boolean }} options
 */
export function openDeleteDialog({ id, number }, { text, nextPath, isOwner }) {
  openFormDialog(t('number.deleteTitle', { number }), text, {
    submit: t('number.delete'),
    isDanger: true,
    send: () => mutate('deleteExtension', { id }, 'deletedId heldUntil'),
    done: ({ heldUntil }) => {
      const isHeldForReader = isOwner && heldUntil;
      const until = isHeldForReader ? formatDateTime(heldUntil) : '';
      showToast(isHeldForReader ? t('number.deletedHeld', { number, until }) : t('number.deleted', { number }));
      return go(nextPath);
    },
  });
}
