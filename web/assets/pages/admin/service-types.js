// `/e/{event}/admin/services`: all service types.

import { buttonLink, h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { graphql, query } from '../../transport/http.js';
import { emptyState, list, tag } from '../../ui/layout.js';
import { AdminPage } from './admin-page.js';

/** @typedef {import('../../../types/graphql.js').Data<'ServiceTypes'>['serviceTypes']} ServiceTypes */
/** @typedef {import('../../../types/graphql.js').Item<ServiceTypes>} ServiceType */

const SERVICE_TYPES = graphql(`query ServiceTypes {
  serviceTypes { slug name description behaviour privileged retired schemaVersion }
}`);

export default class ServiceTypesPage extends AdminPage {
  tab = '/admin/services';

  /** @override */
  content() {
    const types = this.region(
      () => query(SERVICE_TYPES, {}, this.signal),
      ({ serviceTypes }) => {
        const href = this.path('/admin/services/new');
        const create = buttonLink(href, [icon('plus'), t('type.new')], { class: 'button primary' });
        const rows = serviceTypes.map((type) => this.#row(type));
        return [h('div', { class: 'actions' }, create), rows.length === 0 ? emptyState(t('type.none')) : list(rows)];
      },
    );
    return types.node;
  }

  /** @param {ServiceType} type */
  #row({ slug, name, behaviour, privileged, retired, schemaVersion }) {
    return h(
      'li',
      { class: 'row' },
      h(
        'div',
        { class: 'grow' },
        h('a', { class: 'name', href: this.path(`/admin/services/${encodeURIComponent(slug)}`) }, name),
        privileged && tag(t('range.privileged')),
        retired && tag(t('type.retired'), 'warn'),
        behaviour === 'CALL_GROUP' && tag(t('type.group')),
      ),
      h('span', { class: 'quiet' }, t('type.version', { slug, n: schemaVersion })),
    );
  }
}
