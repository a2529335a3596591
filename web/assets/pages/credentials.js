// Secrets of an extension: shown after the password, copied, rotated, and handed to a device with a QR code.

import { ask, change } from '../api.js';
import { fill, h } from '../dom.js';
import { errorText } from '../form.js';
import { t } from '../i18n.js';
import { say, section } from '../page.js';
import { parametersOf } from '../schema.js';
import { copyButton } from '../widgets.js';

/** @param {any} extension @param {Record<string, string> | null} generated what was made just now @param {AbortSignal} signal */
export function credentialsPanel(extension, generated, signal) {
  const secrets = parametersOf(extension.serviceType.parameterSchema).filter((one) => one.secret);
  if (secrets.length === 0) return null;
  const place = h('div', { class: 'credentials' });
  const show = async () => {
    const data = await ask('query($event:String!,$number:PhoneNumber!){extension(event:$event,number:$number){credentials}}', { event: extension.event.slug, number: extension.number }, signal).catch((error) => error);
    if (data instanceof Error) return say(data.message);
    const known = data.extension?.credentials ?? {};
    const lines = secrets.filter((one) => known[one.name] !== undefined);
    fill(place, lines.length === 0 ? h('p', { class: 'quiet' }, t('credentials.none')) : lines.map((one) => secretLine(extension, one, String(known[one.name]))));
  };
  if (generated && Object.keys(generated).length > 0) {
    fill(place, secrets.filter((one) => generated[one.name] !== undefined).map((one) => secretLine(extension, one, String(generated[one.name]))));
  } else {
    fill(place, h('p', { class: 'quiet' }, t('credentials.text')), h('button', { type: 'button', onclick: show }, t('credentials.show')));
  }
  return section(t('credentials.title'), place);
}

/** @param {any} extension @param {import('../schema.js').Parameter} parameter @param {string} secret */
function secretLine(extension, parameter, secret) {
  const value = h('code', { class: 'secret' }, secret);
  const holder = h('span', { class: 'joined' }, value, copyButton(secret, parameter.title));
  const rotate = async () => {
    const payload = await change('rotateSecret', { id: extension.id, parameter: parameter.name }, 'generated').catch((error) => ({ errors: [error] }));
    if (payload.errors.length > 0) return say(errorText(payload.errors[0]));
    const fresh = payload.generated?.[parameter.name];
    if (fresh === undefined) return;
    value.textContent = fresh;
    fill(holder, value, copyButton(fresh, parameter.title));
    say(t('credentials.rotated'));
  };
  return h('div', { class: 'secret-line' }, h('span', { class: 'label' }, parameter.title), holder,
    parameter.generate && h('button', { type: 'button', class: 'link', onclick: rotate }, t('credentials.rotate')));
}
