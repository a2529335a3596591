// My numbers, each with its state.

import { button, clock, Field, fill, form, h, icon, since, t, tn } from '../elements.js';
import {
  act,
  bigNumber,
  copyButton,
  empty,
  formDialog,
  heading,
  markdown,
  Page,
  pagedList,
  Place,
  say,
  section,
  stateOf,
} from '../page.js';
import { resendButton } from './person.js';
import { go, received } from '../router.js';
import { canRegister, mayRead, parametersOf, reported, SchemaForm } from '../schema.js';
import { ask, askToSignIn, change, session, whenSystemsMove } from '../server.js';

const QUERY = `query($owner:String!,$after:String){extensions(owner:$owner,first:100,after:$after){nodes{id number label visibility active event{slug name} serviceType{name behaviour}
  restrictions{source reason} provisioning{consumer state at message}} pageInfo{hasNextPage endCursor}}
  groupInvitations{id groupNumber groupLabel number} viewer{heldNumbers(first:100){nodes{number until event{slug name phase}}}}}`;

/** `/me` */
export class MyNumbers extends Page {
  show() {
    const another = h('a', { class: 'button primary', href: '/me/new', hidden: true }, icon('plus'), t('me.get'));
    const list = this.place(
      () => ask(QUERY, { owner: session.viewer?.username }, this.signal),
      ({ extensions, groupInvitations, viewer }) => {
        whenSystemsMove(
          this,
          extensions.nodes.map((one) => one.event.slug),
          () => list.reload(),
        );
        another.hidden = extensions.nodes.length === 0;
        return [
          groupInvitations.map((one) => invitation(one, () => list.reload())),
          extensions.nodes.length === 0
            ? empty(t('me.empty'), h('a', { class: 'button primary', href: '/me/new' }, t('me.get')))
            : h(
                'div',
                { class: 'cards' },
                extensions.nodes.map((one) => card(one)),
              ),
          viewer?.heldNumbers.nodes.length > 0 &&
            section(
              t('held.title'),
              h('p', { class: 'quiet' }, t('held.text')),
              h(
                'ul',
                { class: 'list' },
                viewer.heldNumbers.nodes.map((one) => held(one, () => list.reload())),
              ),
            ),
        ];
      },
    );
    const verified = session.viewer?.emailVerifiedAt;
    fill(
      this,
      heading(t('nav.me'), another),
      !verified &&
        h(
          'div',
          { class: 'notice' },
          h('p', null, t('me.unverified', { email: session.viewer?.email ?? '' })),
          resendButton(session.viewer?.email ?? ''),
        ),
      session.viewer?.restrictions.map((one) =>
        h(
          'div',
          { class: 'notice bad' },
          h('p', null, h('strong', null, t(`restriction.${one.source}`)), ' ', one.reason),
        ),
      ),
      list.node,
    );
  }
}
function card(extension) {
  const href = pathOf(extension);
  const toggle = h('input', {
    type: 'checkbox',
    role: 'switch',
    class: 'switch',
    checked: extension.visibility !== 'HIDDEN',
    'aria-label': t('me.listed', { number: extension.number }),
    onchange: async () => {
      const visibility = toggle.checked ? 'PUBLIC' : 'HIDDEN';
      const isDone = await act(
        'updateExtension',
        { id: extension.id, visibility },
        'extension{visibility}',
        () => {
          note.textContent = t(`visibility.${visibility}`);
        },
        t(visibility === 'PUBLIC' ? 'me.isListed' : 'me.isHidden', { number: extension.number }),
      );
      if (!isDone) toggle.checked = !toggle.checked;
    },
  });
  const note = h('span', null, t(`visibility.${extension.visibility}`));
  return h(
    'article',
    { class: 'card extension' },
    h('a', { class: 'cover', href }, bigNumber(extension.number), h('span', { class: 'name' }, extension.label)),
    h('p', { class: 'quiet' }, extension.serviceType.name, session.events.length > 1 && ` · ${extension.event.name}`),
    stateOf(extension),
    h('label', { class: 'check listing' }, toggle, note),
  );
}

