// Events: numbering plans with their people.

import { button, Field, fill, form, h, icon, t, tn } from '../elements.js';
import { bigNumber, dialog, empty, formDialog, fullness, say, section } from '../page.js';
import { go } from '../router.js';
import { SchemaForm } from '../schema.js';
import { ask, change, session } from '../server.js';

export const PHASES = ['DRAFT', 'STAFF', 'OPEN', 'FROZEN', 'ARCHIVED'];
/** Names of time zones to choose from. */
const zones = () =>
  h(
    'datalist',
    { id: 'time-zones' },
    Intl.supportedValuesOf('timeZone').map((zone) => h('option', { value: zone })),
  );

/** @param {import('../page.js').Page} page */
export function showEvents(page) {
  const place = page.place(
    () => ask('{events{slug name phase ranges{size available}}}', {}, page.signal),
    ({ events }) => [
      h(
        'div',
        { class: 'actions' },
        h(
          'button',
          { type: 'button', class: 'primary', onclick: () => create(events) },
          icon('plus'),
          t('admin.newEvent'),
        ),
      ),
      events.length === 0
        ? empty(t('admin.noEvents'))
        : h(
            'ul',
            { class: 'list' },
            events.map((one) =>
              h(
                'li',
                { class: 'row' },
                h(
                  'div',
                  { class: 'grow' },
                  h('a', { class: 'name', href: `/admin/events/${one.slug}` }, one.name),
                  h(
                    'div',
                    { class: 'quiet' },
                    one.slug,
                    h('span', { class: one.phase === 'OPEN' ? 'tag accent' : 'tag' }, t(`phase.${one.phase}`)),
                  ),
                ),
                one.ranges.length > 0 && fullness(total(one.ranges)),
              ),
            ),
          ),
    ],
  );
  return place.node;
}

/** @param {{ size: number, available: number }[]} ranges */
const total = (ranges) =>
  ranges.reduce((sum, one) => ({ size: sum.size + one.size, available: sum.available + one.available }), {
    size: 0,
    available: 0,
  });
function create(events) {
  const name = Field.text('name', t('event.name'), { required: true, maxlength: 64 });
  const slug = Field.text('slug', t('event.slug'), { required: true, help: t('event.slugHelp'), maxlength: 32 });
  const timeZone = Field.text('timeZone', t('event.timeZone'), {
    value: Intl.DateTimeFormat().resolvedOptions().timeZone,
    list: 'time-zones',
  });
  const copyFrom = Field.select(
    'copyFrom',
    t('event.copyFrom'),
    [[null, t('event.copyNothing')], ...events.map((one) => /** @type {[any, string]} */ ([one.slug, one.name]))],
    { help: t('event.copyHelp') },
  );
  slugFrom(name, slug);
  formDialog(t('admin.newEvent'), zones(), {
    fields: [name, slug, timeZone, copyFrom],
    submit: t('admin.create'),
    send: () =>
      change(
        'createEvent',
        {
          name: name.read(),
          slug: slug.read(),
          timeZone: timeZone.read(),
          ...(copyFrom.read() ? { copyFrom: copyFrom.read() } : {}),
        },
        'event{slug}',
      ),
    done: async (payload) => {
      await session.refresh();
      go(`/admin/events/${payload.event.slug}`);
    },
  });
}

/** A short name follows the name until somebody types one. @param {Field} name @param {Field} slug */
export function slugFrom(name, slug) {
  let isOwn = false;
  slug.control.addEventListener('input', () => {
    isOwn = true;
  });
  name.control.addEventListener('input', () => {
    if (!isOwn)
      slug.write(
        name
          .read()
          .normalize('NFKD')
          .toLowerCase()
          .replace(/ß/g, 'ss')
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^[^a-z]+|-+$/g, '')
          .slice(0, 32),
      );
  });
}

const QUERY = `query($slug:String!){event(slug:$slug){slug name phase startsAt endsAt timeZone holdSeconds reservedPrefixes serviceTypes{slug}
  ranges{id first last label privileged size available serviceTypes{slug name}}} serviceTypes{slug name retired}}`;

