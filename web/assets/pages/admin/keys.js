// `/e/{event}/admin/keys`: API keys, and the telephone systems that read feeds with them.

import { multipleField, selectField, textField } from '../../forms/inputs.js';
import { button, h } from '../../lib/dom.js';
import { formatDateTime, formatRelative, t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { fromLocalInput } from '../../lib/time.js';
import { graphql, mutate, query } from '../../transport/http.js';
import { copyableText } from '../../ui/copy-button.js';
import { openDialog, openFormDialog } from '../../ui/dialog.js';
import { emptyState, list, quiet, section, tag } from '../../ui/layout.js';
import { runMutation } from '../../ui/mutation.js';
import { showToast } from '../../ui/toast.js';
import { lagItem, loadConsumers } from '../operate/consumers.js';
import { AdminPage } from './admin-page.js';

/** @typedef {import('../../../types/graphql.js').Data<'ApiKeys'>} ApiKeysData */
/** @typedef {import('../../../types/graphql.js').Item<ApiKeysData['apiKeys']>} ApiKey */
/** @typedef {import('../operate/consumers.js').Consumer} Consumer */
/** @typedef {import('../../../types/api.js').ApiKeyScope} ApiKeyScope */

const API_KEYS = graphql(`query ApiKeys {
  apiKeys {
    id label prefix scopes allEvents createdAt expiresAt lastUsedAt revokedAt
    events { slug name }
    serviceTypes { slug name }
  }
  events { slug name }
  serviceTypes { slug name retired }
}`);

/** @type {ApiKeyScope[]} */
const SCOPES = [
  'READ_CONFIG',
  'READ_DIGESTS',
  'READ_SECRETS',
  'WRITE_BACK',
  'READ_DIRECTORY',
  'MANAGE_GROUPS',
  'READ_METRICS',
];

/** @param {{ slug: string, name: string }[]} items @returns {[string, string][]} */
const slugChoices = (items) => items.map(({ slug, name }) => [slug, name]);

export default class KeysPage extends AdminPage {
  tab = '/admin/keys';

  /** @override */
  content() {
    const page = this.region(
      async () => {
        const [data, consumers] = await Promise.all([
          query(API_KEYS, {}, this.signal),
          this.event ? loadConsumers(this.event.slug, this.signal) : [],
        ]);
        return { data, consumers };
      },
      ({ data, consumers }) => [this.#keys(data, reload), this.#consumers(data, consumers, reload)],
    );
    const reload = () => page.reload();
    return page.node;
  }

  /** @param {ApiKeysData} data @param {() => void} reload */
  #keys(data, reload) {
    const openDialogForKey = () => openKeyDialog(data, this.event?.slug ?? null, reload);
    const create = button([icon('plus'), t('key.add')], openDialogForKey, { class: 'primary' });
    const rows = data.apiKeys.map((key) => keyRow(key, reload));
    const actions = h('div', { class: 'actions' }, create);
    return section(t('key.title'), quiet(t('key.text')), actions, rows.length > 0 && list(rows));
  }

  /** @param {ApiKeysData} data @param {Consumer[]} consumers @param {() => void} reload */
  #consumers({ apiKeys, serviceTypes }, consumers, reload) {
    if (!this.event) return null;
    const { slug, name } = this.event;
    const usable = apiKeys.filter((key) => !key.revokedAt);
    const connect = () => openConsumerDialog(slug, usable, serviceTypes, reload);
    return section(
      t('consumer.title', { event: name }),
      quiet(t('consumer.text')),
      usable.length > 0 && h('div', { class: 'actions' }, button([icon('plus'), t('consumer.add')], connect)),
      consumers.length === 0
        ? emptyState(t(usable.length === 0 ? 'consumer.needsKey' : 'feeds.none'))
        : list(consumers.map((consumer) => consumerRow(consumer, reload))),
    );
  }
}

/** @param {ApiKey} key */
function keyUse({ revokedAt, lastUsedAt }) {
  if (revokedAt) return t('key.revoked', { at: formatDateTime(revokedAt) });
  return lastUsedAt ? t('key.used', { since: formatRelative(lastUsedAt) }) : t('key.unused');
}

