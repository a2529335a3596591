// Secrets of an extension: shown after the password, copied, and replaced.

import { button, fill, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { mayRead, parametersOf } from '../schema/parameters.js';
import { session } from '../session.js';
import { graphql, query } from '../transport/http.js';
import { copyButton } from '../ui/copy-button.js';
import { quiet, section } from '../ui/layout.js';
import { runMutation } from '../ui/mutation.js';
import { showToast } from '../ui/toast.js';
import { failureMessage } from '../errors.js';
import { devicePanel } from './device-links.js';

/** @typedef {import('../../types/json.js').JsonObject} JsonObject */
/** @typedef {import('../schema/parameters.js').Parameter} Parameter */
/**
 * @typedef {{ id: string, number: string, parameters: JsonObject, event: { slug: string },
 *   serviceType: { slug: string, parameterSchema: JsonObject } }} ExtensionWithSecrets
 */

const CREDENTIALS = graphql(`query Credentials($event: String!, $number: PhoneNumber!) {
  extension(event: $event, number: $number) { credentials }
}`);

/**
 * @param {ExtensionWithSecrets} extension
 * @param {JsonObject | null} generated secrets that were made just now
 * @param {AbortSignal} signal
 */
export function credentialsPanel(extension, generated, signal) {
  const parameters = parametersOf(extension.serviceType.parameterSchema);
  const secrets = parameters.filter((one) => one.secret && mayRead(one, session.isOperator));
  if (secrets.length === 0) return null;
  const content = h('div', { class: 'credentials' });
  /** @param {JsonObject} values */
  const showSecrets = (values) => {
    const readable = secrets.filter((one) => values[one.name] !== undefined);
    const lines = readable.map((one) => secretLine(extension, one, String(values[one.name])));
    fill(content, lines.length === 0 ? quiet(t('credentials.none')) : lines);
  };
  const load = async () => {
    try {
      const variables = { event: extension.event.slug, number: extension.number };
      const data = await query(CREDENTIALS, variables, signal);
      showSecrets(data.extension?.credentials ?? {});
    } catch (error) {
      showToast(failureMessage(error));
    }
  };
  if (generated && Object.keys(generated).length > 0) showSecrets(generated);
  else fill(content, quiet(t('credentials.text')), button(t('credentials.show'), load));
  return section(t('credentials.title'), content, devicePanel(extension, signal));
}

/** @param {ExtensionWithSecrets} extension @param {Parameter} parameter @param {string} secret */
function secretLine({ id }, { name, title, isGenerated }, secret) {
  const value = h('code', { class: 'secret' }, secret);
  const holder = h('span', { class: 'joined' }, value, copyButton(secret, title));
  const input = { id, parameter: name };
  const rotate = () =>
    runMutation(
      'rotateSecret',
      input,
      'generated',
      ({ generated }) => {
        if (generated?.[name] === undefined) return;
        const newSecret = String(generated[name]);
        value.textContent = newSecret;
        fill(holder, value, copyButton(newSecret, title));
      },
      t('credentials.rotated'),
    );
  const rotateButton = isGenerated && button(t('credentials.rotate'), rotate, { class: 'link' });
  return h('div', { class: 'secret-line' }, h('span', { class: 'label' }, title), holder, rotateButton);
}