/** @param {import('../page.js').Page} page @param {string} slug */
export function showEvent(page, slug) {
  const place = page.place(
    () => ask(QUERY, { slug }, page.signal),
    ({ event, serviceTypes }) => {
      if (!event) return empty(t('missing.text'));
      document.title = `${event.name} · Switchboard`;
      return [
        h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, event.name)),
        h(
          'div',
          { class: 'columns' },
          h(
            'div',
            null,
            rangesSection(event, serviceTypes, () => place.reload()),
          ),
          h(
            'div',
            null,
            section(
              t('event.settings'),
              settings(event, serviceTypes, () => place.reload()),
            ),
          ),
        ),
      ];
    },
  );
  return place.node;
}

/** A UTC instant as a `datetime-local` shows it, on the reader's clock, and back. @param {string | null} instant */
const local = (instant) =>
  instant
    ? new Date(Date.parse(instant) - new Date(instant).getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
    : '';
/** @param {string} text */
const instant = (text) => (text ? new Date(text).toISOString() : null);

/** @param {() => void} reload */
function settings(event, types, reload) {
  const name = Field.text('name', t('event.name'), { value: event.name, maxlength: 64 });
  const phase = Field.choice(
    'phase',
    t('event.phase'),
    PHASES.map((one) => [one, t(`phase.${one}`), t(`phase.${one}.about`)]),
    { value: event.phase },
  );
  const startsAt = Field.text('startsAt', t('event.startsAt'), {
    type: 'datetime-local',
    value: local(event.startsAt),
  });
  const endsAt = Field.text('endsAt', t('event.endsAt'), { type: 'datetime-local', value: local(event.endsAt) });
  const timeZone = Field.text('timeZone', t('event.timeZone'), { value: event.timeZone, list: 'time-zones' });
  const holdSeconds = Field.integer('holdSeconds', t('event.hold'), {
    value: event.holdSeconds,
    help: t('event.holdHelp'),
  });
  const reservedPrefixes = Field.text('reservedPrefixes', t('event.reserved'), {
    value: event.reservedPrefixes.join(' '),
    help: t('event.reservedHelp'),
  });
  const offered = Field.many(
    'serviceTypes',
    t('event.services'),
    types.filter((one) => !one.retired).map((one) => [one.slug, one.name]),
    { value: event.serviceTypes.map((one) => one.slug) },
  );
  return [
    zones(),
    form({
      fields: [name, phase, offered, reservedPrefixes, holdSeconds, timeZone, startsAt, endsAt],
      submit: t('save'),
      body: [
        name.node,
        phase.node,
        types.length > 0 && offered.node,
        reservedPrefixes.node,
        holdSeconds.node,
        timeZone.node,
        h('div', { class: 'pair' }, startsAt.node, endsAt.node),
      ],
      send: () =>
        change(
          'updateEvent',
          {
            slug: event.slug,
            name: name.read(),
            phase: phase.read(),
            startsAt: instant(startsAt.read()),
            endsAt: instant(endsAt.read()),
            timeZone: timeZone.read(),
            holdSeconds: holdSeconds.read(),
            reservedPrefixes: reservedPrefixes
              .read()
              .split(/[\s,]+/)
              .filter(Boolean),
            serviceTypes: offered.read(),
          },
          'event{slug}',
        ),
      done: async () => {
        await session.refresh();
        say(t('saved'));
        reload();
      },
    }),
  ];
}

// The numbers that may be registered, and how many are left.

/** @param {() => void} reload */
export function rangesSection(event, types, reload) {
  const offered = types
    .filter((one) => !one.retired)
    .map((one) => /** @type {[string, string]} */ ([one.slug, one.name]));
  return h(
    'section',
    { class: 'section' },
    h(
      'div',
      { class: 'section-head' },
      h('h2', null, t('range.title')),
      h(
        'button',
        { type: 'button', onclick: () => createRanges(event, offered, reload) },
        icon('plus'),
        t('range.add'),
      ),
    ),
    event.ranges.length === 0
      ? empty(t('range.none'))
      : h(
          'ul',
          { class: 'list' },
          event.ranges.map((one) =>
            h(
              'li',
              { class: 'row' },
              h(
                'div',
                { class: 'grow' },
                h(
                  'div',
                  null,
                  bigNumber(`${one.first} – ${one.last}`),
                  one.privileged && h('span', { class: 'tag' }, t('range.privileged')),
                ),
                h(
                  'div',
                  { class: 'quiet' },
                  [one.label, one.serviceTypes.map((type) => type.name).join(', ')].filter(Boolean).join(' · '),
                ),
              ),
              fullness(one),
              button(t('range.edit'), () => edit(one, offered, reload), {
                'aria-label': t('range.editWhich', { first: one.first }),
              }),
            ),
          ),
        ),
  );
}

/** @param {[string, string][]} types @param {any} [range] */
function fieldsOf(types, range) {
  return {
    label: Field.text('label', t('range.label'), { value: range?.label ?? '', maxlength: 64, required: true }),
    privileged: Field.toggle('privileged', t('range.privilegedLabel'), { value: range?.privileged ?? false }),
    serviceTypes: Field.many('serviceTypes', t('range.services'), types, {
      value: range?.serviceTypes.map((one) => one.slug),
      help: t('range.servicesHelp'),
    }),
  };
}

/** @param {[string, string][]} types @param {() => void} reload */
function createRanges(event, types, reload) {
  const first = Field.text('first', t('range.first'), { inputmode: 'numeric', required: true, autocomplete: 'off' });
  const last = Field.text('last', t('range.last'), { inputmode: 'numeric', required: true, autocomplete: 'off' });
  const { label, privileged, serviceTypes } = fieldsOf(types);
  formDialog(t('range.add'), null, {
    fields: [first, last, label, privileged, serviceTypes],
    submit: t('admin.create'),
    body: [
      h('div', { class: 'pair' }, first.node, last.node),
      label.node,
      privileged.node,
      types.length > 0 && serviceTypes.node,
    ],
    send: () =>
      change(
        'createNumberRange',
        {
          event: event.slug,
          first: first.read(),
          last: last.read(),
          label: label.read(),
          privileged: privileged.read(),
          serviceTypes: serviceTypes.read(),
        },
        'range{id}',
      ),
    done: () => {
      say(t('saved'));
      reload();
    },
  });
}

/** @param {[string, string][]} types @param {() => void} reload */
function edit(range, types, reload) {
  const { label, privileged, serviceTypes } = fieldsOf(types, range);
  dialog({
    title: `${range.first} – ${range.last}`,
    body: null,
    content: (close) =>
      h(
        'div',
        { class: 'stack' },
        form({
          fields: [label, privileged, serviceTypes],
          submit: t('save'),
          cancel: close,
          send: () =>
            change(
              'updateNumberRange',
              { id: range.id, label: label.read(), privileged: privileged.read(), serviceTypes: serviceTypes.read() },
              'range{id}',
            ),
          done: () => {
            close();
            say(t('saved'));
            reload();
          },
        }),
        form({
          fields: [],
          submit: t('range.delete'),
          danger: true,
          send: () => change('deleteNumberRange', { id: range.id }, 'accepted'),
          done: () => {
            close();
            say(t('range.deleted'));
            reload();
          },
        }),
      ),
  });
}

// Kinds of service, as data: the schema on one side, the form that people will see on the other.

/** @param {import('../page.js').Page} page */
export function showTypes(page) {
  const place = page.place(
    () => ask('{serviceTypes{slug name description behaviour privileged retired schemaVersion}}', {}, page.signal),
    ({ serviceTypes }) => [
      h(
        'div',
        { class: 'actions' },
        h('a', { class: 'button primary', href: '/admin/services/new' }, icon('plus'), t('type.new')),
      ),
      serviceTypes.length === 0
        ? empty(t('type.none'))
        : h(
            'ul',
            { class: 'list' },
            serviceTypes.map((one) =>
              h(
                'li',
                { class: 'row' },
                h(
                  'div',
                  { class: 'grow' },
                  h('a', { class: 'name', href: `/admin/services/${one.slug}` }, one.name),
                  one.privileged && h('span', { class: 'tag' }, t('range.privileged')),
                  one.retired && h('span', { class: 'tag warn' }, t('type.retired')),
                  one.behaviour === 'CALL_GROUP' && h('span', { class: 'tag' }, t('type.group')),
                ),
                h('span', { class: 'quiet' }, t('type.version', { slug: one.slug, n: one.schemaVersion })),
              ),
            ),
          ),
    ],
  );
  return place.node;
}

const QUERY_TYPES = `query($slug:String!){serviceType(slug:$slug){slug name description instructions parameterSchema schemaVersion behaviour privileged groupCapable quota memberLimit retired settings
  templates{id name contentType format source}}}`;
const START = { type: 'object', additionalProperties: false, properties: {} };

/** @param {import('../page.js').Page} page @param {string} slug */
export function showType(page, slug) {
  const isNew = slug === 'new';
  const place = page.place(
    async () => (isNew ? { serviceType: null } : ask(QUERY_TYPES, { slug }, page.signal)),
    ({ serviceType }) => {
      if (!isNew && !serviceType) return empty(t('missing.text'));
      const title = serviceType?.name ?? t('type.new');
      document.title = `${title} · Switchboard`;
      return [
        h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, title)),
        workbench(serviceType, () => place.reload()),
        serviceType && templatesSection(serviceType, () => place.reload()),
      ];
    },
  );
  return place.node;
}
function typeFields(type) {
  const behaviours = ['ENDPOINT', 'CALL_GROUP'].map(
    (one) => /** @type {[string, string]} */ ([one, t(`type.behaviour.${one}`)]),
  );
  return {
    name: Field.text('name', t('type.name'), { value: type?.name ?? '', maxlength: 64, required: true }),
    slug: Field.text('slug', t('event.slug'), {
      value: type?.slug ?? '',
      maxlength: 32,
      help: t('event.slugHelp'),
      required: true,
    }),
    description: Field.area('description', t('type.description'), {
      value: type?.description ?? '',
      rows: 2,
      help: t('type.markdown'),
    }),
    parameterSchema: Field.area('parameterSchema', t('type.schema'), {
      value: JSON.stringify(type?.parameterSchema ?? START, null, 2),
      rows: 18,
      mono: true,
      help: t('type.schemaHelp'),
    }),
    instructions: Field.area('instructions', t('type.instructions'), {
      value: type?.instructions ?? '',
      rows: 6,
      mono: true,
      help: t('type.instructionsHelp'),
    }),
    settings: Field.area('settings', t('type.settings'), {
      value: JSON.stringify(type?.settings ?? {}, null, 2),
      rows: 4,
      mono: true,
      help: t('type.settingsHelp'),
    }),
    behaviour: Field.select('behaviour', t('type.behaviour'), behaviours, { value: type?.behaviour ?? 'ENDPOINT' }),
    privileged: Field.toggle('privileged', t('type.privileged'), { value: type?.privileged }),
    groupCapable: Field.toggle('groupCapable', t('type.groupCapable'), { value: type?.groupCapable }),
    quota: Field.integer('quota', t('type.quota'), { value: type?.quota ?? '', help: t('type.noLimit') }),
    memberLimit: Field.integer('memberLimit', t('type.memberLimit'), {
      value: type?.memberLimit ?? '',
      help: t('type.noLimit'),
    }),
    defaults: Field.area('defaults', t('type.defaults'), { mono: true, rows: 3, help: t('type.defaultsHelp') }),
    retired: Field.toggle('retired', t('type.retiredLabel'), { value: type?.retired, help: t('type.retiredHelp') }),
  };
}

