// The desk: somebody stands there and wants an answer.

import { button, clock, count, duration, Field, fill, form, h, icon, since, t, tn } from '../elements.js';
import {
  act,
  bigNumber,
  empty,
  formDialog,
  heading,
  markdown,
  Page,
  pagedList,
  say,
  section,
  stateOf,
} from '../page.js';
import { credentialsPanel, historyOf, settingsForm, visibilities } from './numbers.js';
import { go, tabs } from '../router.js';
import { reported, SchemaForm } from '../schema.js';
import { ask, change, session, whenSystemsMove } from '../server.js';

/** `/operate` and everything below it. */
export class Operate extends Page {
  show() {
    const { part = '', name = '' } = this.params;
    const isList = part === 'numbers' || part === 'accounts' ? '' : part;
    const showPart = name
      ? { numbers: showNumber, accounts: showAccount }[part]
      : { reservations: showReservations, feeds: showFeeds, audit: showAudit }[part];
    const body = h('div', { class: 'part' });
    fill(
      this,
      name === '' && heading(t('nav.operate')),
      tabs(
        '/operate',
        [
          ['', t('desk.find')],
          ['reservations', t('desk.reservations')],
          ['feeds', t('desk.feeds')],
          ['audit', t('desk.audit')],
        ],
        name === '' ? isList : '-',
      ),
      body,
    );
    fill(body, (showPart ?? showFind)(this, name));
  }
}

// Anything by number, name or account: one box.

const QUERY = `query($event:String!,$search:String,$number:PhoneNumber!,$isNumber:Boolean!){
  extensions(event:$event,search:$search,first:20){totalCount nodes{number label owner{username displayName} serviceType{name} restrictions{source reason} provisioning{consumer state at message}}}
  accounts(search:$search,first:8){nodes{username displayName role restrictions{source}}}
  number(event:$event,number:$number)@include(if:$isNumber){number state until account{username} extension{id}}}`;

/** @param {import('../page.js').Page} page */
function showFind(page) {
  const event = session.event?.slug;
  if (!event) return empty(t('directory.noEvent'));
  const wished = new URLSearchParams(location.search).get('q') ?? '';
  const box = h('input', {
    type: 'search',
    class: 'searchbox',
    placeholder: t('desk.placeholder'),
    'aria-label': t('desk.search'),
    autocomplete: 'off',
    spellcheck: 'false',
    enterkeyhint: 'search',
    value: wished,
  });
  const results = page.place(
    () => {
      const search = box.value.trim();
      const digits = search.replace(/[\s-]/g, '');
      const isNumber = /^\d{1,15}$/.test(digits);
      return ask(QUERY, { event, search: search || null, number: isNumber ? digits : '0', isNumber }, page.signal);
    },
    (data) => found(data, box.value.trim()),
  );
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  box.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const search = box.value.trim();
      history.replaceState(null, '', search ? `/operate?q=${encodeURIComponent(search)}` : '/operate');
      results.reload();
    }, 80);
  });
  box.addEventListener('keydown', (pressed) => {
    if (pressed.key !== 'Enter' || !box.value.trim()) return;
    // What stands there may still be the answer to something else.
    clearTimeout(timer);
    results
      .reload()
      .then(() => /** @type {HTMLAnchorElement | null} */ (results.node.querySelector('a[href]'))?.click());
  });
  queueMicrotask(() => box.focus());
  return [h('div', { class: 'search desk-search' }, icon('search'), box), results.node];
}

