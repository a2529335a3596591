// `/e/{event}/me/{number}`: one number: how to set it up, its secrets, settings, groups and history.

import { credentialsPanel } from '../extension/credentials.js';
import { groupsSection, membersSection } from '../extension/groups.js';
import { historyList } from '../extension/history.js';
import { settingsForm } from '../extension/settings-form.js';
import { button, buttonLink, fill, h, renderOnChange } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { icon } from '../lib/icons.js';
import { markdown } from '../lib/markdown.js';
import { onProvisioningProgress } from '../provisioning-progress.js';
import { takeHandover } from '../router.js';
import { reportedValues } from '../schema/reported.js';
import { askToSignInAgain, session } from '../session.js';
import { graphql, query } from '../transport/http.js';
import { columns, emptyState, heading, section, setTitle } from '../ui/layout.js';
import { extensionStatus } from '../ui/number-status.js';
import { Page } from '../ui/page.js';

/** @typedef {import('../../types/graphql.js').Data<'MyNumber'>['extension']} FoundExtension */
/** @typedef {NonNullable<FoundExtension>} Extension */
/** @typedef {{ generated: import('../../types/json.js').JsonObject | null, isNew: boolean }} Handover */

const MY_NUMBER = graphql(`query MyNumber($event: String!, $number: PhoneNumber!) {
  viewer { id }
  extension(event: $event, number: $number) {
    id number label visibility version active instructions fallbackNumber parameters createdAt
    event { slug name phase }
    owner { username displayName }
    permissions { slug name }
    serviceType { slug name behaviour parameterSchema memberLimit }
    restrictions { source reason }
    provisioning { consumer state at message }
    members { id number label delaySeconds paused membership }
    memberOf { id groupNumber groupLabel delaySeconds paused membership }
  }
}`);

export default class MyNumberPage extends Page {
  /** @override */
  show() {
    setTitle(this.params.number);
    /** @type {Handover | null} */
    this.handover = takeHandover();
    const view = this.liveView(
      () => this.#load(),
      (extension) => extension?.id ?? '',
      (extension) => (extension ? this.#view(extension, reload) : this.#notFound()),
    );
    const reload = () => view.reload();
    fill(this, view.node);
    if (this.event) onProvisioningProgress(this, [this.event.slug], reload);
  }

  /** @returns {Promise<FoundExtension>} */
  async #load() {
    for (;;) {
      const variables = { event: this.eventSlug, number: this.params.number };
      const data = await query(MY_NUMBER, variables, this.signal);
      // Without a session the server shows nothing: the session may have ended meanwhile.
      if (data.viewer || !(await askToSignInAgain())) return data.extension;
    }
  }

  #notFound() {
    const back = buttonLink(this.path('/me'), t('nav.me'), { class: 'button primary' });
    return { node: [heading(this.params.number), emptyState(t('number.missing'), back)], update: () => {} };
  }

  /** @param {Extension} extension @param {() => void} reload */
  #view(extension, reload) {
    const { handover } = this;
    let latest = extension;
    const parts = [
      titleView(extension),
      setupView(extension),
      settingsForm(extension, reload),
      groupsSection(extension, reload),
    ];
    const [title, setup, settings, groups] = parts;
    const members = extension.members && membersSection(extension, reload);
    const node = [
      h('a', { class: 'back', href: this.path('/me') }, icon('back'), t('nav.me')),
      title.node,
      handover?.isNew && h('div', { class: 'notice good', role: 'status' }, h('p', null, t('number.isNew'))),
      columns(
        [setup.node, credentialsPanel(extension, handover?.generated ?? null, this.signal), members && members.node],
        [section(t('number.settings'), settings.node), groups.node],
      ),
      section(t('number.history'), historyList(this.eventSlug, extension.number, this.signal)),
      section(
        t('number.change'),
        this.#actions(() => latest),
      ),
    ];
    const update = (/** @type {FoundExtension} */ newer) => {
      if (!newer) return;
      latest = newer;
      for (const part of parts) part.update(newer);
      members?.update(newer);
    };
    return { node, update };
  }

  /** @param {() => Extension} latest */
  #actions(latest) {
    const dialogs = () => import('../extension/owner-dialogs.js');
    const renumber = async () => (await dialogs()).openOwnerRenumberDialog(this, latest());
    const remove = async () => (await dialogs()).openOwnerDeleteDialog(this, latest());
    return h(
      'div',
      { class: 'actions' },
      button(t('number.renumber'), renumber),
      button(t('number.delete'), remove, { class: 'danger' }),
    );
  }
}

/** @param {Extension} extension */
function titleView(extension) {
  const name = h('span', { class: 'name' });
  const status = h('div', null);
  const facts = [extension.serviceType.name, extension.event.name].join(' · ');
  const title = h('h1', { tabindex: -1 }, h('span', { class: 'number huge' }, extension.number), ' ', name);
  const update = (/** @type {Extension} */ newer) => {
    name.textContent = newer.label;
    fill(status, extensionStatus(newer));
  };
  update(extension);
  return {
    node: h('div', { class: 'heading number-heading' }, title, h('p', { class: 'quiet' }, facts), status),
    update,
  };
}

/** @param {Extension} extension */
function setupView(extension) {
  const content = h('div', { class: 'stack' });
  const update = renderOnChange(
    content,
    extension,
    ({ instructions, parameters }) => [instructions, parameters],
    ({ instructions, parameters, serviceType }) => [
      markdown(instructions),
      reportedValues(serviceType.parameterSchema, parameters, session.isOperator),
    ],
  );
  return { node: section(t('number.setup'), content), update };
}
