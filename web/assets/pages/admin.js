// What an admin configures.

import { button, clock, Field, fill, form, h, icon, since, t } from '../elements.js';
import { act, copyButton, dialog, empty, formDialog, heading, Page, pagedList, say, section } from '../page.js';
import { slugFrom, showEvent, showEvents, showType, showTypes } from './admin-config.js';
import { consumersOf, lag } from './desk.js';
import { tabs } from '../router.js';
import { ask, change, session } from '../server.js';

/** @type {Record<string, () => Promise<{ show: (page: Page, name: string) => import('../elements.js').Child, showOne?: (page: Page, name: string) => import('../elements.js').Child }>>} */
const PARTS = {
  events: async () => ({ show: showEvents, showOne: showEvent }),
  services: async () => ({ show: showTypes, showOne: showType }),
  permissions: async () => ({ show: showPermissions }),
  people: async () => ({ show: showPeople }),
  keys: async () => ({ show: showKeys }),
  import: () => import('./admin-import.js'),
};

/** `/admin` and everything below it. */
export class Admin extends Page {
  async show() {
    const part = this.params.part ?? 'events';
    const name = this.params.name ?? '';
    const load = PARTS[part];
    if (!load) return fill(this, heading(t('missing.title')), h('p', null, t('missing.text')));
    const shown = await load();
    if (this.signal.aborted) return;
    const body = h('div', { class: 'part' });
    fill(
      this,
      name === '' && heading(t('nav.admin')),
      tabs(
        '/admin',
        [
          ['', t('admin.events')],
          ['services', t('admin.services')],
          ['permissions', t('admin.permissions')],
          ['people', t('admin.people')],
          ['keys', t('admin.keys')],
          ['import', t('admin.import')],
        ],
        part === 'events' ? '' : part,
      ),
      body,
    );
    fill(body, name === '' || !shown.showOne ? shown.show(this, name) : shown.showOne(this, name));
  }
}

// Call permissions: flags that telephone systems honour.

/** @param {import('../page.js').Page} page */
function showPermissions(page) {
  const place = page.place(
    () => ask('{callPermissions{id slug name description highlightsInDirectory}}', {}, page.signal),
    ({ callPermissions }) => [
      h(
        'div',
        { class: 'actions' },
        h(
          'button',
          { type: 'button', class: 'primary', onclick: () => edit(null, () => place.reload()) },
          icon('plus'),
          t('permission.add'),
        ),
      ),
      callPermissions.length === 0
        ? empty(t('permission.none'))
        : h(
            'ul',
            { class: 'list' },
            callPermissions.map((one) =>
              h(
                'li',
                { class: 'row' },
                h(
                  'div',
                  { class: 'grow' },
                  h(
                    'div',
                    { class: 'name' },
                    one.name,
                    one.highlightsInDirectory && h('span', { class: 'tag accent' }, t('permission.highlights')),
                  ),
                  h('div', { class: 'quiet' }, `${one.slug} · ${one.description}`),
                ),
                button(t('range.edit'), () => edit(one, () => place.reload()), {
                  'aria-label': t('template.editWhich', { name: one.name }),
                }),
              ),
            ),
          ),
    ],
  );
  return place.node;
}

/** @param {() => void} reload */
function edit(permission, reload) {
  const name = Field.text('name', t('type.name'), { value: permission?.name ?? '', required: true, maxlength: 64 });
  const slug = Field.text('slug', t('event.slug'), { required: true, help: t('event.slugHelp') });
  const description = Field.text('description', t('permission.description'), { value: permission?.description ?? '' });
  const highlights = Field.toggle('highlightsInDirectory', t('permission.highlightsLabel'), {
    value: permission?.highlightsInDirectory,
  });
  slugFrom(name, slug);
  const values = () => ({
    name: name.read(),
    description: description.read(),
    highlightsInDirectory: highlights.read(),
  });
  dialog({
    title: permission?.name ?? t('permission.add'),
    body: null,
    content: (close) =>
      h(
        'div',
        { class: 'stack' },
        form({
          fields: permission ? [name, description, highlights] : [name, slug, description, highlights],
          submit: t(permission ? 'save' : 'admin.create'),
          cancel: close,
          send: () =>
            permission
              ? change('updateCallPermission', { id: permission.id, ...values() }, 'permission{id}')
              : change('createCallPermission', { slug: slug.read(), ...values() }, 'permission{id}'),
          done: () => {
            close();
            say(t('saved'));
            reload();
          },
        }),
        permission &&
          form({
            fields: [],
            submit: t('permission.delete'),
            danger: true,
            send: () => change('deleteCallPermission', { id: permission.id }, 'accepted'),
            done: () => {
              close();
              reload();
            },
          }),
      ),
  });
}

// Who may do what.

const ROLES = ['USER', 'OPERATOR', 'ADMIN'];

