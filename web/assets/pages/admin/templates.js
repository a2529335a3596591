// The templates of a service type.

import { button, h, renderOnChange } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { emptyState, list, sectionWithAction, tag } from '../../ui/layout.js';

/** @typedef {import('./service-type.js').ServiceType} ServiceType */
/** @typedef {import('../../../types/graphql.js').Item<ServiceType['templates']>} Template */

/** @param {string} serviceType @param {Template | null} template null for a new one @param {() => void} reload */
const openDialog = async (serviceType, template, reload) =>
  (await import('./template-dialog.js')).openTemplateDialog(serviceType, template, reload);

/** @param {ServiceType} type @param {() => void} reload */
export function templatesView(type, reload) {
  const content = h('div', null);
  const update = renderOnChange(
    content,
    type,
    ({ templates }) => templates,
    ({ slug, templates }) =>
      templates.length === 0
        ? emptyState(t('template.none'))
        : list(templates.map((template) => templateRow(slug, template, reload))),
  );
  const create = button([icon('plus'), t('template.add')], () => openDialog(type.slug, null, reload));
  return { node: sectionWithAction(t('template.title'), create, content), update };
}

/** @param {string} serviceType @param {Template} template @param {() => void} reload */
function templateRow(serviceType, template, reload) {
  const { name, format, contentType } = template;
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, name, tag(format)),
      h('div', { class: 'quiet' }, contentType),
    ),
    button(t('range.edit'), () => openDialog(serviceType, template, reload), {
      'aria-label': t('template.editWhich', { name }),
    }),
  );
}
