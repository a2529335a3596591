// `/e/{event}/operate/audit`: the audit log.

import { form } from '../../forms/form.js';
import { textField } from '../../forms/inputs.js';
import { h } from '../../lib/dom.js';
import { t } from '../../lib/i18n.js';
import { graphql, query } from '../../transport/http.js';
import { emptyState } from '../../ui/layout.js';
import { pagedList } from '../../ui/paged-list.js';
import { OperatePage } from './operate-page.js';
import { auditRow } from './rows.js';

const AUDIT_EVENTS = graphql(`query AuditEvents($actor: String, $action: String, $after: String) {
  auditEvents(actor: $actor, action: $action, after: $after) {
    nodes { at actor via action summary }
    pageInfo { hasNextPage endCursor }
  }
}`);

export default class AuditPage extends OperatePage {
  tab = '/operate/audit';

  /** @override */
  content() {
    const actor = textField('actor', t('audit.actor'), { autocomplete: 'off' });
    const action = textField('action', t('audit.action'), { autocomplete: 'off', placeholder: 'banAccount' });
    const holder = h('div', null);
    const showEvents = () => {
      const filter = { actor: actor.read().trim() || null, action: action.read().trim() || null };
      const load = async (/** @type {string | null} */ after) =>
        (await query(AUDIT_EVENTS, { ...filter, after }, this.signal)).auditEvents;
      holder.replaceChildren(pagedList(load, auditRow, this.signal, () => emptyState(t('audit.none'))));
    };
    const filterForm = form({
      fields: [actor, action],
      submit: t('audit.filter'),
      isInline: true,
      isSecondary: true,
      isGuarded: false,
      send: async () => ({ errors: [] }),
      done: showEvents,
    });
    showEvents();
    return [filterForm, holder];
  }
}
