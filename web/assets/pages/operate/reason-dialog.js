// A dialog that asks for a reason.

import { textField } from '../../forms/inputs.js';
import { t } from '../../lib/i18n.js';
import { openFormDialog } from '../../ui/dialog.js';

/**
 * @param {{ title: string, text: string, submit: string, done: () => void,
 *   send: (reason: string) => Promise<import('../../ui/dialog.js').AnyPayload> }} options
 */
export function openReasonDialog({ title, text, submit, send, done }) {
  const reason = textField('reason', t('field.reason'), { required: true, maxlength: 500 });
  openFormDialog(title, text, { fields: [reason], submit, isDanger: true, send: () => send(reason.read()), done });
}
