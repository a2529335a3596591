// The state of a number: restrictions, and what each telephone system has done with it.

import { h } from '../lib/dom.js';
import { formatCount, formatRelative, t } from '../lib/i18n.js';

/** @typedef {import('../../types/api.js').RestrictionSource} RestrictionSource */
/** @typedef {{ source: RestrictionSource, reason: string }} Restriction */
/**
 * @typedef {{ consumer: string, state: import('../../types/api.js').ProvisioningState, at: string | null,
 *   message: string | null }} ProvisioningStatus
 */

/** @param {Restriction} restriction */
const restrictionItem = ({ source, reason }) =>
  h('li', { class: 'state bad' }, h('strong', null, t(`restriction.${source}`)), ' ', reason);

/** @param {ProvisioningStatus} status */
function provisioningItem({ consumer, state, at, message }) {
  if (state === 'APPLIED') {
    const time = at && h('small', null, ' ', formatRelative(at));
    return h('li', { class: 'state good' }, t('state.applied', { consumer }), time);
  }
  if (state === 'FAILED') {
    const reason = message && h('small', null, ' ', message);
    return h('li', { class: 'state bad' }, t('state.failed', { consumer }), reason);
  }
  return h('li', { class: 'state waiting' }, t('state.pending', { consumer }));
}

/** @param {{ restrictions: Restriction[] }} number */
export const restrictionList = ({ restrictions }) => h('ul', { class: 'states' }, restrictions.map(restrictionItem));

/** @param {{ restrictions: Restriction[], provisioning: ProvisioningStatus[] }} extension */
export function extensionStatus({ restrictions, provisioning }) {
  const items = [...restrictions.map(restrictionItem), ...provisioning.map(provisioningItem)];
  const none = items.length === 0 && h('li', { class: 'state' }, t('state.unread'));
  return h('ul', { class: 'states' }, items, none);
}

/** Renders a meter of the taken numbers of a range. @param {{ size: number, available: number }} range */
export function fullness({ size, available }) {
  const taken = size - available;
  const meter = h('meter', { min: 0, max: size, value: taken, 'aria-label': t('range.fullness') });
  const counts = { taken: formatCount(taken), size: formatCount(size), free: formatCount(available) };
  return h('div', { class: 'fullness' }, meter, h('span', { class: 'quiet' }, t('range.taken', counts)));
}
