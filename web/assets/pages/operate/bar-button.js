// Bars a number with a reason, or lifts the bar.

import { button } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { mutate } from '../../transport/http.js';
import { runMutation } from '../../ui/mutation.js';
import { showToast } from '../../ui/toast.js';

/**
 * @param {string} event
 * @param {{ number: string, restrictions: { source: string }[] }} number
 * @param {() => void} reload
 */
export function barButton(event, { number, restrictions }, reload) {
  if (restrictions.some(({ source }) => source === 'BAR')) {
    const unbar = () =>
      runMutation('unbarNumber', { event, number }, 'number { number }', reload, t('desk.unbarred', { number }));
    return button(t('desk.unbar'), unbar);
  }
  const openDialog = async () => {
    const { openReasonDialog } = await import('./reason-dialog.js');
    openReasonDialog({
      title: t('desk.barTitle', { number }),
      text: t('desk.barText'),
      submit: t('desk.bar'),
      send: (reason) => mutate('barNumber', { event, number, reason }, 'number { number }'),
      done: () => {
        showToast(t('desk.barred', { number }));
        reload();
      },
    });
  };
  return button(t('desk.bar'), openDialog, { class: 'danger' });
}
