// Kinds of service, as data: the schema on one side, the form that people will see on the other.

import { ask, change } from '../api.js';
import { fill, h, icon } from '../dom.js';
import { Field, form } from '../form.js';
import { t, tn } from '../i18n.js';
import { empty, say, section } from '../page.js';
import { go } from '../router.js';
import { SchemaForm } from '../schema-form.js';
import { slugFrom } from './admin-events.js';
import { fieldMaker } from './admin-schema.js';
import { templatesSection } from './admin-templates.js';

/** @param {import('../page.js').Page} page */
export function show(page) {
  const place = page.place(() => ask('{serviceTypes{slug name description behaviour privileged retired schemaVersion}}', {}, page.signal), ({ serviceTypes }) => [
    h('div', { class: 'actions' }, h('a', { class: 'button primary', href: '/admin/services/new' }, icon('plus'), t('type.new'))),
    serviceTypes.length === 0 ? empty(t('type.none')) : h('ul', { class: 'list' }, serviceTypes.map((/** @type {any} */ one) => h('li', { class: 'row' },
      h('div', { class: 'grow' }, h('a', { class: 'name', href: `/admin/services/${one.slug}` }, one.name), one.privileged && h('span', { class: 'tag' }, t('range.privileged')), one.retired && h('span', { class: 'tag warn' }, t('type.retired')),
        one.behaviour === 'CALL_GROUP' && h('span', { class: 'tag' }, t('type.group'))),
      h('span', { class: 'quiet' }, t('type.version', { slug: one.slug, n: one.schemaVersion }))))),
  ]);
  return place.node;
}

const QUERY = `query($slug:String!){serviceType(slug:$slug){slug name description instructions parameterSchema schemaVersion behaviour privileged groupCapable quota memberLimit retired settings
  templates{id name contentType format source}}}`;
const START = { type: 'object', additionalProperties: false, properties: {} };

/** @param {import('../page.js').Page} page @param {string} slug */
export function showOne(page, slug) {
  const isNew = slug === 'new';
  const place = page.place(async () => (isNew ? { serviceType: null } : ask(QUERY, { slug }, page.signal)), ({ serviceType }) => {
    if (!isNew && !serviceType) return empty(t('missing.text'));
    const title = serviceType?.name ?? t('type.new');
    document.title = `${title} · Switchboard`;
    return [h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, title)), workbench(serviceType, () => place.reload()),
      serviceType && templatesSection(serviceType, () => place.reload())];
  });
  return place.node;
}

/** @param {any} type */
function fieldsOf(type) {
  const behaviours = ['ENDPOINT', 'CALL_GROUP'].map((one) => /** @type {[string, string]} */ ([one, t(`type.behaviour.${one}`)]));
  return {
    name: Field.text('name', t('type.name'), { value: type?.name ?? '', maxlength: 64, required: true }),
    slug: Field.text('slug', t('event.slug'), { value: type?.slug ?? '', maxlength: 32, help: t('event.slugHelp'), required: true }),
    description: Field.area('description', t('type.description'), { value: type?.description ?? '', rows: 2, help: t('type.markdown') }),
    parameterSchema: Field.area('parameterSchema', t('type.schema'), { value: JSON.stringify(type?.parameterSchema ?? START, null, 2), rows: 18, mono: true, help: t('type.schemaHelp') }),
    instructions: Field.area('instructions', t('type.instructions'), { value: type?.instructions ?? '', rows: 6, mono: true, help: t('type.instructionsHelp') }),
    settings: Field.area('settings', t('type.settings'), { value: JSON.stringify(type?.settings ?? {}, null, 2), rows: 4, mono: true, help: t('type.settingsHelp') }),
    behaviour: Field.select('behaviour', t('type.behaviour'), behaviours, { value: type?.behaviour ?? 'ENDPOINT' }),
    privileged: Field.toggle('privileged', t('type.privileged'), { value: type?.privileged }),
    groupCapable: Field.toggle('groupCapable', t('type.groupCapable'), { value: type?.groupCapable }),
    quota: Field.integer('quota', t('type.quota'), { value: type?.quota ?? '', help: t('type.noLimit') }),
    memberLimit: Field.integer('memberLimit', t('type.memberLimit'), { value: type?.memberLimit ?? '', help: t('type.noLimit') }),
    defaults: Field.area('defaults', t('type.defaults'), { mono: true, rows: 3, help: t('type.defaultsHelp') }),
    retired: Field.toggle('retired', t('type.retiredLabel'), { value: type?.retired, help: t('type.retiredHelp') }),
  };
}