/** A number that is kept for its last owner. @param {any} one @param {() => void} reload */
function held({ number, until, event }, reload) {
  return h(
    'li',
    { class: 'row' },
    bigNumber(number),
    h(
      'div',
      { class: 'grow' },
      h('div', { title: clock(until) }, t('held.until', { until: since(until) })),
      session.events.length > 1 && event && h('div', { class: 'quiet' }, event.name),
    ),
    h(
      'div',
      { class: 'actions' },
      event &&
        (event.phase === 'OPEN' || session.isAtLeast('OPERATOR')) &&
        h(
          'a',
          {
            class: 'button',
            href: `/me/new?number=${number}&event=${event.slug}`,
            'aria-label': t('held.takeWhich', { number }),
          },
          t('held.take'),
        ),
      button(
        t('held.release'),
        () =>
          act('releaseHold', { event: event?.slug, number }, 'number{number}', reload, t('held.released', { number })),
        { 'aria-label': t('held.releaseWhich', { number }) },
      ),
    ),
  );
}

/** The address of an extension's page. */
export function pathOf(extension) {
  const isUsual = extension.event.slug === session.event?.slug;
  return `/me/${encodeURIComponent(extension.number)}${isUsual ? '' : `?event=${extension.event.slug}`}`;
}

/** @param {() => void} reload */
function invitation(member, reload) {
  const answer = (name, selection) => () => act(name, { id: member.id }, selection, reload);
  return h(
    'div',
    { class: 'notice' },
    h(
      'p',
      null,
      t('group.invitation', { group: `${member.groupLabel} (${member.groupNumber})`, number: member.number }),
    ),
    h(
      'div',
      { class: 'actions' },
      button(t('group.accept'), answer('acceptGroupInvitation', 'member{id}'), { class: 'primary' }),
      button(t('group.decline'), answer('declineGroupInvitation', 'accepted')),
    ),
  );
}

// A number in three clicks: a service, a number, Register.

/** `/me/new` */
export class NewNumber extends Page {
  show() {
    const event = session.event;
    const title = heading(t('new.title'));
    if (!event) return fill(this, title, empty(t('directory.noEvent')));
    if (!session.viewer?.emailVerifiedAt) {
      return fill(
        this,
        title,
        h(
          'div',
          { class: 'notice' },
          h('p', null, t('me.unverified', { email: session.viewer?.email ?? '' })),
          resendButton(session.viewer?.email ?? ''),
        ),
      );
    }
    const rest = h('div', null);
    const types = this.place(
      () =>
        ask(
          'query($event:String!){event(slug:$event){phase serviceTypes{slug name description parameterSchema privileged retired}}}',
          { event: event.slug },
          this.signal,
        ),
      (data) => {
        const isOperator = session.isAtLeast('OPERATOR');
        if (data.event.phase !== 'OPEN' && !isOperator) return empty(t(`phase.${data.event.phase}.closed`));
        const offered = data.event.serviceTypes.filter((one) => !one.retired && (!one.privileged || isOperator));
        if (offered.length === 0) return empty(t('new.noTypes'));
        return h(
          'div',
          { class: 'cards', role: 'radiogroup', 'aria-label': t('new.service') },
          offered.map((type) => this.#typeCard(type, isOperator, event.slug, rest)),
        );
      },
    );
    fill(this, title, types.node, rest);
  }

  /** @param {boolean} isOperator @param {string} event @param {HTMLElement} rest */
  #typeCard(type, isOperator, event, rest) {
    if (!canRegister(type.parameterSchema, isOperator)) {
      return h(
        'div',
        { class: 'card type away-from-reach' },
        h('strong', null, type.name),
        markdown(type.description),
        h('p', { class: 'quiet' }, t('new.askOperators')),
      );
    }
    const radio = h('input', {
      type: 'radio',
      name: 'service',
      class: 'away',
      onchange: () => this.#numbers(type, event, rest, isOperator),
    });
    return h('label', { class: 'card type' }, radio, h('strong', null, type.name), markdown(type.description));
  }