/** What was typed as JSON; undefined where nothing was. @param {Field} field */
const json = (field) => (field.read().trim() === '' ? undefined : JSON.parse(field.read()));

/** @param {() => void} reload */
function workbench(type, reload) {
  const fields = typeFields(type);
  for (const field of [fields.parameterSchema, fields.settings, fields.defaults]) {
    field.check = () => {
      try {
        json(field);
        return null;
      } catch (error) {
        return t('violation.json', { message: /** @type {Error} */ (error).message });
      }
    };
  }
  if (!type) slugFrom(fields.name, fields.slug);
  const broken = h('div', null);
  fields.defaults.node.hidden = true;
  const preview = livePreview(fields.parameterSchema);
  const {
    name,
    slug,
    description,
    parameterSchema,
    instructions,
    settings,
    behaviour,
    privileged,
    groupCapable,
    quota,
    memberLimit,
    defaults,
    retired,
  } = fields;
  const more = h(
    'details',
    { class: 'more' },
    h('summary', null, t('type.more')),
    h(
      'div',
      { class: 'stack' },
      instructions.node,
      settings.node,
      !type && behaviour.node,
      privileged.node,
      groupCapable.node,
      quota.node,
      memberLimit.node,
      type && retired.node,
    ),
  );
  return h(
    'div',
    { class: 'workbench' },
    form({
      fields: [
        name,
        ...(type ? [] : [slug, behaviour]),
        description,
        parameterSchema,
        defaults,
        instructions,
        settings,
        privileged,
        groupCapable,
        quota,
        memberLimit,
        ...(type ? [retired] : []),
      ],
      submit: t(type ? 'save' : 'admin.create'),
      body: [
        name.node,
        !type && slug.node,
        description.node,
        fieldMaker(parameterSchema),
        parameterSchema.node,
        broken,
        defaults.node,
        more,
      ],
      send: async () => {
        const common = {
          name: name.read(),
          description: description.read(),
          instructions: instructions.read(),
          parameterSchema: json(parameterSchema) ?? {},
          settings: json(settings) ?? {},
          privileged: privileged.read(),
          groupCapable: groupCapable.read(),
          quota: quota.read(),
          memberLimit: memberLimit.read(),
        };
        if (!type)
          return change(
            'createServiceType',
            { slug: slug.read(), behaviour: behaviour.read(), ...common },
            'serviceType{slug}',
          );
        const payload = await change(
          'updateServiceType',
          {
            slug: type.slug,
            ...common,
            retired: retired.read(),
            expectedSchemaVersion: type.schemaVersion,
            ...(json(defaults) ? { defaults: json(defaults) } : {}),
          },
          'serviceType{slug} violationCount violations{extension{number} pointer message}',
        );
        fill(broken, payload.violationCount > 0 && violations(payload));
        if (payload.violationCount > 0) fields.defaults.node.hidden = false;
        return payload;
      },
      done: (payload) => {
        say(t('saved'));
        if (type) reload();
        else go(`/admin/services/${payload.serviceType.slug}`);
      },
    }),
    h('div', { class: 'preview' }, section(t('type.preview'), h('div', { class: 'card' }, preview))),
  );
}

