// `/e/{event}/operate/feeds`: how far each telephone system has read, and what it has refused.

import { button, buttonLink, h } from '../../lib/dom.js';
import { formatRelative, t, tn } from '../../lib/i18n.js';
import { onProvisioningProgress } from '../../provisioning-progress.js';
import { session } from '../../session.js';
import { emptyState, list, tag } from '../../ui/layout.js';
import { runMutation } from '../../ui/mutation.js';
import { lagItem, loadConsumers } from './consumers.js';
import { OperatePage } from './operate-page.js';
import { numberPath } from './paths.js';

/** @typedef {import('./consumers.js').Consumer} Consumer */
/** @typedef {import('../../../types/graphql.js').Item<Consumer['errors']>} Refusal */

/** A silent system sends no notification, so the lag is read again. */
const RELOAD_INTERVAL = 15_000;

export default class FeedsPage extends OperatePage {
  tab = '/operate/feeds';

  /** @override @param {string} event */
  content(event) {
    const consumers = this.region(
      () => loadConsumers(event, this.signal),
      (found) => {
        if (found.length === 0) return this.#none();
        return h(
          'div',
          { class: 'cards' },
          found.map((one) => this.#card(one, reload)),
        );
      },
    );
    const reload = () => consumers.reload();
    onProvisioningProgress(this, [event], reload);
    const timer = setInterval(reload, RELOAD_INTERVAL);
    this.onLeave(() => clearInterval(timer));
    return consumers.node;
  }

  #none() {
    const connect = buttonLink(this.path('/admin/keys'), t('feeds.connect'), { class: 'button primary' });
    return emptyState(t('feeds.none'), session.isAtLeast('ADMIN') && connect);
  }

  /** @param {Consumer} consumer @param {() => void} reload */
  #card(consumer, reload) {
    const { id, name, paused, serviceType, lastSeenAt, errors, webHook } = consumer;
    const failingHook = webHook && webHook.state !== 'WORKING' ? webHook : null;
    const replay = () =>
      runMutation('replayWebHook', { consumer: id }, 'consumer { id }', reload, t('feeds.replayed', { name }));
    const seen = lastSeenAt ? t('feeds.seen', { since: formatRelative(lastSeenAt) }) : t('feeds.never');
    const hookState =
      failingHook &&
      h('li', { class: 'state bad' }, t(`feeds.${failingHook.state}`), ' ', h('small', null, failingHook.lastError));
    const states = h('ul', { class: 'states' }, lagItem(consumer), h('li', { class: 'state' }, seen), hookState);
    return h(
      'article',
      { class: 'card' },
      h('h2', null, name, paused && tag(t('feeds.paused'), 'warn')),
      h('p', { class: 'quiet' }, serviceType.name),
      states,
      failingHook && h('div', { class: 'actions' }, button(t('feeds.replay'), replay)),
      errors.length > 0 && this.#refusals(errors),
    );
  }

  /** @param {Refusal[]} refusals */
  #refusals(refusals) {
    const rows = refusals.map(({ number, message, code, at }) =>
      h(
        'li',
        { class: 'row line' },
        h('a', { class: 'number', href: numberPath(this, number) }, number),
        h('span', { class: 'grow' }, message, ' ', h('code', null, code)),
        h('time', { datetime: at }, formatRelative(at)),
      ),
    );
    return h('section', { class: 'refusals' }, h('h3', null, tn('feeds.refused', refusals.length)), list(rows));
  }
}