/** What was typed as JSON; undefined where nothing was. @param {Field} field */
const json = (field) => (field.read().trim() === '' ? undefined : JSON.parse(field.read()));

/** @param {any} type @param {() => void} reload */
function workbench(type, reload) {
  const fields = fieldsOf(type);
  for (const field of [fields.parameterSchema, fields.settings, fields.defaults]) {
    field.check = () => { try { json(field); return null; } catch (error) { return t('violation.json', { message: /** @type {Error} */ (error).message }); } };
  }
  if (!type) slugFrom(fields.name, fields.slug);
  const broken = h('div', null);
  fields.defaults.node.hidden = true;
  const preview = livePreview(fields.parameterSchema);
  const { name, slug, description, parameterSchema, instructions, settings, behaviour, privileged, groupCapable, quota, memberLimit, defaults, retired } = fields;
  const more = h('details', { class: 'more' }, h('summary', null, t('type.more')), h('div', { class: 'stack' }, instructions.node, settings.node, !type && behaviour.node, privileged.node, groupCapable.node, quota.node, memberLimit.node, type && retired.node));
  return h('div', { class: 'workbench' },
    form({
      fields: [name, ...(type ? [] : [slug, behaviour]), description, parameterSchema, defaults, instructions, settings, privileged, groupCapable, quota, memberLimit, ...(type ? [retired] : [])], submit: t(type ? 'save' : 'admin.create'),
      body: [name.node, !type && slug.node, description.node, fieldMaker(parameterSchema), parameterSchema.node, broken, defaults.node, more],
      send: async () => {
        const common = { name: name.read(), description: description.read(), instructions: instructions.read(), parameterSchema: json(parameterSchema) ?? {}, settings: json(settings) ?? {}, privileged: privileged.read(), groupCapable: groupCapable.read(), quota: quota.read(), memberLimit: memberLimit.read() };
        if (!type) return change('createServiceType', { slug: slug.read(), behaviour: behaviour.read(), ...common }, 'serviceType{slug}');
        const payload = await change('updateServiceType', { slug: type.slug, ...common, retired: retired.read(), expectedSchemaVersion: type.schemaVersion, ...(json(defaults) ? { defaults: json(defaults) } : {}) },
          'serviceType{slug} violationCount violations{extension{number} pointer message}');
        fill(broken, payload.violationCount > 0 && violations(payload));
        if (payload.violationCount > 0) fields.defaults.node.hidden = false;
        return payload;
      },
      done: (payload) => { say(t('saved')); if (type) reload(); else go(`/admin/services/${payload.serviceType.slug}`); },
    }),
    h('div', { class: 'preview' }, section(t('type.preview'), h('div', { class: 'card' }, preview))));
}

/** The form that people will see, as the schema is typed. @param {Field} schema */
function livePreview(schema) {
  const place = h('div', null);
  const show = () => {
    try {
      const form = new SchemaForm(JSON.parse(schema.read()), { isOperator: false });
      fill(place, form.parameters.length === 0 ? h('p', { class: 'quiet' }, t('type.previewNothing')) : form.node);
      schema.clear();
    } catch (error) {
      schema.fail(t('violation.json', { message: /** @type {Error} */ (error).message }));
    }
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  schema.control.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(show, 150); });
  show();
  return place;
}

/** @param {any} payload */
const violations = (payload) => h('div', { class: 'notice bad' }, h('div', null, h('p', null, tn('type.breaks', payload.violationCount)),
  h('ul', null, payload.violations.slice(0, 10).map((/** @type {any} */ one) => h('li', null, h('strong', null, one.extension.number), ` ${one.pointer}: ${one.message}`)))));