/** @param {any} data @param {string} search */
function found({ extensions, accounts, number }, search) {
  const untouched = number && !number.extension;
  if (extensions.nodes.length === 0 && accounts.nodes.length === 0 && !untouched)
    return empty(t('desk.nothing', { search }));
  return [
    untouched &&
      h(
        'div',
        { class: 'notice good' },
        h('p', null, bigNumber(number.number), ' ', t('desk.numberIs', { state: t(`numberState.${number.state}`) })),
        h(
          'a',
          { class: 'button', href: `/operate/numbers/${number.number}` },
          t(number.state === 'AVAILABLE' ? 'desk.giveOut' : 'desk.open'),
        ),
      ),
    accounts.nodes.length > 0 &&
      search &&
      h(
        'section',
        { class: 'section' },
        h('h2', null, t('desk.accounts')),
        h('ul', { class: 'list' }, accounts.nodes.map(accountRow)),
      ),
    extensions.nodes.length > 0 &&
      h(
        'section',
        { class: 'section' },
        h('h2', null, t('desk.numbers')),
        h('p', { class: 'quiet', role: 'status' }, tn('desk.count', extensions.totalCount)),
        h('ul', { class: 'list' }, extensions.nodes.map(extensionRow)),
      ),
  ];
}
function accountRow(one) {
  return h(
    'li',
    { class: 'row' },
    h('a', { class: 'name', href: `/operate/accounts/${encodeURIComponent(one.username)}` }, one.username),
    h('span', { class: 'grow' }, one.displayName),
    one.role !== 'USER' && h('span', { class: 'tag' }, t(`role.${one.role}`)),
    one.restrictions?.length > 0 && h('span', { class: 'tag bad' }, t('desk.banned')),
  );
}

/** A number with its owner and its state. */
export function extensionRow(one) {
  return h(
    'li',
    { class: 'row entry' },
    h('a', { class: 'dial', href: `/operate/numbers/${one.number}` }, bigNumber(one.number)),
    h(
      'div',
      { class: 'grow' },
      h('div', { class: 'name' }, one.label),
      h('div', { class: 'quiet' }, `${one.serviceType.name} · ${one.owner.displayName} (${one.owner.username})`),
      stateOf(one),
    ),
  );
}

// Numbers that are kept for somebody.

const STATES = ['RESERVED', 'HELD', 'AGING'];

/** @param {import('../page.js').Page} page */
function showReservations(page) {
  const event = session.event?.slug;
  if (!event) return empty(t('directory.noEvent'));
  const place = h('div', null);
  /** @param {string} state */
  const list = (state) =>
    place.replaceChildren(
      pagedList(
        async (after) =>
          (
            await ask(
              `query($event:String,$state:NumberState,$after:String){numbers(event:$event,state:$state,after:$after){
    nodes{number state until account{username}} pageInfo{hasNextPage endCursor}}}`,
              { event, state, after },
              page.signal,
            )
          ).numbers,
        row,
        page.signal,
        () => empty(t('desk.noneKept')),
      ),
    );
  list('RESERVED');
  const states = Field.choice(
    'state',
    t('desk.which'),
    STATES.map((one) => [one, t(`desk.kept.${one}`)]),
    { value: 'RESERVED', onpick: list },
  );
  return [h('p', { class: 'quiet' }, t('desk.reservationsText')), states.node, place];
}
const row = (number) =>
  h(
    'li',
    { class: 'row entry' },
    h('a', { class: 'dial', href: `/operate/numbers/${number.number}` }, bigNumber(number.number)),
    h(
      'div',
      { class: 'grow' },
      number.account &&
        h(
          'a',
          { class: 'name', href: `/operate/accounts/${encodeURIComponent(number.account.username)}` },
          number.account.username,
        ),
      h('div', { class: 'quiet' }, number.until ? t('desk.until', { until: clock(number.until) }) : t('desk.noEnd')),
    ),
  );

// The telephone systems: how far each has come, and what it could not apply.

/** Reads every feed of an event in one question. @param {string} event @param {AbortSignal} signal @returns {Promise<any[]>} */
export async function consumersOf(event, signal) {
  const { event: found } = await ask(
    'query($event:String!){event(slug:$event){serviceTypes{slug name}}}',
    { event },
    signal,
  );
  const types = found?.serviceTypes ?? [];
  if (types.length === 0) return [];
  const feeds = types.map(
    (type, index) => `f${index}:provisioning(event:$event,serviceType:${JSON.stringify(type.slug)}){consumers{
    id name paused lagRecords lagSeconds lastSeenAt errors{extensionId number code message at} webHook{state lastError}}}`,
  );
  const data = await ask(`query($event:String!){${feeds.join(' ')}}`, { event }, signal);
  return types.flatMap((type, index) =>
    (data[`f${index}`]?.consumers ?? []).map((one) => ({ ...one, serviceType: type })),
  );
}

