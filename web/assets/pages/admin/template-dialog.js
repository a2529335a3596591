// The dialog that edits a template and shows what it renders from sample data.

import { areaField, selectField, textField } from '../../forms/inputs.js';
import { h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { mutate } from '../../transport/http.js';
import { openEditDialog } from '../../ui/dialog.js';
import { showToast } from '../../ui/toast.js';

/** @typedef {import('./templates.js').Template} Template */
/** @typedef {import('../../../types/api.js').TemplateFormat} TemplateFormat */

/** Content types by format. @type {Record<TemplateFormat, string>} */
const CONTENT_TYPES = {
  TEXT: 'text/plain; charset=utf-8',
  JSON: 'application/json',
  XML: 'application/xml',
  INI: 'text/plain; charset=utf-8',
  SQL: 'application/sql',
  CSV: 'text/csv; charset=utf-8',
  LDIF: 'text/ldif',
  VCARD: 'text/vcard; charset=utf-8',
};
const FIRST_SOURCE = '{% for extension in extensions %}{{ extension.number }} {{ extension.label }}\n{% endfor %}';

/** @param {string} serviceType @param {Template | null} template @param {() => void} reload */
export function openTemplateDialog(serviceType, template, reload) {
  const formats = /** @type {TemplateFormat[]} */ (Object.keys(CONTENT_TYPES));
  const formatChoices = formats.map((one) => /** @type {[TemplateFormat, string]} */ ([one, one]));
  const name = textField('name', t('template.name'), {
    value: template?.name,
    required: true,
    help: template ? undefined : t('template.nameHelp'),
  });
  const format = selectField('format', t('template.format'), formatChoices, { value: template?.format ?? 'TEXT' });
  const contentType = textField('contentType', t('template.contentType'), {
    value: template?.contentType ?? CONTENT_TYPES.TEXT,
  });
  format.control.addEventListener('change', () => contentType.write(CONTENT_TYPES[format.read()]));
  const source = areaField('source', t('template.source'), {
    value: template?.source ?? FIRST_SOURCE,
    rows: 14,
    mono: true,
    help: t('template.sourceHelp'),
  });
  const sample = h('pre', { tabindex: 0, 'aria-label': t('template.sample'), hidden: true });
  const remove = template && {
    submit: t('template.delete'),
    send: () => mutate('deleteTemplate', { id: template.id }, 'accepted'),
    done: reload,
  };
  openEditDialog({
    title: template?.name ?? t('template.add'),
    isWide: true,
    form: {
      fields: [name, format, contentType, source],
      submit: t('template.save'),
      body: [name.node, h('div', { class: 'pair' }, format.node, contentType.node), source.node],
      send: () => {
        const input = {
          serviceType,
          name: name.read(),
          format: format.read(),
          contentType: contentType.read(),
          source: source.read(),
        };
        return mutate('saveTemplate', input, 'template { id } sample');
      },
    },
    after: sample,
    done: (payload) => {
      sample.textContent = payload.sample ?? '';
      sample.hidden = false;
      sample.focus();
      showToast(t('saved'));
      reload();
    },
    remove: remove ?? undefined,
  });
}