  /** @param {string} event @param {HTMLElement} rest @param {boolean} isOperator */
  async #numbers(type, event, rest, isOperator) {
    const before = rest.querySelector('.label-of-extension input');
    const label = Field.text('label', t('field.label'), {
      help: t('field.labelHelp'),
      maxlength: 64,
      wide: true,
      value: before instanceof HTMLInputElement ? before.value : (session.viewer?.displayName ?? ''),
    });
    label.node.classList.add('label-of-extension');
    const number = numberField(event, type.slug, this.signal);
    const parameters = new SchemaForm(type.parameterSchema, { isOperator });
    const visibility = Field.choice('visibility', t('field.visibility'), visibilities(), { value: 'PUBLIC' });
    fill(
      rest,
      h(
        'div',
        { class: 'card' },
        form({
          fields: () => [number, label, ...parameters.fields, visibility],
          submit: t('new.register'),
          body: [
            number.node,
            label.node,
            parameters.needed,
            h(
              'details',
              { class: 'more' },
              h('summary', null, t('new.more')),
              h('div', { class: 'stack' }, visibility.node, parameters.optional),
            ),
          ],
          send: () =>
            change(
              'registerExtension',
              {
                event,
                serviceType: type.slug,
                number: number.read() || null,
                label: label.read(),
                visibility: visibility.read(),
                parameters: parameters.read(),
              },
              'extension{id number event{slug}} generated',
            ),
          done: (payload) => go(pathOf(payload.extension), { generated: payload.generated, isNew: true }),
        }),
      ),
    );
    rest.scrollIntoView({
      block: 'nearest',
      behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth',
    });
  }
}

/** The four answers to who finds a number. @returns {[string, string, string][]} */
export const visibilities = () =>
  ['PUBLIC', 'MEMBERS', 'STAFF', 'HIDDEN'].map((one) => [one, t(`visibility.${one}`), t(`visibility.${one}.about`)]);

/** A number to be typed, or a word, or one of five that are free. @param {string} event @param {string} serviceType @param {AbortSignal} signal @param {string} [title] */
export function numberField(event, serviceType, signal, title = t('new.number')) {
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': t('number.free') });
  const field = Field.text('number', title, {
    help: t('new.numberHelp'),
    autocomplete: 'off',
    placeholder: t('new.numberPlaceholder'),
    required: true,
  });
  const input = /** @type {HTMLInputElement} */ (field.control);
  input.classList.add('number', 'dialling');
  input.value = new URLSearchParams(location.search).get('number') ?? '';
  field.problem.after(chips);
  let turn = 0;
  async function offer() {
    turn += 1;
    const mine = turn;
    const like = input.value.trim();
    const data = await ask(
      'query($event:String!,$serviceType:String!,$like:String){availableNumbers(event:$event,serviceType:$serviceType,like:$like,first:6)}',
      { event, serviceType, like: like || null },
      signal,
    ).catch(() => null);
    if (mine !== turn || !data) return;
    fill(
      chips,
      data.availableNumbers.map((free) =>
        button(
          free,
          () => {
            input.value = free;
            field.clear();
            for (const chip of chips.children) chip.setAttribute('aria-pressed', String(chip.textContent === free));
          },
          { class: 'chip number', 'aria-pressed': String(free === like) },
        ),
      ),
      data.availableNumbers.length === 0 && h('p', { class: 'quiet' }, t('new.noneFree')),
      button(
        t('new.others'),
        () => {
          input.value = '';
          offer();
        },
        { class: 'link' },
      ),
    );
  }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(offer, 120);
  });
  offer();
  return field;
}

// One number: how to set the device up, its secrets, its settings, its groups, its history.

const QUERY_NUMBER = `query($event:String!,$number:PhoneNumber!){viewer{id} extension(event:$event,number:$number){id number label visibility version active instructions fallbackNumber
  parameters createdAt event{slug name phase} owner{username displayName} permissions{slug name}
  serviceType{slug name behaviour parameterSchema memberLimit}
  restrictions{source reason} provisioning{consumer state at message}
  members{id number label delaySeconds paused membership} memberOf{id groupNumber groupLabel delaySeconds paused membership}}}`;