/** @param {import('../page.js').Page} page */
function showFeeds(page) {
  const event = session.event?.slug;
  if (!event) return empty(t('directory.noEvent'));
  const place = page.place(
    () => consumersOf(event, page.signal),
    (consumers) =>
      consumers.length === 0
        ? empty(
            t('feeds.none'),
            session.isAtLeast('ADMIN') && h('a', { class: 'button primary', href: '/admin/keys' }, t('feeds.connect')),
          )
        : h(
            'div',
            { class: 'cards' },
            consumers.map((one) => card(one, () => place.reload())),
          ),
  );
  whenSystemsMove(page, [event], () => place.reload());
  // What a system is silent about, the clock tells.
  const timer = setInterval(() => place.reload(), 15_000);
  page.onLeave(() => clearInterval(timer));
  return place.node;
}
/** @param {any} one @param {() => void} reload */
function card(one, reload) {
  return h(
    'article',
    { class: 'card' },
    h('h2', null, one.name, one.paused && h('span', { class: 'tag warn' }, t('feeds.paused'))),
    h('p', { class: 'quiet' }, one.serviceType.name),
    h(
      'ul',
      { class: 'states' },
      lag(one),
      h(
        'li',
        { class: 'state' },
        one.lastSeenAt ? t('feeds.seen', { since: since(one.lastSeenAt) }) : t('feeds.never'),
      ),
      hook(one),
    ),
    isAway(one) &&
      h(
        'div',
        { class: 'actions' },
        button(t('feeds.replay'), () =>
          act('replayWebHook', { consumer: one.id }, 'consumer{id}', reload, t('feeds.replayed', { name: one.name })),
        ),
      ),
    one.errors.length > 0 &&
      h(
        'section',
        { class: 'refusals' },
        h('h3', null, tn('feeds.refused', one.errors.length)),
        h('ul', { class: 'list' }, one.errors.map(refusal)),
      ),
  );
}

/** Whether a system that is called can be reached. @param {any} one */
const hook = (one) =>
  isAway(one) &&
  h('li', { class: 'state bad' }, t(`feeds.${one.webHook.state}`), ' ', h('small', null, one.webHook.lastError));
const isAway = ({ webHook }) => webHook && webHook.state !== 'WORKING';

/** How far behind a consumer is. */
export function lag(one) {
  if (one.lagRecords === 0) return h('li', { class: 'state good' }, t('feeds.current'));
  return h(
    'li',
    { class: one.lagSeconds > 60 ? 'state bad' : 'state waiting' },
    tn('feeds.behind', one.lagRecords, { n: count(one.lagRecords), time: duration(one.lagSeconds) }),
  );
}
const refusal = (error) =>
  h(
    'li',
    { class: 'row line' },
    h('a', { class: 'number', href: `/operate/numbers/${error.number}` }, error.number),
    h('span', { class: 'grow' }, error.message, ' ', h('code', null, error.code)),
    h('time', { datetime: error.at }, since(error.at)),
  );

// What was done, by whom, when.

/** @param {import('../page.js').Page} page */
function showAudit(page) {
  const actor = Field.text('actor', t('audit.actor'), { autocomplete: 'off' });
  const action = Field.text('action', t('audit.action'), { autocomplete: 'off', placeholder: 'banAccount' });
  const place = h('div', null);
  const list = () =>
    place.replaceChildren(
      pagedList(
        async (after) =>
          (
            await ask(
              `query($actor:String,$action:String,$after:String){auditEvents(actor:$actor,action:$action,after:$after){
    nodes{at actor via action summary} pageInfo{hasNextPage endCursor}}}`,
              { actor: actor.read().trim() || null, action: action.read().trim() || null, after },
              page.signal,
            )
          ).auditEvents,
        auditRow,
        page.signal,
        () => empty(t('audit.none')),
      ),
    );
  list();
  return [
    form({
      fields: [actor, action],
      submit: t('audit.filter'),
      inline: true,
      quiet: true,
      send: async () => ({ errors: [] }),
      done: list,
    }),
    place,
  ];
}
export const auditRow = (event) =>
  h(
    'li',
    { class: 'row line' },
    h('time', { datetime: event.at, title: clock(event.at) }, since(event.at)),
    h('span', { class: 'grow' }, event.summary, ' ', h('code', null, event.action)),
    h('span', { class: 'quiet' }, event.actor),
  );

// One account at the desk.

