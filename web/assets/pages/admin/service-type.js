// `/e/{event}/admin/services/{slug}`: one service type: the schema on one side, the form made from it on the other.

import { form } from '../../forms/form.js';
import { slugFollowsName } from '../../forms/slug-field.js';
import { parseJson } from '../../forms/inputs.js';
import { fill, h } from '../../lib/dom.js';
import { t, tn } from '../../lib/i18n.js';
import { go } from '../../router.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { emptyState, section, setTitle } from '../../ui/layout.js';
import { showToast } from '../../ui/toast.js';
import { AdminPage } from './admin-page.js';
import { newParameterControls, schemaPreview } from './schema-editor.js';
import { serviceTypeFields } from './service-type-fields.js';
import { templatesView } from './templates.js';

/** @typedef {import('../../../types/graphql.js').Data<'ServiceType'>} ServiceTypeData */
/** @typedef {NonNullable<ServiceTypeData['serviceType']>} ServiceType */
/** @typedef {import('./service-type-fields.js').ServiceTypeFields} ServiceTypeFields */
/** @typedef {{ extension: { number: string }, pointer: string, message: string }} Violation */

const SERVICE_TYPE = graphql(`query ServiceType($slug: String!) {
  serviceType(slug: $slug) {
    slug name description instructions parameterSchema schemaVersion behaviour privileged groupCapable quota
    memberLimit retired settings
    templates { id name contentType format source }
  }
}`);

const NEW = 'new';
const MOST_VIOLATIONS = 10;

export default class ServiceTypePage extends AdminPage {
  tab = '/admin/services';
  isDetail = true;

  /** @override */
  content() {
    const { slug } = this.params;
    if (slug === NEW) return [this.#title(t('type.new')), this.#createForm()];
    const view = this.liveView(
      () => query(SERVICE_TYPE, { slug }, this.signal),
      ({ serviceType }) => serviceType?.slug ?? '',
      ({ serviceType }) => (serviceType ? this.#view(serviceType, reload) : this.#missing()),
    );
    const reload = () => view.reload();
    return view.node;
  }

  /** @param {string} name */
  #title(name) {
    setTitle(name);
    return h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, name));
  }

  #missing() {
    return { node: emptyState(t('missing.text')), update: () => {} };
  }

  #createForm() {
    const { fields, readCommon } = serviceTypeFields(null);
    const { name, slug, behaviour } = fields;
    slugFollowsName(slug, name);
    const createForm = form({
      fields: Object.values(fields),
      submit: t('admin.create'),
      body: [
        name.node,
        slug.node,
        fields.description.node,
        newParameterControls(fields.parameterSchema),
        fields.parameterSchema.node,
        furtherSettings(fields, behaviour.node),
      ],
      send: () => {
        const input = { slug: slug.read(), behaviour: behaviour.read(), ...readCommon() };
        return mutate('createServiceType', input, 'serviceType { slug }');
      },
      done: ({ serviceType }) => {
        showToast(t('saved'));
        if (serviceType) return go(this.path(`/admin/services/${encodeURIComponent(serviceType.slug)}`));
      },
    });
    return workbench(createForm, fields);
  }

  /** @param {ServiceType} initial @param {() => void} reload */
  #view(initial, reload) {
    const title = this.#title(initial.name);
    const update = updateForm(initial, reload);
    const templates = templatesView(initial, reload);
    const receive = (/** @type {ServiceTypeData} */ { serviceType }) => {
      if (!serviceType) return;
      update.receive(serviceType);
      templates.update(serviceType);
    };
    return { node: [title, update.node, templates.node], update: receive };
  }
}

/** The fields that a saved service type can still change. @param {ServiceTypeFields} fields */
function editableFields({ name, description, parameterSchema, defaults, instructions, settings, ...others }) {
  const { privileged, groupCapable, quota, memberLimit, retired } = others;
  const texts = { name, description, parameterSchema, defaults, instructions, settings };
  return { ...texts, privileged, groupCapable, quota, memberLimit, retired };
}

/** @param {ServiceType} initial @param {() => void} reload */
function updateForm(initial, reload) {
  let { schemaVersion } = initial;
  const { slug } = initial;
  const { fields, readCommon, receive } = serviceTypeFields(initial);
  const editable = editableFields(fields);
  const violations = h('div', null);
  editable.defaults.node.hidden = true;
  /** @param {number} count @param {Violation[]} some */
  const showViolations = (count, some) => {
    fill(violations, count > 0 && violationNotice(count, some));
    if (count > 0) editable.defaults.node.hidden = false;
  };
  const node = form({
    fields: Object.values(editable),
    submit: t('save'),
    body: [
      editable.name.node,
      editable.description.node,
      newParameterControls(editable.parameterSchema),
      editable.parameterSchema.node,
      violations,
      editable.defaults.node,
      furtherSettings(fields, editable.retired.node),
    ],
    send: async () => {
      const defaults = parseJson(editable.defaults.read());
      const input = {
        slug,
        ...readCommon(),
        retired: editable.retired.read(),
        expectedSchemaVersion: schemaVersion,
        ...(defaults ? { defaults } : {}),
      };
      const payload = await mutate(
        'updateServiceType',
        input,
        'serviceType { slug } violationCount violations { extension { number } pointer message }',
      );
      showViolations(payload.violationCount, payload.violations);
      return payload;
    },
    onStale: reload,
    done: () => {
      showToast(t('saved'));
      reload();
    },
  });
  const receiveNewer = (/** @type {ServiceType} */ newer) => {
    schemaVersion = newer.schemaVersion;
    receive(newer);
  };
  return { node: workbench(node, fields), receive: receiveNewer };
}

/** @param {ServiceTypeFields} fields @param {HTMLElement} last */
function furtherSettings(fields, last) {
  const { instructions, settings, privileged, groupCapable, quota, memberLimit } = fields;
  const nodes = [instructions, settings, privileged, groupCapable, quota, memberLimit].map(({ node }) => node);
  const content = h('div', { class: 'stack' }, nodes, last);
  return h('details', { class: 'more' }, h('summary', null, t('type.more')), content);
}

/**
 * A form and, beside it, the form that people will see.
 * @param {HTMLFormElement} element
 * @param {ServiceTypeFields} fields
 */
function workbench(element, fields) {
  const preview = h('div', { class: 'card' }, schemaPreview(fields.parameterSchema));
  return h('div', { class: 'workbench' }, element, h('div', { class: 'preview' }, section(t('type.preview'), preview)));
}

/** Extensions that would break the new schema. @param {number} count @param {Violation[]} violations */
function violationNotice(count, violations) {
  const items = violations
    .slice(0, MOST_VIOLATIONS)
    .map(({ extension, pointer, message }) =>
      h('li', null, h('strong', null, extension.number), ` ${pointer}: ${message}`),
    );
  const text = h('p', null, tn('type.breaks', count));
  return h('div', { class: 'notice bad' }, h('div', null, text, h('ul', null, items)));
}