/** @param {import('../page.js').Page} page */
function showPeople(page) {
  const box = h('input', {
    type: 'search',
    class: 'searchbox small',
    'aria-label': t('people.search'),
    placeholder: t('people.search'),
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const place = h('div', null);
  const list = () => {
    const search = box.value.trim() || null;
    // Without a search those come who already have a say.
    const load = (role) => async (after) =>
      (
        await ask(
          'query($search:String,$role:Role,$after:String){accounts(search:$search,role:$role,after:$after){nodes{username displayName role} pageInfo{hasNextPage endCursor}}}',
          { search, role, after },
          page.signal,
        )
      ).accounts;
    place.replaceChildren(
      ...(search
        ? [pagedList(load(null), row, page.signal, () => empty(t('people.none')))]
        : ['ADMIN', 'OPERATOR', 'USER'].map((role) =>
            h(
              'section',
              { class: 'section' },
              h('h2', null, t(`people.${role}`)),
              pagedList(load(role), row, page.signal, () => h('p', { class: 'quiet' }, t('people.noneYet'))),
            ),
          )),
    );
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  box.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(list, 120);
  });
  list();
  return [h('p', { class: 'quiet' }, t('people.text')), h('div', { class: 'search' }, icon('search'), box), place];
}
function row(account) {
  const select = h(
    'select',
    {
      'aria-label': t('people.roleOf', { name: account.username }),
      disabled: account.username === session.viewer?.username,
      onchange: async () => {
        const role = ROLES[select.selectedIndex];
        if (
          !(await act(
            'setRole',
            { username: account.username, role },
            'account{id}',
            () => {
              account.role = role;
            },
            t('people.changed', { name: account.username, role: t(`role.${role}`) }),
          ))
        )
          select.selectedIndex = ROLES.indexOf(account.role);
      },
    },
    ROLES.map((role) => h('option', { value: role, selected: role === account.role }, t(`role.${role}`))),
  );
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('a', { class: 'name', href: `/operate/accounts/${encodeURIComponent(account.username)}` }, account.username),
      h('div', { class: 'quiet' }, account.displayName),
    ),
    h('div', null, select),
  );
}

// Keys of telephone systems, and the feeds that each reads.

const SCOPES = ['READ_CONFIG', 'READ_DIGESTS', 'READ_SECRETS', 'WRITE_BACK', 'READ_DIRECTORY', 'MANAGE_GROUPS'];
const QUERY =
  '{apiKeys{id label prefix scopes allEvents events{slug name} serviceTypes{slug name} createdAt expiresAt lastUsedAt revokedAt} events{slug name} serviceTypes{slug name retired}}';

/** @param {import('../page.js').Page} page */
function showKeys(page) {
  const event = session.event?.slug;
  const place = page.place(
    async () => ({
      ...(await ask(QUERY, {}, page.signal)),
      consumers: event ? await consumersOf(event, page.signal) : [],
    }),
    (data) => {
      const reload = () => place.reload();
      const usable = data.apiKeys.filter((one) => !one.revokedAt);
      return [
        section(
          t('key.title'),
          h('p', { class: 'quiet' }, t('key.text')),
          h(
            'div',
            { class: 'actions' },
            h(
              'button',
              { type: 'button', class: 'primary', onclick: () => create(data, reload) },
              icon('plus'),
              t('key.add'),
            ),
          ),
          data.apiKeys.length === 0
            ? null
            : h(
                'ul',
                { class: 'list' },
                data.apiKeys.map((one) => keyRow(one, reload)),
              ),
        ),
        event &&
          section(
            t('consumer.title', { event: session.event?.name ?? '' }),
            h('p', { class: 'quiet' }, t('consumer.text')),
            usable.length > 0 &&
              h(
                'div',
                { class: 'actions' },
                h(
                  'button',
                  { type: 'button', onclick: () => connect(event, usable, data.serviceTypes, reload) },
                  icon('plus'),
                  t('consumer.add'),
                ),
              ),
            data.consumers.length === 0
              ? empty(t(usable.length === 0 ? 'consumer.needsKey' : 'feeds.none'))
              : h(
                  'ul',
                  { class: 'list' },
                  data.consumers.map((one) => consumerRow(one, reload)),
                ),
          ),
      ];
    },
  );
  return place.node;
}

