// Dialogs in which an operator renumbers, transfers, swaps or deletes an extension.

import { openDeleteDialog, openRenumberDialog } from '../../extension/dialogs.js';
import { textField } from '../../forms/inputs.js';
import { t } from '../../lib/i18n.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { openFormDialog } from '../../ui/dialog.js';
import { showToast } from '../../ui/toast.js';
import { numberPath } from './paths.js';

/** @typedef {import('./number.js').Extension} Extension */
/** @typedef {import('../../ui/page.js').Page} Page */

const EXTENSION_ID = graphql(`query ExtensionId($event: String!, $number: PhoneNumber!) {
  extension(event: $event, number: $number) { id }
}`);

/** @param {Page} page @param {Extension} extension */
export function openOperatorRenumberDialog(page, extension) {
  const field = textField('number', t('number.newNumber'), { inputmode: 'tel', required: true, autocomplete: 'off' });
  const text = t('desk.renumberText', { number: extension.number });
  openRenumberDialog(extension, { field, text, pathOf: (number) => numberPath(page, number) });
}

/** @param {Page} page @param {Extension} extension */
export const openOperatorDeleteDialog = (page, extension) =>
  openDeleteDialog(extension, { text: t('desk.deleteText'), nextPath: page.path('/operate'), isOwner: false });

/** @param {Extension} extension @param {() => void} reload */
export function openTransferDialog({ id, number, version }, reload) {
  const owner = textField('owner', t('field.owner'), { required: true, autocomplete: 'off' });
  openFormDialog(t('desk.transfer'), t('desk.transferText'), {
    fields: [owner],
    submit: t('desk.transfer'),
    send: () => {
      const input = { id, owner: owner.read(), expectedVersion: version };
      return mutate('transferExtension', input, 'extension { id }');
    },
    done: () => {
      showToast(t('desk.transferred', { number }));
      reload();
    },
  });
}

/** @param {Extension} extension @param {() => void} reload */
export function openSwapDialog({ id, number, event }, reload) {
  const other = textField('second', t('desk.otherNumber'), { inputmode: 'tel', required: true, autocomplete: 'off' });
  const swap = async () => {
    const { extension } = await query(EXTENSION_ID, { event: event.slug, number: other.read() });
    if (extension) return mutate('swapNumbers', { first: id, second: extension.id }, 'first { id }');
    const message = t('desk.notInService', { number: other.read() });
    return { errors: [{ code: 'LOCAL', message, path: ['second'] }] };
  };
  openFormDialog(t('desk.swap'), t('desk.swapText', { number }), {
    fields: [other],
    submit: t('desk.swap'),
    send: swap,
    done: () => {
      showToast(t('desk.swapped'));
      reload();
    },
  });
}
