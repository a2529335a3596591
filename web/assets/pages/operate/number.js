// `/e/{event}/operate/numbers/{number}`: one number, in service or not.

import { historyList } from '../../extension/history.js';
import { fill, h } from '../../lib/dom.js';
import { formatDateTime, t } from '../../lib/i18n.js';
import { icon } from '../../lib/icons.js';
import { onProvisioningProgress } from '../../provisioning-progress.js';
import { graphql, query } from '../../transport/http.js';
import { emptyState, setTitle } from '../../ui/layout.js';
import { extensionStatus, restrictionList } from '../../ui/number-status.js';
import { OperatePage } from './operate-page.js';
import { accountPath } from './paths.js';

/** @typedef {import('../../../types/graphql.js').Data<'OperatedNumber'>} NumberData */
/** @typedef {NonNullable<NumberData['number']>} NumberDetails */
/** @typedef {NonNullable<NumberDetails['extension']>} Extension */
/** @typedef {Omit<NumberData, 'number'> & { number: NumberDetails }} FoundNumber */
/** @typedef {import('../../ui/page.js').Page} Page */

const NUMBER = graphql(`query OperatedNumber($event: String!, $number: PhoneNumber!) {
  number(event: $event, number: $number) {
    number state until version
    account { username displayName }
    restrictions { source reason createdAt createdBy { username } }
    extension {
      id number label visibility version active instructions fallbackNumber parameters
      event { slug name phase }
      owner { username displayName }
      permissions { slug name }
      serviceType { slug name behaviour parameterSchema memberLimit }
      restrictions { source reason }
      provisioning { consumer state at message }
    }
  }
  event(slug: $event) { serviceTypes { slug name parameterSchema retired } }
  callPermissions { slug name description }
}`);

export default class OperatedNumberPage extends OperatePage {
  /** @override @param {string} event */
  content(event) {
    const { number } = this.params;
    setTitle(number);
    const view = this.liveView(
      () => this.#load(event, number),
      // The forms for a number in service are other ones than those for a number that is not.
      (data) => (data.number ? (data.number.extension?.id ?? 'not in service') : 'unknown'),
      (data) => (data.number ? this.#view({ ...data, number: data.number }, event, reload) : this.#unknown()),
    );
    const reload = () => view.reload();
    onProvisioningProgress(this, [event], reload);
    return view.node;
  }

  /** Loads the number, and the module that shows numbers of its state. @param {string} event @param {string} number */
  async #load(event, number) {
    const data = await query(NUMBER, { event, number }, this.signal);
    if (data.number?.extension) this.inServiceView = (await import('./in-service.js')).inServiceView;
    else this.notInServiceView = (await import('./not-in-service.js')).notInServiceView;
    return data;
  }

  #unknown() {
    return { node: emptyState(t('desk.noNumber', { number: this.params.number })), update: () => {} };
  }

  /** @param {FoundNumber} found @param {string} event @param {() => void} reload */
  #view(found, event, reload) {
    const title = titleView(this, found.number);
    const history = h('section', { class: 'section' });
    const { extension } = found.number;
    const details = extension
      ? this.inServiceView?.(this, { ...found, extension }, reload)
      : this.notInServiceView?.(this, found, reload);
    let version = -1;
    const update = (/** @type {NumberData} */ data) => {
      const { number } = data;
      if (!number) return;
      title.update(number);
      details?.update({ ...data, number });
      if (number.version === version) return;
      version = number.version;
      fill(history, h('h2', null, t('number.history')), historyList(event, number.number, this.signal));
    };
    update(found);
    const back = h('a', { class: 'back', href: this.path('/operate') }, icon('back'), t('desk.find'));
    return { node: [back, title.node, details?.node, history], update };
  }
}

/** @param {Page} page @param {NumberDetails} initial */
function titleView(page, initial) {
  const label = h('span', { class: 'name' });
  const factsLine = h('p', { class: 'quiet' });
  const status = h('div', null);
  const update = (/** @type {NumberDetails} */ number) => {
    label.textContent = number.extension?.label ?? '';
    fill(factsLine, number.extension ? extensionFacts(page, number.extension) : numberFacts(page, number));
    fill(status, number.extension ? extensionStatus(number.extension) : restrictionList(number));
  };
  update(initial);
  const title = h('h1', { tabindex: -1 }, h('span', { class: 'number huge' }, initial.number), ' ', label);
  return { node: h('div', { class: 'heading number-heading' }, title, factsLine, status), update };
}

/** @param {Page} page @param {Extension} extension */
function extensionFacts(page, { serviceType, owner }) {
  const link = h('a', { href: accountPath(page, owner.username) }, owner.displayName);
  return [serviceType.name, ' · ', link, ` (${owner.username})`];
}

/** @param {Page} page @param {NumberDetails} number */
function numberFacts(page, { state, account, until }) {
  return [
    t(`numberState.${state}`),
    account && [' · ', h('a', { href: accountPath(page, account.username) }, account.username)],
    until && ` · ${t('desk.until', { until: formatDateTime(until) })}`,
  ];
}