/** @param {() => void} reload */
function keyRow(key, reload) {
  const where = key.allEvents ? t('key.allEvents') : key.events.map((one) => one.name).join(', ') || t('key.noEvent');
  const facts = [
    key.scopes.map((one) => t(`scope.${one}`)).join(', '),
    key.serviceTypes.map((one) => one.name).join(', '),
    where,
  ]
    .filter(Boolean)
    .join(' · ');
  const life = key.revokedAt
    ? t('key.revoked', { at: clock(key.revokedAt) })
    : key.lastUsedAt
      ? t('key.used', { since: since(key.lastUsedAt) })
      : t('key.unused');
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, key.label, ' ', h('code', { class: 'quiet' }, `${key.prefix}…`)),
      h('div', { class: 'quiet' }, facts),
      h('div', { class: 'quiet' }, life, key.expiresAt && ` · ${t('key.expires', { at: clock(key.expiresAt) })}`),
    ),
    !key.revokedAt &&
      button(
        t('key.revoke'),
        () =>
          formDialog(t('key.revokeWhich', { name: key.label }), t('key.revokeText'), {
            submit: t('key.revoke'),
            danger: true,
            send: () => change('revokeApiKey', { id: key.id }, 'accepted'),
            done: reload,
          }),
        { class: 'danger', 'aria-label': t('key.revokeWhich', { name: key.label }) },
      ),
  );
}

/** @param {() => void} reload */
function create(data, reload) {
  const label = Field.text('label', t('key.label'), { required: true, maxlength: 64, help: t('key.labelHelp') });
  const scopes = Field.many(
    'scopes',
    t('key.scopes'),
    SCOPES.map((one) => [one, t(`scope.${one}`)]),
    { value: ['READ_DIGESTS'] },
  );
  const types = Field.many(
    'serviceTypes',
    t('admin.services'),
    data.serviceTypes.filter((one) => !one.retired).map((one) => [one.slug, one.name]),
  );
  const events = Field.many(
    'events',
    t('admin.events'),
    data.events.map((one) => [one.slug, one.name]),
    { value: session.event ? [session.event.slug] : [] },
  );
  const expiresAt = Field.text('expiresAt', t('key.expiresLabel'), { type: 'datetime-local' });
  formDialog(t('key.add'), null, {
    fields: [label, scopes, types, events, expiresAt],
    submit: t('admin.create'),
    send: () =>
      change(
        'createApiKey',
        {
          label: label.read(),
          scopes: scopes.read(),
          serviceTypes: types.read(),
          events: events.read(),
          expiresAt: expiresAt.read() ? new Date(expiresAt.read()).toISOString() : null,
        },
        'apiKey{label} secret',
      ),
    done: (payload) => {
      reveal(payload);
      reload();
    },
  });
}
function reveal(payload) {
  dialog({
    title: payload.apiKey.label,
    body: h('p', null, t('key.once')),
    content: (close) =>
      h(
        'div',
        { class: 'stack' },
        h(
          'div',
          { class: 'joined' },
          h('code', { class: 'secret grow' }, payload.secret),
          copyButton(payload.secret, payload.apiKey.label),
        ),
        h('div', { class: 'actions' }, button(t('key.kept'), close, { class: 'primary' })),
      ),
  });
}

/** @param {string} event @param {() => void} reload */
function connect(event, keys, types, reload) {
  const name = Field.text('name', t('consumer.name'), { required: true, help: t('consumer.nameHelp') });
  const apiKey = Field.select(
    'apiKey',
    t('consumer.key'),
    keys.map((one) => [one.id, one.label]),
  );
  const serviceType = Field.select(
    'serviceType',
    t('desk.service'),
    types.map((one) => [one.slug, one.name]),
    { value: keys[0].serviceTypes[0]?.slug },
  );
  formDialog(t('consumer.add'), null, {
    fields: [name, apiKey, serviceType],
    submit: t('admin.create'),
    send: () =>
      change(
        'createFeedConsumer',
        { name: name.read(), event, serviceType: serviceType.read(), apiKey: apiKey.read() },
        'consumer{id}',
      ),
    done: () => {
      say(t('saved'));
      reload();
    },
  });
}

/** @param {() => void} reload */
function consumerRow(one, reload) {
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h(
        'div',
        { class: 'name' },
        one.name,
        h('span', { class: 'tag' }, one.serviceType.name),
        one.paused && h('span', { class: 'tag warn' }, t('feeds.paused')),
      ),
      h('ul', { class: 'states' }, lag(one)),
    ),
    button(
      t(one.paused ? 'group.resume' : 'group.pause'),
      () => act('updateFeedConsumer', { id: one.id, paused: !one.paused }, 'consumer{id}', reload, t('saved')),
      { 'aria-label': t(one.paused ? 'consumer.resumeWhich' : 'consumer.pauseWhich', { name: one.name }) },
    ),
    button(
      t('schema.remove'),
      () =>
        formDialog(t('group.removeWhom', { number: one.name }), t('consumer.removeText'), {
          submit: t('schema.remove'),
          danger: true,
          send: () => change('deleteFeedConsumer', { id: one.id }, 'accepted'),
          done: reload,
        }),
      { class: 'danger', 'aria-label': t('group.removeWhom', { number: one.name }) },
    ),
  );
}