/** @param {ApiKey} key @param {() => void} reload */
function keyRow(key, reload) {
  const { id, label, prefix, scopes, serviceTypes, allEvents, events, expiresAt, revokedAt } = key;
  const names = (/** @type {{ name: string }[]} */ items) => items.map(({ name }) => name).join(', ');
  const scopeNames = scopes.map((scope) => t(`scope.${scope}`)).join(', ');
  const eventNames = allEvents ? t('key.allEvents') : names(events) || t('key.noEvent');
  const expiry = expiresAt && ` · ${t('key.expires', { at: formatDateTime(expiresAt) })}`;
  const openRevokeDialog = () =>
    openFormDialog(t('key.revokeWhich', { name: label }), t('key.revokeText'), {
      submit: t('key.revoke'),
      isDanger: true,
      send: () => mutate('revokeApiKey', { id }, 'accepted'),
      done: reload,
    });
  const revoke = button(t('key.revoke'), openRevokeDialog, {
    class: 'danger',
    'aria-label': t('key.revokeWhich', { name: label }),
  });
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, label, ' ', h('code', { class: 'quiet' }, `${prefix}…`)),
      h('div', { class: 'quiet' }, [scopeNames, names(serviceTypes), eventNames].filter(Boolean).join(' · ')),
      h('div', { class: 'quiet' }, keyUse(key), expiry),
    ),
    !revokedAt && revoke,
  );
}

/** @param {ApiKeysData} data @param {string | null} event @param {() => void} reload */
function openKeyDialog(data, event, reload) {
  const scopeChoices = SCOPES.map((scope) => /** @type {[ApiKeyScope, string]} */ ([scope, t(`scope.${scope}`)]));
  const offered = data.serviceTypes.filter((type) => !type.retired);
  const label = textField('label', t('key.label'), { required: true, maxlength: 64, help: t('key.labelHelp') });
  const scopes = multipleField('scopes', t('key.scopes'), scopeChoices, { value: ['READ_DIGESTS'] });
  const types = multipleField('serviceTypes', t('admin.services'), slugChoices(offered));
  const events = multipleField('events', t('admin.events'), slugChoices(data.events), { value: event ? [event] : [] });
  const expiresAt = textField('expiresAt', t('key.expiresLabel'), { type: 'datetime-local' });
  openFormDialog(t('key.add'), null, {
    fields: [label, scopes, types, events, expiresAt],
    submit: t('admin.create'),
    send: () => {
      const input = {
        label: label.read(),
        scopes: scopes.read(),
        serviceTypes: types.read(),
        events: events.read(),
        expiresAt: fromLocalInput(expiresAt.read()),
      };
      return mutate('createApiKey', input, 'apiKey { label } secret');
    },
    done: ({ apiKey, secret }) => {
      if (apiKey && secret) showSecret(apiKey.label, secret);
      reload();
    },
  });
}

/** Shows a new key, once. @param {string} label @param {string} secret */
function showSecret(label, secret) {
  openDialog({
    title: label,
    body: h('p', null, t('key.once')),
    content: (close) => {
      const done = button(t('key.kept'), close, { class: 'primary' });
      return h('div', { class: 'stack' }, copyableText(secret, label), h('div', { class: 'actions' }, done));
    },
  });
}

/**
 * @param {string} event
 * @param {ApiKey[]} keys
 * @param {{ slug: string, name: string }[]} serviceTypes
 * @param {() => void} reload
 */
function openConsumerDialog(event, keys, serviceTypes, reload) {
  const keyChoices = keys.map(({ id, label }) => /** @type {[string, string]} */ ([id, label]));
  const name = textField('name', t('consumer.name'), { required: true, help: t('consumer.nameHelp') });
  const apiKey = selectField('apiKey', t('consumer.key'), keyChoices);
  const serviceType = selectField('serviceType', t('desk.service'), slugChoices(serviceTypes), {
    value: keys[0].serviceTypes[0]?.slug,
  });
  openFormDialog(t('consumer.add'), null, {
    fields: [name, apiKey, serviceType],
    submit: t('admin.create'),
    send: () => {
      const input = { name: name.read(), event, serviceType: serviceType.read(), apiKey: apiKey.read() };
      return mutate('createFeedConsumer', input, 'consumer { id }');
    },
    done: () => {
      showToast(t('saved'));
      reload();
    },
  });
}

/** @param {Consumer} consumer @param {() => void} reload */
function consumerRow(consumer, reload) {
  const { id, name, paused, serviceType } = consumer;
  const togglePause = () =>
    runMutation('updateFeedConsumer', { id, paused: !paused }, 'consumer { id }', reload, t('saved'));
  const openRemoveDialog = () =>
    openFormDialog(t('group.removeWhom', { number: name }), t('consumer.removeText'), {
      submit: t('schema.remove'),
      isDanger: true,
      send: () => mutate('deleteFeedConsumer', { id }, 'accepted'),
      done: reload,
    });
  return h(
    'li',
    { class: 'row' },
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, name, tag(serviceType.name), paused && tag(t('feeds.paused'), 'warn')),
      h('ul', { class: 'states' }, lagItem(consumer)),
    ),
    button(t(paused ? 'group.resume' : 'group.pause'), togglePause, {
      'aria-label': t(paused ? 'consumer.resumeWhich' : 'consumer.pauseWhich', { name }),
    }),
    button(t('schema.remove'), openRemoveDialog, {
      class: 'danger',
      'aria-label': t('group.removeWhom', { number: name }),
    }),
  );
}
