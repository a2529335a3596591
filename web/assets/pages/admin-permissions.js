// Call permissions: flags that telephone systems honour.

import { ask, change } from '../api.js';
import { h, icon } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { dialog, empty, say } from '../page.js';
import { slugFrom } from './admin-events.js';

/** @param {import('../page.js').Page} page */
export function show(page) {
  const place = page.place(() => ask('{callPermissions{id slug name description highlightsInDirectory}}', {}, page.signal), ({ callPermissions }) => [
    h('div', { class: 'actions' }, h('button', { type: 'button', class: 'primary', onclick: () => edit(null, () => place.reload()) }, icon('plus'), t('permission.add'))),
    callPermissions.length === 0 ? empty(t('permission.none')) : h('ul', { class: 'list' }, callPermissions.map((/** @type {any} */ one) => h('li', { class: 'row' },
      h('div', { class: 'grow' }, h('div', { class: 'name' }, one.name, one.highlightsInDirectory && h('span', { class: 'tag accent' }, t('permission.highlights'))), h('div', { class: 'quiet' }, `${one.slug} · ${one.description}`)),
      h('button', { type: 'button', onclick: () => edit(one, () => place.reload()), 'aria-label': t('template.editWhich', { name: one.name }) }, t('range.edit'))))),
  ]);
  return place.node;
}

/** @param {any} permission @param {() => void} reload */
function edit(permission, reload) {
  const name = Field.text('name', t('type.name'), { value: permission?.name ?? '', required: true, maxlength: 64 });
  const slug = Field.text('slug', t('event.slug'), { required: true, help: t('event.slugHelp') });
  const description = Field.text('description', t('permission.description'), { value: permission?.description ?? '' });
  const highlights = Field.toggle('highlightsInDirectory', t('permission.highlightsLabel'), { value: permission?.highlightsInDirectory });
  slugFrom(name, slug);
  const values = () => ({ name: name.read(), description: description.read(), highlightsInDirectory: highlights.read() });
  dialog({ title: permission?.name ?? t('permission.add'), body: null, content: (close) => h('div', { class: 'stack' },
    form({ fields: permission ? [name, description, highlights] : [name, slug, description, highlights], submit: t(permission ? 'save' : 'admin.create'), cancel: close,
      send: () => (permission ? change('updateCallPermission', { id: permission.id, ...values() }, 'permission{id}') : change('createCallPermission', { slug: slug.read(), ...values() }, 'permission{id}')),
      done: () => { close(); say(t('saved')); reload(); } }),
    permission && form({ fields: [], submit: t('permission.delete'), danger: true, send: () => change('deleteCallPermission', { id: permission.id }, 'accepted'), done: () => { close(); reload(); } })) });
  name.focus();
}