/** `/me/:number` */
export class MyNumber extends Page {
  show() {
    const given = received();
    const event = session.event?.slug ?? '';
    const variables = { event, number: this.params.number };
    /** @type {string | null} what the form was made from: typing outlives a reload */
    let version = null;
    const live = h('div', null);
    const page = this.place(
      async () => {
        for (;;) {
          const data = await ask(QUERY_NUMBER, variables, this.signal);
          // A guest sees nothing here; so does somebody whose session has ended.
          if (data.viewer || !session.viewer || !(await askToSignIn(session.viewer.username))) return data.extension;
        }
      },
      (extension) => {
        if (!extension)
          return [
            heading(this.params.number),
            empty(t('number.missing'), h('a', { class: 'button primary', href: '/me' }, t('nav.me'))),
          ];
        whenSystemsMove(this, [event], () => page.reload());
        fill(live, stateOf(extension));
        const mark = `${extension.id} ${extension.version} ${JSON.stringify([extension.members, extension.memberOf])}`;
        if (version === mark) return undefined;
        version = mark;
        return this.#sections(extension, live, given, () => page.reload());
      },
    );
    fill(this, page.node);
  }

  /** @param {HTMLElement} live @param {() => void} reload */
  #sections(extension, live, given, reload) {
    const facts = reported(extension.serviceType.parameterSchema, extension.parameters, session.isAtLeast('OPERATOR'));
    return [
      h('a', { class: 'back', href: '/me' }, icon('back'), t('nav.me')),
      h(
        'div',
        { class: 'heading number-heading' },
        h(
          'h1',
          { tabindex: -1 },
          h('span', { class: 'number huge' }, extension.number),
          ' ',
          h('span', { class: 'name' }, extension.label),
        ),
        h('p', { class: 'quiet' }, [extension.serviceType.name, extension.event.name].join(' · ')),
        live,
      ),
      given?.isNew && h('div', { class: 'notice good', role: 'status' }, h('p', null, t('number.isNew'))),
      h(
        'div',
        { class: 'columns' },
        h(
          'div',
          null,
          section(t('number.setup'), markdown(extension.instructions), facts),
          credentialsPanel(extension, given?.generated ?? null, this.signal),
          extension.members && groupPanel(extension, reload),
        ),
        h(
          'div',
          null,
          section(t('number.settings'), settingsForm(extension, reload)),
          membershipPanel(extension, reload),
        ),
      ),
      section(t('number.history'), historyOf(extension, this.signal)),
      section(
        t('number.change'),
        h(
          'div',
          { class: 'actions' },
          button(t('number.renumber'), () => renumber(extension, this.signal)),
          button(t('number.delete'), () => remove(extension), { class: 'danger' }),
        ),
      ),
    ];
  }

  connectedCallback() {
    super.connectedCallback();
    document.title = `${this.params.number} · Switchboard`;
  }
}

/** @param {() => void} reload */
export function settingsForm(extension, reload) {
  const label = Field.text('label', t('field.label'), { value: extension.label, maxlength: 64 });
  const visibility = Field.choice('visibility', t('field.visibility'), visibilities(), { value: extension.visibility });
  const fallback = Field.text('fallbackNumber', t('field.fallback'), {
    value: extension.fallbackNumber ?? '',
    inputmode: 'tel',
    help: t('field.fallbackHelp'),
  });
  const parameters = new SchemaForm(extension.serviceType.parameterSchema, {
    value: extension.parameters,
    isOperator: session.isAtLeast('OPERATOR'),
  });
  return form({
    fields: () => [label, visibility, ...parameters.fields, fallback],
    submit: t('save'),
    body: [label.node, visibility.node, parameters.node, fallback.node],
    send: () => {
      const number = fallback.read().trim() || null;
      return change(
        'updateExtension',
        {
          id: extension.id,
          expectedVersion: extension.version,
          label: label.read(),
          visibility: visibility.read(),
          parameters: parameters.read(),
          ...(number === extension.fallbackNumber ? {} : { fallbackNumber: number }),
        },
        'extension{id}',
      );
    },
    done: () => {
      say(t('saved'));
      reload();
    },
  });
}