const QUERY_ACCOUNT = `query($username:String!){account(username:$username){id username displayName email emailVerifiedAt role createdAt restrictions{source reason createdAt createdBy{username}} heldNumbers(first:100){nodes{number until event{slug}}}}
  auditEvents(actor:$username,first:10){nodes{at actor action summary}}}`;

/** @param {import('../page.js').Page} page @param {string} name */
function showAccount(page, name) {
  const place = page.place(
    () => ask(QUERY_ACCOUNT, { username: name }, page.signal),
    ({ account, auditEvents }) => {
      if (!account) return empty(t('desk.noAccount', { name }));
      document.title = `${account.username} · Switchboard`;
      const held = account.heldNumbers.nodes.filter((one) => one.event?.slug === session.event?.slug);
      return [
        h('a', { class: 'back', href: '/operate' }, icon('back'), t('desk.find')),
        h(
          'div',
          { class: 'heading' },
          h('h1', { tabindex: -1 }, account.username),
          banButton(account, () => place.reload()),
        ),
        account.restrictions.map((one) =>
          h(
            'div',
            { class: 'notice bad' },
            h(
              'p',
              null,
              h('strong', null, t(`restriction.${one.source}`)),
              ' ',
              one.reason,
              ' ',
              h(
                'small',
                null,
                one.createdBy
                  ? t('desk.restrictedBy', { actor: one.createdBy.username, since: since(one.createdAt) })
                  : since(one.createdAt),
              ),
            ),
          ),
        ),
        h(
          'dl',
          { class: 'facts' },
          h('dt', null, t('desk.name')),
          h('dd', null, account.displayName),
          h('dt', null, t('field.email')),
          h(
            'dd',
            null,
            account.email,
            ' ',
            h(
              'span',
              { class: account.emailVerifiedAt ? 'tag accent' : 'tag warn' },
              t(account.emailVerifiedAt ? 'desk.verified' : 'desk.unverified'),
            ),
          ),
          h('dt', null, t('desk.role')),
          h('dd', null, t(`role.${account.role}`)),
          h('dt', null, t('desk.since')),
          h('dd', null, clock(account.createdAt)),
        ),
        section(t('desk.numbers'), numbersOf(account, page.signal)),
        held.length > 0 && section(t('desk.kept.HELD'), h('ul', { class: 'list' }, held.map(row))),
        section(
          t('desk.did'),
          auditEvents.nodes.length === 0
            ? h('p', { class: 'quiet' }, t('desk.didNothing'))
            : h('ul', { class: 'list' }, auditEvents.nodes.map(auditRow)),
        ),
      ];
    },
  );
  return place.node;
}

/** @param {AbortSignal} signal */
function numbersOf(account, signal) {
  return pagedList(
    async (after) =>
      (
        await ask(
          `query($owner:String!,$after:String){extensions(owner:$owner,first:50,after:$after){nodes{number label owner{username displayName} serviceType{name}
    restrictions{source reason} provisioning{consumer state at message}} pageInfo{hasNextPage endCursor}}}`,
          { owner: account.username, after },
          signal,
        )
      ).extensions,
    extensionRow,
    signal,
    () => h('p', { class: 'quiet' }, t('desk.noNumbers')),
  );
}

/** @param {() => void} reload */
function banButton(account, reload) {
  // An operator may not act on an admin, nobody on himself.
  if (account.username === session.viewer?.username || (account.role === 'ADMIN' && !session.isAtLeast('ADMIN')))
    return null;
  if (account.restrictions.some((one) => one.source === 'BAN')) {
    return button(t('desk.unban'), () =>
      act(
        'unbanAccount',
        { username: account.username },
        'account{id}',
        reload,
        t('desk.unbannedDone', { name: account.username }),
      ),
    );
  }
  return button(
    t('desk.ban'),
    () =>
      reasoned(
        t('desk.banTitle', { name: account.username }),
        t('desk.banText'),
        t('desk.ban'),
        (reason) => change('banAccount', { username: account.username, reason }, 'account{id}'),
        () => {
          say(t('desk.bannedDone', { name: account.username }));
          reload();
        },
      ),
    { class: 'danger' },
  );
}

// One number at the desk: in service, or to be given out.

const EXTENSION = `id number label visibility version active instructions fallbackNumber parameters event{slug name phase} owner{username displayName} permissions{slug name}
  serviceType{slug name behaviour parameterSchema memberLimit} restrictions{source reason} provisioning{consumer state at message}`;
