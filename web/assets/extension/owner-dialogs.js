// Dialogs in which an owner changes the number of an extension or deletes it.

import { t } from '../lib/i18n.js';
import { openDeleteDialog, openRenumberDialog } from './dialogs.js';
import { numberField } from './number-field.js';

/** @typedef {import('../ui/page.js').Page} Page */
/** @typedef {import('../pages/my-number.js').Extension} Extension */

/** @param {Page} page @param {Extension} extension */
export function openOwnerRenumberDialog(page, extension) {
  const field = numberField({
    event: page.eventSlug,
    serviceType: extension.serviceType.slug,
    label: t('number.newNumber'),
    signal: page.signal,
  });
  openRenumberDialog(extension, {
    field,
    text: t('number.renumberText', { number: extension.number }),
    pathOf: (number) => page.path(`/me/${encodeURIComponent(number)}`),
  });
}

/** @param {Page} page @param {Extension} extension */
export const openOwnerDeleteDialog = (page, extension) =>
  openDeleteDialog(extension, { text: t('number.deleteText'), nextPath: page.path('/me'), isOwner: true });