/** The form that people will see, as the schema is typed. @param {Field} schema */
function livePreview(schema) {
  const place = h('div', null);
  const showTypes = () => {
    schema.clear();
    try {
      const form = new SchemaForm(JSON.parse(schema.read()), { isOperator: false });
      fill(place, form.parameters.length === 0 ? h('p', { class: 'quiet' }, t('type.previewNothing')) : form.node);
    } catch (error) {
      schema.fail(t('violation.json', { message: /** @type {Error} */ (error).message }));
    }
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  schema.control.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(showTypes, 150);
  });
  showTypes();
  return place;
}
const violations = (payload) =>
  h(
    'div',
    { class: 'notice bad' },
    h(
      'div',
      null,
      h('p', null, tn('type.breaks', payload.violationCount)),
      h(
        'ul',
        null,
        payload.violations
          .slice(0, 10)
          .map((one) => h('li', null, h('strong', null, one.extension.number), ` ${one.pointer}: ${one.message}`)),
      ),
    ),
  );

// Parameters for a schema, for people who do not write JSON.

/** @type {Record<string, any>} */
const KINDS = {
  text: { type: 'string', maxLength: 64 },
  integer: { type: 'integer' },
  boolean: { type: 'boolean', default: false },
  choice: { type: 'string', enum: ['A', 'B'] },
  password: { type: 'string', 'x-secret': true, 'x-generate': { kind: 'password', length: 16 } },
  mac: { type: 'string', pattern: '^[0-9a-f]{12}$', 'x-unique': 'EVENT' },
  reported: { type: 'string', maxLength: 100, 'x-editable-by': 'CONSUMER' },
};

