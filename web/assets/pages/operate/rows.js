// Rows of the operators' lists.

import { h } from '../../lib/dom.js';
import { formatDateTime, formatRelative, t } from '../../lib/i18n.js';
import { eventPath } from '../../session.js';
import { numberText } from '../../ui/layout.js';
import { extensionStatus } from '../../ui/number-status.js';
import { accountPath, numberPath } from './paths.js';

/** @typedef {import('../../ui/page.js').Page} Page */
/** @typedef {import('../../ui/number-status.js').ProvisioningStatus} ProvisioningStatus */
/** @typedef {import('../../ui/number-status.js').Restriction} Restriction */
/**
 * @typedef {{ number: string, label: string, owner: { username: string, displayName: string },
 *   event?: { slug: string, name: string }, serviceType: { name: string }, restrictions: Restriction[],
 *   provisioning: ProvisioningStatus[] }} ListedExtension
 *   `event`: its event, where the list is not of the page's event alone
 */
/** @typedef {{ number: string, until: string | null, account?: { username: string } | null }} KeptNumber */
/** @typedef {{ at: string, actor: string, action: string, summary: string }} AuditEvent */

/** @param {string} href @param {string} number */
const numberLink = (href, number) => h('a', { class: 'dial', href }, numberText(number));

/** A number with its owner and its state. @param {Page} page @param {ListedExtension} extension */
export function extensionRow(page, extension) {
  const { number, label, serviceType, owner, event } = extension;
  const isElsewhere = event && event.slug !== page.eventSlug;
  const path = `/operate/numbers/${encodeURIComponent(number)}`;
  const href = isElsewhere ? eventPath(event, path) : page.path(path);
  const person = `${owner.displayName} (${owner.username})`;
  const facts = [serviceType.name, isElsewhere && event.name, person].filter(Boolean).join(' · ');
  return h(
    'li',
    { class: 'row entry' },
    numberLink(href, number),
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, label),
      h('div', { class: 'quiet' }, facts),
      extensionStatus(extension),
    ),
  );
}

/** A number that is kept for an account. @param {Page} page @param {KeptNumber} kept */
export function keptNumberRow(page, { number, until, account }) {
  const href = account && accountPath(page, account.username);
  const end = until ? t('desk.until', { until: formatDateTime(until) }) : t('desk.noEnd');
  return h(
    'li',
    { class: 'row entry' },
    numberLink(numberPath(page, number), number),
    h(
      'div',
      { class: 'grow' },
      account && h('a', { class: 'name', href }, account.username),
      h('div', { class: 'quiet' }, end),
    ),
  );
}

/** @param {AuditEvent} event */
export function auditRow({ at, actor, action, summary }) {
  return h(
    'li',
    { class: 'row line' },
    h('time', { datetime: at, title: formatDateTime(at) }, formatRelative(at)),
    h('span', { class: 'grow' }, summary, ' ', h('code', null, action)),
    h('span', { class: 'quiet' }, actor),
  );
}