/** Who had the number, and when. @param {AbortSignal} signal */
export function historyOf(extension, signal) {
  return pagedList(
    async (after) => {
      const data = await ask(
        'query($event:String,$number:PhoneNumber!,$after:String){number(event:$event,number:$number){history(first:10,after:$after){nodes{at from to account{username} actor} pageInfo{hasNextPage endCursor}}}}',
        { event: extension.event.slug, number: extension.number, after },
        signal,
      );
      return data.number?.history ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
    },
    (entry) =>
      h(
        'li',
        { class: 'row line' },
        h('time', { datetime: entry.at, title: clock(entry.at) }, since(entry.at)),
        h(
          'span',
          { class: 'grow' },
          t('history.step', { from: t(`numberState.${entry.from}`), to: t(`numberState.${entry.to}`) }),
        ),
        h(
          'span',
          { class: 'quiet' },
          [entry.account?.username, entry.actor && t('history.by', { actor: entry.actor })].filter(Boolean).join(' · '),
        ),
      ),
    signal,
    () => h('p', { class: 'quiet' }, t('history.none')),
  );
}

/** @param {AbortSignal} signal */
function renumber(extension, signal) {
  const number = numberField(extension.event.slug, extension.serviceType.slug, signal, t('number.newNumber'));
  formDialog(t('number.renumber'), t('number.renumberText', { number: extension.number }), {
    fields: [number],
    submit: t('number.renumber'),
    send: () =>
      change(
        'renumberExtension',
        { id: extension.id, number: number.read(), expectedVersion: extension.version },
        'extension{number event{slug}}',
      ),
    done: (payload) => {
      say(t('number.renumbered', { number: payload.extension.number }));
      go(`/me/${payload.extension.number}${location.search}`);
    },
  });
}
function remove(extension) {
  formDialog(t('number.deleteTitle', { number: extension.number }), t('number.deleteText'), {
    submit: t('number.delete'),
    danger: true,
    send: () => change('deleteExtension', { id: extension.id }, 'deletedId heldUntil'),
    done: (payload) => {
      say(
        payload.heldUntil
          ? t('number.deletedHeld', { number: extension.number, until: clock(payload.heldUntil) })
          : t('number.deleted', { number: extension.number }),
      );
      go('/me');
    },
  });
}

// Secrets of an extension: shown after the password, copied, rotated, and handed to a device with a QR code.

/** @param {Record<string, string> | null} generated what was made just now @param {AbortSignal} signal */
export function credentialsPanel(extension, generated, signal) {
  const secrets = parametersOf(extension.serviceType.parameterSchema).filter(
    (one) => one.secret && mayRead(one, session.isAtLeast('OPERATOR')),
  );
  if (secrets.length === 0) return null;
  const place = h('div', { class: 'credentials' });
  const show = async () => {
    const data = await ask(
      'query($event:String!,$number:PhoneNumber!){extension(event:$event,number:$number){credentials}}',
      { event: extension.event.slug, number: extension.number },
      signal,
    ).catch((error) => error);
    if (data instanceof Error) return say(data.message);
    const known = data.extension?.credentials ?? {};
    const lines = secrets.filter((one) => known[one.name] !== undefined);
    fill(
      place,
      lines.length === 0
        ? h('p', { class: 'quiet' }, t('credentials.none'))
        : lines.map((one) => secretLine(extension, one, String(known[one.name]))),
    );
  };
  if (generated && Object.keys(generated).length > 0) {
    fill(
      place,
      secrets
        .filter((one) => generated[one.name] !== undefined)
        .map((one) => secretLine(extension, one, String(generated[one.name]))),
    );
  } else {
    fill(place, h('p', { class: 'quiet' }, t('credentials.text')), button(t('credentials.show'), show));
  }
  return section(t('credentials.title'), place, devicePanel(extension, signal));
}

/** Two ways to set a device up without typing: a code for a softphone, an address for a desk phone. @param {AbortSignal} signal */
function devicePanel(extension, signal) {
  const node = h('div', { class: 'stack' });
  ask(
    'query($slug:String!){serviceType(slug:$slug){deviceTemplates}}',
    { slug: extension.serviceType.slug },
    signal,
  ).then(
    ({ serviceType }) => {
      if (serviceType?.deviceTemplates.length > 0)
        fill(
          node,
          extension.parameters.mac === undefined && softphone(extension, serviceType.deviceTemplates),
          deskPhones(extension, serviceType.deviceTemplates, signal),
        );
    },
    () => {},
  );
  return node;
}