/** Adds a parameter to the schema that stands in a field. @param {Field} schema */
export function fieldMaker(schema) {
  const title = Field.text('newField', t('maker.title'), { autocomplete: 'off' });
  const kind = Field.select(
    'newKind',
    t('maker.kind'),
    Object.keys(KINDS).map((one) => [one, t(`maker.${one}`)]),
  );
  const add = () => {
    title.clear();
    const name = nameFrom(title.read());
    if (!name) return title.fail(t('violation.required'));
    try {
      const whole = JSON.parse(schema.read());
      whole.properties = { ...whole.properties, [name]: { ...KINDS[kind.read()], title: title.read().trim() } };
      schema.write(JSON.stringify(whole, null, 2));
      schema.control.dispatchEvent(new Event('input'));
      title.write('');
      title.focus();
    } catch {
      schema.focus();
    }
  };
  title.control.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      add();
    }
  });
  return h(
    'div',
    { class: 'form inline', role: 'group', 'aria-label': t('maker.add') },
    title.node,
    kind.node,
    h('button', { type: 'button', onclick: add }, icon('plus'), t('maker.add')),
  );
}

/** @param {string} title */
const nameFrom = (title) =>
  title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '');

// Templates of a service type, and what each makes of sample data.

const TYPES = /** @type {Record<string, string>} */ ({
  TEXT: 'text/plain; charset=utf-8',
  JSON: 'application/json',
  XML: 'application/xml',
  INI: 'text/plain; charset=utf-8',
  SQL: 'application/sql',
  CSV: 'text/csv; charset=utf-8',
  LDIF: 'text/ldif',
  VCARD: 'text/vcard; charset=utf-8',
});

