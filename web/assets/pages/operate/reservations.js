// `/e/{event}/operate/reservations`: numbers that are kept for an account.

import { choiceField } from '../../forms/inputs.js';
import { h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { graphql, query } from '../../transport/http.js';
import { emptyState, quiet } from '../../ui/layout.js';
import { pagedList } from '../../ui/paged-list.js';
import { OperatePage } from './operate-page.js';
import { keptNumberRow } from './rows.js';

/** @typedef {import('../../../types/api.js').NumberState} NumberState */

const KEPT_NUMBERS = graphql(`query KeptNumbers($event: String, $state: NumberState, $after: String) {
  numbers(event: $event, state: $state, after: $after) {
    nodes { number state until account { username } }
    pageInfo { hasNextPage endCursor }
  }
}`);

/** @type {NumberState[]} */
const STATES = ['RESERVED', 'HELD', 'AGING'];

export default class ReservationsPage extends OperatePage {
  tab = '/operate/reservations';

  /** @override @param {string} event */
  content(event) {
    const holder = h('div', null);
    const showState = (/** @type {NumberState} */ state) => {
      const load = async (/** @type {string | null} */ after) =>
        (await query(KEPT_NUMBERS, { event, state, after }, this.signal)).numbers;
      const none = () => emptyState(t('desk.noneKept'));
      holder.replaceChildren(pagedList(load, (kept) => keptNumberRow(this, kept), this.signal, none));
    };
    const choices = STATES.map((state) => /** @type {[NumberState, string]} */ ([state, t(`desk.kept.${state}`)]));
    const states = choiceField('state', t('desk.which'), choices, { value: 'RESERVED', onPick: showState });
    showState('RESERVED');
    return [quiet(t('desk.reservationsText')), states.node, holder];
  }
}