/** Which document the device reads; nobody is asked where there is but one. @param {string[]} templates @param {(name: string) => boolean} like */
function templateField(templates, like) {
  const field = Field.select(
    'template',
    t('device.for'),
    templates.map((name) => [name, name.replace(/\.\w+$/, '')]),
    { value: templates.find(like) },
  );
  field.node.hidden = templates.length === 1;
  return field;
}

/** @param {string} url @param {string} name how a screen reader names it */
const addressOf = (url, name) =>
  h('div', { class: 'joined' }, h('code', { class: 'secret' }, url), copyButton(url, name));

/** A link that is good once, in a code. @param {string[]} templates */
function softphone(extension, templates) {
  const template = templateField(templates, (name) => name.includes('phone'));
  const place = h(
    'div',
    { class: 'qr' },
    h('h3', null, t('device.title')),
    h('p', { class: 'quiet' }, t('device.text')),
    template.node,
    button(t('device.show'), () =>
      act(
        'createSoftphoneLink',
        { extension: extension.id, template: template.read() },
        'url qrCode link{expiresAt}',
        ({ url, qrCode, link }) =>
          fill(
            place,
            h('h3', null, t('device.title')),
            h('img', {
              src: `data:image/svg+xml,${encodeURIComponent(qrCode)}`,
              alt: t('device.alt'),
              width: 256,
              height: 256,
            }),
            h('p', { class: 'quiet' }, t('device.until', { until: clock(link.expiresAt) })),
            addressOf(url, t('device.link')),
          ),
      ),
    ),
  );
  return place;
}

/** Links that desk phones keep, each known by its MAC address. @param {string[]} templates @param {AbortSignal} signal */
function deskPhones(extension, templates, signal) {
  const { mac: known, model } = extension.parameters;
  const template = templateField(templates, (name) => name.startsWith(model));
  const mac = Field.text('mac', t('device.mac'), {
    value: known,
    help: t('device.macHelp'),
    autocomplete: 'off',
    mono: true,
    required: true,
    placeholder: '00:15:65:12:34:56',
  });
  const made = h('div', { class: 'qr', role: 'status' });
  const links = new Place(
    async () =>
      (
        await ask(
          'query($id:ID!){node(id:$id){...on Extension{deviceLinks{id template mac fetchedAt}}}}',
          { id: extension.id },
          signal,
        )
      ).node?.deviceLinks ?? [],
    (found) =>
      h(
        'ul',
        { class: 'list' },
        found
          .filter((one) => one.mac)
          .map((one) =>
            h(
              'li',
              { class: 'row' },
              h(
                'div',
                { class: 'grow' },
                h('code', null, one.mac),
                h(
                  'div',
                  { class: 'quiet' },
                  one.template,
                  ' · ',
                  one.fetchedAt ? t('device.fetched', { since: since(one.fetchedAt) }) : t('device.unfetched'),
                ),
              ),
              button(
                t('key.revoke'),
                () =>
                  act(
                    'revokeDeviceLink',
                    { id: one.id },
                    'accepted',
                    () => {
                      fill(made);
                      links.reload();
                    },
                    t('device.revoked'),
                  ),
                { class: 'danger', 'aria-label': t('key.revokeWhich', { name: one.mac }) },
              ),
            ),
          ),
      ),
    signal,
  );
  return h(
    'details',
    { class: 'more', open: known !== undefined },
    h('summary', null, t('device.desk')),
    h(
      'div',
      { class: 'stack' },
      h('p', { class: 'quiet' }, t('device.deskText')),
      form({
        fields: [mac, template],
        submit: t('device.make'),
        quiet: true,
        send: () =>
          change('createDeskPhoneLink', { extension: extension.id, mac: mac.read(), template: template.read() }, 'url'),
        // An answer that was lost is given again without the address: it is shown once.
        done: ({ url }) => {
          fill(made, url && [h('p', null, t('device.once')), addressOf(url, t('device.deskLink'))]);
          links.reload();
        },
      }),
      made,
      links.node,
    ),
  );
}