/** @param {() => void} reload */
export function templatesSection(type, reload) {
  return h(
    'section',
    { class: 'section' },
    h(
      'div',
      { class: 'section-head' },
      h('h2', null, t('template.title')),
      h('button', { type: 'button', onclick: () => editTemplate(type, null, reload) }, icon('plus'), t('template.add')),
    ),
    type.templates.length === 0
      ? empty(t('template.none'))
      : h(
          'ul',
          { class: 'list' },
          type.templates.map((one) =>
            h(
              'li',
              { class: 'row' },
              h(
                'div',
                { class: 'grow' },
                h('div', { class: 'name' }, one.name, h('span', { class: 'tag' }, one.format)),
                h('div', { class: 'quiet' }, one.contentType),
              ),
              button(t('range.edit'), () => editTemplate(type, one, reload), {
                'aria-label': t('template.editWhich', { name: one.name }),
              }),
            ),
          ),
        ),
  );
}

/** @param {() => void} reload */
function editTemplate(type, template, reload) {
  const name = Field.text('name', t('template.name'), {
    value: template?.name ?? '',
    required: true,
    help: template ? undefined : t('template.nameHelp'),
  });
  const format = Field.select(
    'format',
    t('template.format'),
    Object.keys(TYPES).map((one) => [one, one]),
    { value: template?.format ?? 'TEXT' },
  );
  const contentType = Field.text('contentType', t('template.contentType'), {
    value: template?.contentType ?? TYPES.TEXT,
  });
  format.control.addEventListener('change', () => contentType.write(TYPES[format.read()]));
  const source = Field.area('source', t('template.source'), {
    value:
      template?.source ?? '{% for extension in extensions %}{{ extension.number }} {{ extension.label }}\n{% endfor %}',
    rows: 14,
    mono: true,
    help: t('template.sourceHelp'),
  });
  const sample = h('pre', { tabindex: 0, 'aria-label': t('template.sample'), hidden: true });
  const box = dialog({
    title: template?.name ?? t('template.add'),
    body: null,
    content: (close) =>
      h(
        'div',
        { class: 'stack' },
        form({
          fields: [name, format, contentType, source],
          submit: t('template.save'),
          cancel: close,
          body: [name.node, h('div', { class: 'pair' }, format.node, contentType.node), source.node],
          send: () =>
            change(
              'saveTemplate',
              {
                serviceType: type.slug,
                name: name.read(),
                format: format.read(),
                contentType: contentType.read(),
                source: source.read(),
              },
              'template{id} sample',
            ),
          done: (payload) => {
            sample.textContent = payload.sample ?? '';
            sample.hidden = false;
            sample.focus();
            say(t('saved'));
            reload();
          },
        }),
        sample,
        template &&
          form({
            fields: [],
            submit: t('template.delete'),
            danger: true,
            send: () => change('deleteTemplate', { id: template.id }, 'accepted'),
            done: () => {
              close();
              reload();
            },
          }),
      ),
  });
  box.classList.add('broad');
}