const QUERY_NUMBER = `query($event:String!,$number:PhoneNumber!){number(event:$event,number:$number){number state until version account{username displayName} restrictions{source reason createdAt createdBy{username}}
  extension{${EXTENSION}}} event(slug:$event){serviceTypes{slug name parameterSchema retired}} callPermissions{slug name description}}`;

/** @param {import('../page.js').Page} page @param {string} name */
function showNumber(page, name) {
  const event = session.event?.slug ?? '';
  const live = h('div', null);
  /** @type {string | null} what the forms were made from: typing outlives a look at the systems */
  let mark = null;
  const place = page.place(
    () => ask(QUERY_NUMBER, { event, number: name }, page.signal),
    (data) => {
      if (!data.number) return empty(t('desk.noNumber', { number: name }));
      const reload = () => place.reload();
      const { number } = data;
      fill(live, number.extension ? stateOf(number.extension) : restrictionsOf(number));
      const mine = JSON.stringify([number.version, { ...number.extension, provisioning: null }]);
      if (mark === mine) return undefined;
      mark = mine;
      return [
        h('a', { class: 'back', href: '/operate' }, icon('back'), t('desk.find')),
        numberHeading(number, live),
        number.extension
          ? inService(number.extension, data.callPermissions, number, reload, page.signal)
          : notInService(number, data, event, reload, page.signal),
        section(t('number.history'), historyOf({ number: number.number, event: { slug: event } }, page.signal)),
      ];
    },
  );
  whenSystemsMove(page, [event], () => place.reload());
  return place.node;
}

/** @param {HTMLElement} live */
function numberHeading(number, live) {
  document.title = `${number.number} · Switchboard`;
  const { extension } = number;
  const facts = extension
    ? [
        extension.serviceType.name,
        ' · ',
        h(
          'a',
          { href: `/operate/accounts/${encodeURIComponent(extension.owner.username)}` },
          extension.owner.displayName,
        ),
        ` (${extension.owner.username})`,
      ]
    : [
        t(`numberState.${number.state}`),
        number.account && [
          ' · ',
          h('a', { href: `/operate/accounts/${encodeURIComponent(number.account.username)}` }, number.account.username),
        ],
        number.until && ` · ${t('desk.until', { until: clock(number.until) })}`,
      ];
  return h(
    'div',
    { class: 'heading number-heading' },
    h(
      'h1',
      { tabindex: -1 },
      h('span', { class: 'number huge' }, number.number),
      ' ',
      extension && h('span', { class: 'name' }, extension.label),
    ),
    h('p', { class: 'quiet' }, facts),
    live,
  );
}
const restrictionsOf = (number) =>
  h(
    'ul',
    { class: 'states' },
    number.restrictions.map((one) =>
      h('li', { class: 'state bad' }, h('strong', null, t(`restriction.${one.source}`)), ' ', one.reason),
    ),
  );

/** @param {() => void} reload */
function barButton(number, reload) {
  const isBarred = number.restrictions.some((one) => one.source === 'BAR');
  const event = session.event?.slug;
  if (isBarred)
    return button(t('desk.unbar'), () =>
      act(
        'unbarNumber',
        { event, number: number.number },
        'number{number}',
        reload,
        t('desk.unbarred', { number: number.number }),
      ),
    );
  return button(
    t('desk.bar'),
    () =>
      reasoned(
        t('desk.barTitle', { number: number.number }),
        t('desk.barText'),
        t('desk.bar'),
        (reason) => change('barNumber', { event, number: number.number, reason }, 'number{number}'),
        () => {
          say(t('desk.barred', { number: number.number }));
          reload();
        },
      ),
    { class: 'danger' },
  );
}

/** Asks for a reason, then acts. @param {string} title @param {string} text @param {string} submit @param {(reason: string) => Promise<any>} send @param {() => void} done */
function reasoned(title, text, submit, send, done) {
  const reason = Field.text('reason', t('field.reason'), { required: true, maxlength: 500 });
  formDialog(title, text, { fields: [reason], submit, danger: true, send: () => send(reason.read()), done });
}