/** @param {import('../schema.js').Parameter} parameter @param {string} secret */
function secretLine(extension, parameter, secret) {
  const value = h('code', { class: 'secret' }, secret);
  const holder = h('span', { class: 'joined' }, value, copyButton(secret, parameter.title));
  const rotate = () =>
    act(
      'rotateSecret',
      { id: extension.id, parameter: parameter.name },
      'generated',
      ({ generated }) => {
        const fresh = generated?.[parameter.name];
        if (fresh === undefined) return;
        value.textContent = fresh;
        fill(holder, value, copyButton(fresh, parameter.title));
      },
      t('credentials.rotated'),
    );
  return h(
    'div',
    { class: 'secret-line' },
    h('span', { class: 'label' }, parameter.title),
    holder,
    parameter.generate && button(t('credentials.rotate'), rotate, { class: 'link' }),
  );
}

// Call groups: who rings, and which groups ring this number.

/** The members of a group. @param {() => void} reload */
export function groupPanel(extension, reload) {
  const number = Field.text('number', t('group.inviteNumber'), { inputmode: 'tel', required: true });
  const delay = Field.integer('delaySeconds', t('group.delay'), { value: 0, help: t('group.delayHelp') });
  const limit = extension.serviceType.memberLimit;
  return section(
    t('group.members'),
    extension.members.length === 0
      ? empty(t('group.empty'))
      : h(
          'ul',
          { class: 'list' },
          extension.members.map((one) => memberRow(one, reload)),
        ),
    limit && h('p', { class: 'quiet' }, t('group.limit', { n: extension.members.length, limit })),
    form({
      fields: [number, delay],
      submit: t('group.invite'),
      quiet: true,
      inline: true,
      send: () =>
        change(
          'inviteToGroup',
          { group: extension.id, number: number.read(), delaySeconds: delay.read() ?? 0 },
          'member{id}',
        ),
      done: () => {
        say(t('group.invited'));
        reload();
      },
    }),
  );
}

/** @param {() => void} reload */
function memberRow(member, reload) {
  const about =
    member.membership === 'PENDING'
      ? t('group.pending')
      : member.paused
        ? t('group.paused')
        : member.delaySeconds > 0
          ? tn('group.after', member.delaySeconds)
          : t('group.atOnce');
  return h(
    'li',
    { class: 'row' },
    bigNumber(member.number),
    h('div', { class: 'grow' }, h('div', { class: 'name' }, member.label), h('div', { class: 'quiet' }, about)),
    member.membership === 'ACTIVE' && pauseButton(member, reload),
    button(t('schema.remove'), () => act('removeGroupMember', { id: member.id }, 'accepted', reload), {
      'aria-label': t('group.removeWhom', { number: member.number }),
    }),
  );
}

/** @param {() => void} reload */
const pauseButton = (member, reload) =>
  button(t(member.paused ? 'group.resume' : 'group.pause'), () =>
    act('updateGroupMember', { id: member.id, paused: !member.paused }, 'member{id}', reload),
  );

/** The groups that ring it. @param {() => void} reload */
export function membershipPanel(extension, reload) {
  if (extension.memberOf.length === 0) return null;
  return section(
    t('group.memberOf'),
    h(
      'ul',
      { class: 'list' },
      extension.memberOf.map((one) =>
        h(
          'li',
          { class: 'row' },
          bigNumber(one.groupNumber),
          h(
            'div',
            { class: 'grow' },
            h('div', { class: 'name' }, one.groupLabel),
            h(
              'div',
              { class: 'quiet' },
              one.membership === 'PENDING'
                ? t('group.pendingMine')
                : one.paused
                  ? t('group.paused')
                  : tn('group.after', one.delaySeconds),
            ),
          ),
          one.membership === 'PENDING'
            ? [
                button(t('group.accept'), () => act('acceptGroupInvitation', { id: one.id }, 'member{id}', reload), {
                  class: 'primary',
                }),
                button(t('group.decline'), () => act('declineGroupInvitation', { id: one.id }, 'accepted', reload)),
              ]
            : [
                pauseButton(one, reload),
                button(t('group.leave'), () => act('leaveGroup', { id: one.id }, 'accepted', reload)),
              ],
        ),
      ),
    ),
  );
}
