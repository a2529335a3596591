// Templates of a service type, and what each makes of sample data.

import { change } from '../api.js';
import { h, icon } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { dialog, empty, say } from '../page.js';

const TYPES = /** @type {Record<string, string>} */ ({ TEXT: 'text/plain; charset=utf-8', JSON: 'application/json', XML: 'application/xml', INI: 'text/plain; charset=utf-8', SQL: 'application/sql', CSV: 'text/csv; charset=utf-8', LDIF: 'text/ldif', VCARD: 'text/vcard; charset=utf-8' });

/** @param {any} type @param {() => void} reload */
export function templatesSection(type, reload) {
  return h('section', { class: 'section' }, h('div', { class: 'section-head' }, h('h2', null, t('template.title')), h('button', { type: 'button', onclick: () => edit(type, null, reload) }, icon('plus'), t('template.add'))),
    type.templates.length === 0 ? empty(t('template.none')) : h('ul', { class: 'list' }, type.templates.map((/** @type {any} */ one) => h('li', { class: 'row' },
      h('div', { class: 'grow' }, h('div', { class: 'name' }, one.name, h('span', { class: 'tag' }, one.format)), h('div', { class: 'quiet' }, one.contentType)),
      h('button', { type: 'button', onclick: () => edit(type, one, reload), 'aria-label': t('template.editWhich', { name: one.name }) }, t('range.edit'))))));
}

/** @param {any} type @param {any} template @param {() => void} reload */
function edit(type, template, reload) {
  const name = Field.text('name', t('template.name'), { value: template?.name ?? '', required: true, help: template ? undefined : t('template.nameHelp') });
  const format = Field.select('format', t('template.format'), Object.keys(TYPES).map((one) => [one, one]), { value: template?.format ?? 'TEXT' });
  const contentType = Field.text('contentType', t('template.contentType'), { value: template?.contentType ?? TYPES.TEXT });
  format.control.addEventListener('change', () => contentType.write(TYPES[format.read()]));
  const source = Field.area('source', t('template.source'), { value: template?.source ?? '{% for extension in extensions %}{{ extension.number }} {{ extension.label }}\n{% endfor %}', rows: 14, mono: true, help: t('template.sourceHelp') });
  const sample = h('pre', { tabindex: 0, 'aria-label': t('template.sample'), hidden: true });
  const box = dialog({ title: template?.name ?? t('template.add'), body: null, content: (close) => h('div', { class: 'stack' },
    form({ fields: [name, format, contentType, source], submit: t('template.save'), cancel: close, body: [name.node, h('div', { class: 'pair' }, format.node, contentType.node), source.node],
      send: () => change('saveTemplate', { serviceType: type.slug, name: name.read(), format: format.read(), contentType: contentType.read(), source: source.read() }, 'template{id} sample'),
      done: (payload) => { sample.textContent = payload.sample ?? ''; sample.hidden = false; sample.focus(); say(t('saved')); reload(); } }),
    sample,
    template && form({ fields: [], submit: t('template.delete'), danger: true, send: () => change('deleteTemplate', { id: template.id }, 'accepted'), done: () => { close(); reload(); } })) });
  box.classList.add('broad');
}
