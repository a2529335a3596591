// `/e/{event}/admin/permissions`: call permissions, which telephone systems honour.

import { textField, toggleField } from '../../forms/inputs.js';
import { slugFollowsName } from '../../forms/slug-field.js';
import { button, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { closeAndReload, openEditDialog } from '../../ui/dialog.js';
import { emptyState, list, tag } from '../../ui/layout.js';
import { AdminPage } from './admin-page.js';

/** @typedef {import('../../../types/graphql.js').Data<'CallPermissions'>['callPermissions']} CallPermissions */
/** @typedef {import('../../../types/graphql.js').Item<CallPermissions>} CallPermission */

const CALL_PERMISSIONS = graphql(`query CallPermissions {
  callPermissions { id slug name description highlightsInDirectory }
}`);

export default class PermissionsPage extends AdminPage {
  tab = '/admin/permissions';

  /** @override */
  content() {
    const permissions = this.region(
      () => query(CALL_PERMISSIONS, {}, this.signal),
      ({ callPermissions }) => {
        const create = button([icon('plus'), t('permission.add')], () => openPermissionDialog(null, reload), {
          class: 'primary',
        });
        const rows = callPermissions.map((permission) => permissionRow(permission, reload));
        return [
          h('div', { class: 'actions' }, create),
          rows.length === 0 ? emptyState(t('permission.none')) : list(rows),
        ];
      },
    );
    const reload = () => permissions.reload();
    return permissions.node;
  }
}

/** @param {CallPermission} permission @param {() => void} reload */
function permissionRow(permission, reload) {
  const { slug, name, description, highlightsInDirectory } = permission;
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, name, highlightsInDirectory && tag(t('permission.highlights'), 'accent')),
      h('div', { class: 'quiet' }, `${slug} · ${description}`),
    ),
    button(t('range.edit'), () => openPermissionDialog(permission, reload), {
      'aria-label': t('template.editWhich', { name }),
    }),
  );
}

/** @param {CallPermission | null} permission null for a new one @param {() => void} reload */
function openPermissionDialog(permission, reload) {
  const name = textField('name', t('type.name'), { value: permission?.name, required: true, maxlength: 64 });
  const slug = textField('slug', t('event.slug'), { required: true, help: t('event.slugHelp') });
  const description = textField('description', t('permission.description'), { value: permission?.description });
  const highlights = toggleField('highlightsInDirectory', t('permission.highlightsLabel'), {
    value: permission?.highlightsInDirectory,
  });
  slugFollowsName(slug, name);
  const values = () => ({
    name: name.read(),
    description: description.read(),
    highlightsInDirectory: highlights.read(),
  });
  const create = () => mutate('createCallPermission', { slug: slug.read(), ...values() }, 'permission { id }');
  const remove = permission && {
    submit: t('permission.delete'),
    send: () => mutate('deleteCallPermission', { id: permission.id }, 'accepted'),
    done: reload,
  };
  openEditDialog({
    title: permission?.name ?? t('permission.add'),
    form: {
      fields: permission ? [name, description, highlights] : [name, slug, description, highlights],
      submit: t(permission ? 'save' : 'admin.create'),
      send: () =>
        permission ? mutate('updateCallPermission', { id: permission.id, ...values() }, 'permission { id }') : create(),
    },
    done: closeAndReload(reload),
    remove: remove ?? undefined,
  });
}