/** @param {() => void} reload @param {AbortSignal} signal */
function inService(extension, permissions, number, reload, signal) {
  const chosen = Field.many(
    'permissions',
    t('desk.permissions'),
    permissions.map((one) => [one.slug, one.name]),
    { value: extension.permissions.map((one) => one.slug) },
  );
  return [
    h(
      'div',
      { class: 'actions' },
      barButton(number, reload),
      button(t('desk.swap'), () => swap(extension, reload)),
      button(t('number.renumber'), () => renumber(extension)),
      button(t('desk.transfer'), () => transfer(extension, reload)),
      button(t('number.delete'), () => remove(extension), { class: 'danger' }),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'div',
        null,
        permissions.length > 0 &&
          h(
            'section',
            { class: 'section' },
            form({
              fields: [chosen],
              submit: t('save'),
              quiet: true,
              send: () =>
                change(
                  'setCallPermissions',
                  { id: extension.id, permissions: chosen.read(), expectedVersion: extension.version },
                  'extension{id}',
                ),
              done: () => {
                say(t('saved'));
                reload();
              },
            }),
          ),
        section(t('number.settings'), settingsForm(extension, reload)),
      ),
      h(
        'div',
        null,
        section(
          t('number.setup'),
          markdown(extension.instructions),
          reported(extension.serviceType.parameterSchema, extension.parameters, true),
        ),
        credentialsPanel(extension, null, signal),
      ),
    ),
  ];
}

/** @param {string} event @param {() => void} reload @param {AbortSignal} signal */
function notInService(number, data, event, reload, signal) {
  const isHeldBack = number.state === 'RESERVED' || number.state === 'HELD';
  return [
    h(
      'div',
      { class: 'actions' },
      barButton(number, reload),
      number.state === 'RESERVED' &&
        button(t('desk.release'), () =>
          act(
            'releaseReservation',
            { event, number: number.number },
            'number{number}',
            reload,
            t('desk.released', { number: number.number }),
          ),
        ),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'div',
        null,
        section(
          t('desk.assign'),
          assignForm(event, number, data, signal, isHeldBack || number.state === 'AGING', reload),
        ),
      ),
      h('div', null, section(t('desk.reserve'), reserveForm(event, number, reload))),
    ),
  ];
}
function renumber(extension) {
  const number = Field.text('number', t('number.newNumber'), { inputmode: 'tel', required: true, autocomplete: 'off' });
  formDialog(t('number.renumber'), t('desk.renumberText', { number: extension.number }), {
    fields: [number],
    submit: t('number.renumber'),
    send: () =>
      change(
        'renumberExtension',
        { id: extension.id, number: number.read(), expectedVersion: extension.version },
        'extension{number}',
      ),
    done: (payload) => {
      say(t('number.renumbered', { number: payload.extension.number }));
      go(`/operate/numbers/${payload.extension.number}`);
    },
  });
}

/** @param {() => void} reload */
function transfer(extension, reload) {
  const owner = Field.text('owner', t('field.owner'), { required: true, autocomplete: 'off' });
  formDialog(t('desk.transfer'), t('desk.transferText'), {
    fields: [owner],
    submit: t('desk.transfer'),
    send: () =>
      change(
        'transferExtension',
        { id: extension.id, owner: owner.read(), expectedVersion: extension.version },
        'extension{id}',
      ),
    done: () => {
      say(t('desk.transferred', { number: extension.number }));
      reload();
    },
  });
}

/** @param {() => void} reload */
function swap(extension, reload) {
  const other = Field.text('second', t('desk.otherNumber'), { inputmode: 'tel', required: true, autocomplete: 'off' });
  formDialog(t('desk.swap'), t('desk.swapText', { number: extension.number }), {
    fields: [other],
    submit: t('desk.swap'),
    send: async () => {
      const data = await ask('query($event:String!,$number:PhoneNumber!){extension(event:$event,number:$number){id}}', {
        event: extension.event.slug,
        number: other.read(),
      });
      if (!data.extension)
        return {
          errors: [{ code: 'LOCAL', message: t('desk.notInService', { number: other.read() }), path: ['second'] }],
        };
      return change('swapNumbers', { first: extension.id, second: data.extension.id }, 'first{id}');
    },
    done: () => {
      say(t('desk.swapped'));
      reload();
    },
  });
}
function remove(extension) {
  formDialog(t('number.deleteTitle', { number: extension.number }), t('desk.deleteText'), {
    submit: t('number.delete'),
    danger: true,
    send: () => change('deleteExtension', { id: extension.id }, 'deletedId heldUntil'),
    done: () => {
      say(t('number.deleted', { number: extension.number }));
      go('/operate');
    },
  });
}

