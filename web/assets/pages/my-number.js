// One number: how to set the device up, its secrets, its settings, its groups, its history.

import { ask, change } from '../api.js';
import { fill, h, icon } from '../dom.js';
import { Field, form } from '../form.js';
import { clock, since, t } from '../i18n.js';
import { markdown } from '../markdown.js';
import { Page, dialog, empty, heading, pagedList, say, section } from '../page.js';
import { go, received } from '../router.js';
import { SchemaForm, reported } from '../schema-form.js';
import { askToSignIn } from '../credentials-dialog.js';
import { session } from '../session.js';
import { whenSystemsMove } from '../standing.js';
import { stateOf } from '../widgets.js';
import { credentialsPanel } from './credentials.js';
import { groupPanel, membershipPanel } from './groups.js';
import { numberField, visibilities } from './new-number.js';

const QUERY = `query($event:String!,$number:PhoneNumber!){viewer{id} extension(event:$event,number:$number){id number label visibility version active instructions fallbackNumber
  parameters createdAt event{slug name phase} owner{username displayName} permissions{slug name}
  serviceType{slug name behaviour parameterSchema memberLimit}
  restrictions{source reason} provisioning{consumer state at message}
  members{id number label delaySeconds paused membership} memberOf{id groupNumber groupLabel delaySeconds paused membership}}}`;

/** `/me/:number` */
export default class MyNumber extends Page {
  show() {
    const given = received();
    const event = session.event?.slug ?? '';
    const variables = { event, number: this.params.number };
    /** @type {string | null} what the form was made from: typing outlives a reload */
    let version = null;
    const live = h('div', null);
    const page = this.place(async () => {
      for (;;) {
        const data = await ask(QUERY, variables, this.signal);
        // A guest sees nothing here; so does somebody whose session has ended.
        if (data.viewer || !session.viewer || !(await askToSignIn(session.viewer.username))) return data.extension;
      }
    }, (extension) => {
      if (!extension) return [heading(this.params.number), empty(t('number.missing'), h('a', { class: 'button primary', href: '/me' }, t('nav.me')))];
      whenSystemsMove(this, [event], () => page.reload());
      fill(live, stateOf(extension));
      const mark = `${extension.id} ${extension.version} ${JSON.stringify([extension.members, extension.memberOf])}`;
      if (version === mark) return undefined;
      version = mark;
      return this.#sections(extension, live, given, () => page.reload());
    });
    fill(this, page.node);
  }

  /** @param {any} extension @param {HTMLElement} live @param {any} given @param {() => void} reload */
  #sections(extension, live, given, reload) {
    const facts = reported(extension.serviceType.parameterSchema, extension.parameters, session.isAtLeast('OPERATOR'));
    return [
      h('a', { class: 'back', href: '/me' }, icon('back'), t('nav.me')),
      h('div', { class: 'heading number-heading' }, h('h1', { tabindex: -1 }, h('span', { class: 'number huge' }, extension.number), ' ', h('span', { class: 'name' }, extension.label)),
        h('p', { class: 'quiet' }, [extension.serviceType.name, extension.event.name].join(' · ')), live),
      given?.isNew && h('div', { class: 'notice good', role: 'status' }, h('p', null, t('number.isNew'))),
      h('div', { class: 'columns' },
        h('div', null,
          section(t('number.setup'), markdown(extension.instructions), facts),
          credentialsPanel(extension, given?.generated ?? null, this.signal),
          extension.members && groupPanel(extension, reload)),
        h('div', null,
          section(t('number.settings'), settingsForm(extension, reload)),
          membershipPanel(extension, reload))),
      section(t('number.history'), historyOf(extension, this.signal)),
      section(t('number.change'), h('div', { class: 'actions' },
        h('button', { type: 'button', onclick: () => renumber(extension, this.signal) }, t('number.renumber')),
        h('button', { type: 'button', class: 'danger', onclick: () => remove(extension) }, t('number.delete')))),
    ];
  }

  connectedCallback() {
    super.connectedCallback();
    document.title = `${this.params.number} · Switchboard`;
  }
}

/** @param {any} extension @param {() => void} reload */
export function settingsForm(extension, reload) {
  const label = Field.text('label', t('field.label'), { value: extension.label, maxlength: 64 });
  const visibility = Field.choice('visibility', t('field.visibility'), visibilities(), { value: extension.visibility });
  const fallback = Field.text('fallbackNumber', t('field.fallback'), { value: extension.fallbackNumber ?? '', inputmode: 'tel', help: t('field.fallbackHelp') });
  const parameters = new SchemaForm(extension.serviceType.parameterSchema, { value: extension.parameters, isOperator: session.isAtLeast('OPERATOR') });
  return form({
    fields: () => [label, visibility, ...parameters.fields, fallback], submit: t('save'),
    body: [label.node, visibility.node, parameters.node, fallback.node],
    send: () => {
      const number = fallback.read().trim() || null;
      return change('updateExtension', { id: extension.id, expectedVersion: extension.version, label: label.read(), visibility: visibility.read(), parameters: parameters.read(),
        ...(number === extension.fallbackNumber ? {} : { fallbackNumber: number }) }, 'extension{id}');
    },
    done: () => { say(t('saved')); reload(); },
  });
}

/** Who had the number, and when. @param {any} extension @param {AbortSignal} signal */
export function historyOf(extension, signal) {
  return pagedList(async (after) => {
    const data = await ask('query($event:String,$number:PhoneNumber!,$after:String){number(event:$event,number:$number){history(first:10,after:$after){nodes{at from to account{username} actor} pageInfo{hasNextPage endCursor}}}}',
      { event: extension.event.slug, number: extension.number, after }, signal);
    return data.number?.history ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  }, (entry) => h('li', { class: 'row line' }, h('time', { datetime: entry.at, title: clock(entry.at) }, since(entry.at)),
    h('span', { class: 'grow' }, t('history.step', { from: t(`numberState.${entry.from}`), to: t(`numberState.${entry.to}`) })),
    h('span', { class: 'quiet' }, [entry.account?.username, entry.actor && t('history.by', { actor: entry.actor })].filter(Boolean).join(' · '))),
  signal, () => h('p', { class: 'quiet' }, t('history.none')));
}

/** @param {any} extension @param {AbortSignal} signal */
function renumber(extension, signal) {
  const number = numberField(extension.event.slug, extension.serviceType.slug, signal, t('number.newNumber'));
  dialog({ title: t('number.renumber'), body: h('p', null, t('number.renumberText', { number: extension.number })), content: (close) => form({
    fields: [number], submit: t('number.renumber'), cancel: close,
    send: () => change('renumberExtension', { id: extension.id, number: number.read(), expectedVersion: extension.version }, 'extension{number event{slug}}'),
    done: (payload) => { close(); say(t('number.renumbered', { number: payload.extension.number })); go(`/me/${payload.extension.number}${location.search}`); },
  }) });
}

/** @param {any} extension */
function remove(extension) {
  dialog({ title: t('number.deleteTitle', { number: extension.number }), body: h('p', null, t('number.deleteText')), content: (close) => form({
    fields: [], submit: t('number.delete'), danger: true, cancel: close,
    send: () => change('deleteExtension', { id: extension.id }, 'deletedId heldUntil'),
    done: (payload) => { close(); say(payload.heldUntil ? t('number.deletedHeld', { number: extension.number, until: clock(payload.heldUntil) }) : t('number.deleted', { number: extension.number })); go('/me'); },
  }) });
}
