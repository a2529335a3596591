// A number in service: call permissions, settings, secrets, and what an operator can do with it.

import { credentialsPanel } from '../../extension/credentials.js';
import { settingsForm } from '../../extension/settings-form.js';
import { form } from '../../forms/form.js';
import { multipleField } from '../../forms/inputs.js';
import { button, h, renderOnChange } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { markdown } from '../../lib/markdown.js';
import { reportedValues } from '../../schema/reported.js';
import { mutate } from '../../transport/http.js';
import { columns, section } from '../../ui/layout.js';
import { showToast } from '../../ui/toast.js';
import { barButton } from './bar-button.js';

/** @typedef {import('./number.js').Extension} Extension */
/** @typedef {import('./number.js').FoundNumber} FoundNumber */
/** @typedef {import('../../ui/page.js').Page} Page */

const dialogs = () => import('./extension-dialogs.js');

/** @param {Page} page @param {FoundNumber & { extension: Extension }} initial @param {() => void} reload */
export function inServiceView(page, initial, reload) {
  let latest = initial.extension;
  const actions = h('div', { class: 'actions' });
  const updateActions = renderOnChange(
    actions,
    initial.number,
    ({ restrictions }) => restrictions,
    (number) => [
      barButton(page.eventSlug, number, reload),
      button(t('desk.swap'), async () => (await dialogs()).openSwapDialog(latest, reload)),
      button(t('number.renumber'), async () => (await dialogs()).openOperatorRenumberDialog(page, latest)),
      button(t('desk.transfer'), async () => (await dialogs()).openTransferDialog(latest, reload)),
      button(t('number.delete'), async () => (await dialogs()).openOperatorDeleteDialog(page, latest), {
        class: 'danger',
      }),
    ],
  );
  const setup = h('div', { class: 'stack' });
  const updateSetup = renderOnChange(
    setup,
    latest,
    ({ instructions, parameters }) => [instructions, parameters],
    ({ instructions, parameters, serviceType }) => [
      markdown(instructions),
      reportedValues(serviceType.parameterSchema, parameters, true),
    ],
  );
  const permissions = permissionsForm(latest, initial.callPermissions, reload);
  const settings = settingsForm(latest, reload);
  const node = [
    actions,
    columns(
      [permissions.node, section(t('number.settings'), settings.node)],
      [section(t('number.setup'), setup), credentialsPanel(latest, null, page.signal)],
    ),
  ];
  const update = (/** @type {FoundNumber} */ { number }) => {
    updateActions(number);
    if (!number.extension) return;
    latest = number.extension;
    updateSetup(latest);
    permissions.update(latest);
    settings.update(latest);
  };
  return { node, update };
}

/**
 * @param {Extension} initial
 * @param {{ slug: string, name: string }[]} available
 * @param {() => void} reload
 */
function permissionsForm(initial, available, reload) {
  let saved = initial;
  const slugs = (/** @type {Extension} */ extension) => extension.permissions.map(({ slug }) => slug);
  const choices = available.map(({ slug, name }) => /** @type {[string, string]} */ ([slug, name]));
  const field = multipleField('permissions', t('desk.permissions'), choices, { value: slugs(saved) });
  const node = form({
    fields: [field],
    submit: t('save'),
    isSecondary: true,
    send: () => {
      const input = { id: saved.id, permissions: field.read(), expectedVersion: saved.version };
      return mutate('setCallPermissions', input, 'extension { id }');
    },
    onStale: reload,
    done: () => {
      showToast(t('saved'));
      reload();
    },
  });
  const update = (/** @type {Extension} */ newer) => {
    saved = newer;
    field.receive(slugs(newer));
  };
  return { node: available.length > 0 && h('section', { class: 'section' }, node), update };
}