// Giving a number out, and keeping one for somebody.

/** @param {string} event @param {any} data service types and call permissions @param {AbortSignal} signal @param {boolean} isKept whether only an override takes it @param {() => void} reload */
function assignForm(event, number, data, signal, isKept, reload) {
  const types = data.event.serviceTypes.filter((one) => !one.retired);
  if (types.length === 0) return h('p', { class: 'quiet' }, t('new.noTypes'));
  const type = Field.select(
    'serviceType',
    t('desk.service'),
    types.map((one) => [one.slug, one.name]),
  );
  const owner = Field.text('owner', t('field.owner'), {
    required: true,
    autocomplete: 'off',
    value: number.account?.username ?? '',
  });
  const label = Field.text('label', t('field.label'), { required: true, maxlength: 64 });
  const visibility = Field.select(
    'visibility',
    t('field.visibility'),
    visibilities().map(([value, text]) => [value, text]),
    { value: 'PUBLIC' },
  );
  const permissions = Field.many(
    'permissions',
    t('desk.permissions'),
    data.callPermissions.map((one) => [one.slug, one.name]),
  );
  const override = Field.toggle('overrideReservation', t('desk.override'), { help: t('desk.overrideHelp') });
  const place = h('div', { class: 'stack' });
  /** @type {SchemaForm} */
  let parameters;
  const choose = () => {
    parameters = new SchemaForm(types.find((one) => one.slug === type.read()).parameterSchema, { isOperator: true });
    fill(
      place,
      parameters.needed,
      parameters.optional.length > 0 &&
        h(
          'details',
          { class: 'more' },
          h('summary', null, t('new.more')),
          h('div', { class: 'stack' }, parameters.optional),
        ),
    );
  };
  type.control.addEventListener('change', choose);
  choose();
  const numberAt = new Field(
    'number',
    t('field.number'),
    h('div', { class: 'anchor', tabindex: -1, role: 'group', 'aria-label': t('field.number') }),
    { isGroup: true, read: () => number.number },
  );
  numberAt.node.querySelector('.label')?.remove();
  numberAt.control.removeAttribute('aria-labelledby');
  return form({
    fields: () => [numberAt, type, owner, label, visibility, ...parameters.fields, permissions, override],
    submit: t('desk.assignSubmit', { number: number.number }),
    body: [
      numberAt.node,
      type.node,
      owner.node,
      label.node,
      visibility.node,
      place,
      data.callPermissions.length > 0 && permissions.node,
      isKept && override.node,
    ],
    send: () =>
      change(
        'assignExtension',
        {
          event,
          serviceType: type.read(),
          number: number.number,
          owner: owner.read(),
          label: label.read(),
          visibility: visibility.read(),
          parameters: parameters.read(),
          permissions: permissions.read(),
          overrideReservation: isKept && override.read(),
        },
        'extension{number}',
      ),
    done: () => {
      say(t('desk.assigned', { number: number.number, owner: owner.read() }));
      reload();
    },
  });
}

/** @param {string} event @param {() => void} reload */
function reserveForm(event, number, reload) {
  const owner = Field.text('owner', t('field.owner'), {
    required: true,
    autocomplete: 'off',
    value: number.account?.username ?? '',
  });
  const until = Field.text('until', t('desk.reserveUntil'), {
    type: 'datetime-local',
    help: t('desk.reserveUntilHelp'),
  });
  return form({
    fields: [owner, until],
    submit: t('desk.reserveSubmit'),
    quiet: true,
    before: h('p', { class: 'quiet' }, t('desk.reserveText')),
    send: () =>
      change(
        'reserveNumber',
        {
          event,
          number: number.number,
          owner: owner.read(),
          until: until.read() ? new Date(until.read()).toISOString() : null,
          expectedVersion: number.version,
        },
        'number{number}',
      ),
    done: () => {
      say(t('desk.reserved', { number: number.number, owner: owner.read() }));
      reload();
    },
  });
}
