// Provisioning of devices: a QR code for softphones, an address for desk phones.

import { form } from '../forms/form.js';
import { selectField, textField } from '../forms/inputs.js';
import { button, fill, h } from '../lib/dom.js';
import { formatDateTime, formatRelative, t } from '../lib/i18n.js';
import { graphql, mutate, query } from '../transport/http.js';
import { copyableText } from '../ui/copy-button.js';
import { list, quiet } from '../ui/layout.js';
import { runMutation } from '../ui/mutation.js';
import { Region } from '../ui/region.js';

/** @typedef {import('./credentials.js').ExtensionWithSecrets} ExtensionWithSecrets */
/** @typedef {NonNullable<import('../../types/graphql.js').Data<'DeviceLinks'>['extension']>} ExtensionWithLinks */
/** @typedef {import('../../types/graphql.js').Item<NonNullable<ExtensionWithLinks['deviceLinks']>>} DeviceLink */

const DEVICE_TEMPLATES = graphql(`query DeviceTemplates($slug: String!) {
  serviceType(slug: $slug) { deviceTemplates }
}`);
const DEVICE_LINKS = graphql(`query DeviceLinks($event: String!, $number: PhoneNumber!) {
  extension(event: $event, number: $number) { deviceLinks { id template mac fetchedAt } }
}`);

/** @param {ExtensionWithSecrets} extension @param {AbortSignal} signal */
export function devicePanel(extension, signal) {
  const templates = new Region(
    () => query(DEVICE_TEMPLATES, { slug: extension.serviceType.slug }, signal),
    ({ serviceType }) => {
      const names = serviceType?.deviceTemplates ?? [];
      if (names.length === 0) return null;
      const isDeskPhone = extension.parameters.mac !== undefined;
      const softphone = !isDeskPhone && softphonePanel(extension, names);
      return h('div', { class: 'stack' }, softphone, deskPhonePanel(extension, names, signal));
    },
    signal,
  );
  return templates.node;
}

/**
 * The choice of the document that the device reads; hidden where there is only one.
 * @param {string[]} templates
 * @param {(name: string) => boolean} isPreferred
 */
function templateField(templates, isPreferred) {
  const choices = templates.map((name) => /** @type {[string, string]} */ ([name, name.replace(/\.\w+$/, '')]));
  const field = selectField('template', t('device.for'), choices, { value: templates.find(isPreferred) });
  field.node.hidden = templates.length === 1;
  return field;
}

/** A link that works once, as a QR code. @param {ExtensionWithSecrets} extension @param {string[]} templates */
function softphonePanel(extension, templates) {
  const template = templateField(templates, (name) => name.includes('phone'));
  const showCode = () => {
    const input = { extension: extension.id, template: template.read() };
    return runMutation('createSoftphoneLink', input, 'url qrCode link { expiresAt }', ({ url, qrCode, link }) => {
      const source = `data:image/svg+xml,${encodeURIComponent(qrCode ?? '')}`;
      fill(
        panel,
        h('h3', null, t('device.title')),
        h('img', { src: source, alt: t('device.alt'), width: 256, height: 256 }),
        link?.expiresAt && quiet(t('device.until', { until: formatDateTime(link.expiresAt) })),
        url && copyableText(url, t('device.link')),
      );
    });
  };
  const panel = h(
    'div',
    { class: 'qr' },
    h('h3', null, t('device.title')),
    quiet(t('device.text')),
    template.node,
    button(t('device.show'), showCode),
  );
  return panel;
}

/**
 * Addresses for desk phones, each identified by its MAC address.
 * @param {ExtensionWithSecrets} extension
 * @param {string[]} templates
 * @param {AbortSignal} signal
 */
function deskPhonePanel(extension, templates, signal) {
  const { mac: configuredMac, model } = extension.parameters;
  const template = templateField(templates, (name) => typeof model === 'string' && name.startsWith(model));
  const mac = textField('mac', t('device.mac'), {
    value: configuredMac === undefined ? '' : String(configuredMac),
    help: t('device.macHelp'),
    autocomplete: 'off',
    mono: true,
    required: true,
    placeholder: '00:15:65:12:34:56',
  });
  const created = h('div', { class: 'qr', role: 'status' });
  const links = new Region(
    () => query(DEVICE_LINKS, { event: extension.event.slug, number: extension.number }, signal),
    (data) => {
      const withMac = (data.extension?.deviceLinks ?? []).filter((link) => link.mac);
      return list(withMac.map((link) => deviceLinkRow(link, revoked)));
    },
    signal,
  );
  const revoked = () => {
    fill(created);
    links.reload();
  };
  const createForm = form({
    fields: [mac, template],
    submit: t('device.make'),
    isSecondary: true,
    send: () => {
      const input = { extension: extension.id, mac: mac.read(), template: template.read() };
      return mutate('createDeskPhoneLink', input, 'url');
    },
    done: ({ url }) => {
      // The server returns the address once: the answer to a repeated request has none.
      fill(created, url && [h('p', null, t('device.once')), copyableText(url, t('device.deskLink'))]);
      links.reload();
    },
  });
  return h(
    'details',
    { class: 'more', open: configuredMac !== undefined },
    h('summary', null, t('device.desk')),
    h('div', { class: 'stack' }, quiet(t('device.deskText')), createForm, created, links.node),
  );
}

/** @param {DeviceLink} link @param {() => void} revoked */
function deviceLinkRow({ id, template, mac, fetchedAt }, revoked) {
  const revoke = () => runMutation('revokeDeviceLink', { id }, 'accepted', revoked, t('device.revoked'));
  const fetched = fetchedAt ? t('device.fetched', { since: formatRelative(fetchedAt) }) : t('device.unfetched');
  return h(
    'li',
    { class: 'row' },
    h('div', { class: 'grow' }, h('code', null, mac), h('div', { class: 'quiet' }, template, ' · ', fetched)),
    button(t('key.revoke'), revoke, {
      class: 'danger',
      'aria-label': t('key.revokeWhich', { name: mac ?? template }),
    }),
  );
}
