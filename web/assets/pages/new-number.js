// `/e/{event}/me/new`: a number in three clicks: a service, a number, Register.

import { numberField } from '../extension/number-field.js';
import { visibilityChoices } from '../extension/visibility.js';
import { form } from '../forms/form.js';
import { choiceField, textField } from '../forms/inputs.js';
import { fill, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { markdown } from '../lib/markdown.js';
import { go } from '../router.js';
import { canRegister } from '../schema/parameters.js';
import { SchemaForm } from '../schema/schema-form.js';
import { eventPath, session } from '../session.js';
import { graphql, mutate, query } from '../transport/http.js';
import { emptyState, heading } from '../ui/layout.js';
import { Page } from '../ui/page.js';
import { unverifiedNotice } from './account/resend-verification.js';

/** @typedef {NonNullable<import('../../types/graphql.js').Data<'OfferedServiceTypes'>['event']>} OfferingEvent */
/** @typedef {import('../../types/graphql.js').Item<OfferingEvent['serviceTypes']>} ServiceType */
/** @typedef {import('./my-number.js').Handover} Handover */

const OFFERED_SERVICE_TYPES = graphql(`query OfferedServiceTypes($event: String!) {
  event(slug: $event) { phase serviceTypes { slug name description parameterSchema privileged retired } }
}`);

export default class NewNumberPage extends Page {
  /** @override */
  show() {
    const title = heading(t('new.title'));
    if (!this.event) return fill(this, title, emptyState(t('directory.noEvent')));
    if (!session.viewer?.emailVerifiedAt) return fill(this, title, unverifiedNotice(session.viewer?.email ?? ''));
    const event = this.event.slug;
    const registration = new Registration(event, this.signal);
    const types = this.region(
      () => query(OFFERED_SERVICE_TYPES, { event }, this.signal),
      (data) => (data.event ? this.#serviceTypes(data.event, registration) : emptyState(t('missing.event'))),
    );
    fill(this, title, types.node, registration.node);
  }

  /** @param {OfferingEvent} event @param {Registration} registration */
  #serviceTypes({ phase, serviceTypes }, registration) {
    if (phase !== 'OPEN' && !session.isOperator) return emptyState(t(`phase.${phase}.closed`));
    const offered = serviceTypes.filter((type) => !type.retired && (!type.privileged || session.isOperator));
    if (offered.length === 0) return emptyState(t('new.noTypes'));
    const cards = offered.map((type) => serviceTypeCard(type, () => registration.choose(type)));
    return h('div', { class: 'cards', role: 'radiogroup', 'aria-label': t('new.service') }, cards);
  }
}

/** @param {ServiceType} type @param {() => void} onChoose */
function serviceTypeCard(type, onChoose) {
  const content = [h('strong', null, type.name), markdown(type.description)];
  if (!canRegister(type.parameterSchema, session.isOperator)) {
    const hint = h('p', { class: 'quiet' }, t('new.askOperators'));
    return h('div', { class: 'card type away-from-reach' }, content, hint);
  }
  const radio = h('input', { type: 'radio', name: 'service', class: 'away', onchange: onChoose });
  return h('label', { class: 'card type' }, radio, content);
}

/** The form for the chosen service. What was typed stays when another service is chosen. */
class Registration {
  /** @param {string} event @param {AbortSignal} signal */
  constructor(event, signal) {
    this.event = event;
    this.signal = signal;
    this.node = h('div', null);
    this.label = textField('label', t('field.label'), {
      help: t('field.labelHelp'),
      maxlength: 64,
      wide: true,
      value: session.viewer?.displayName ?? '',
    });
    this.visibility = choiceField('visibility', t('field.visibility'), visibilityChoices(), { value: 'PUBLIC' });
    this.number = new URLSearchParams(location.search).get('number') ?? '';
    /** @type {Map<string, SchemaForm>} */
    this.parameters = new Map();
    /** @type {(() => string) | null} */
    this.readNumber = null;
  }

  /** @param {ServiceType} type */
  choose(type) {
    const number = numberField({
      event: this.event,
      serviceType: type.slug,
      label: t('new.number'),
      value: this.readNumber?.() ?? this.number,
      signal: this.signal,
    });
    this.readNumber = number.read;
    const parameters = this.#parametersOf(type);
    const { label, visibility } = this;
    const optional = h('div', { class: 'stack' }, visibility.node, parameters.optional);
    const registrationForm = form({
      fields: () => [number, label, ...parameters.fields, visibility],
      submit: t('new.register'),
      body: [
        number.node,
        label.node,
        parameters.needed,
        h('details', { class: 'more' }, h('summary', null, t('new.more')), optional),
      ],
      send: () => {
        const input = {
          event: this.event,
          serviceType: type.slug,
          number: number.read() || null,
          label: label.read(),
          visibility: visibility.read(),
          parameters: parameters.read(),
        };
        return mutate('registerExtension', input, 'extension { id number event { slug } } generated');
      },
      done: ({ extension, generated }) => {
        if (!extension) return;
        /** @type {Handover} */
        const handover = { generated, isNew: true };
        return go(eventPath(extension.event, `/me/${encodeURIComponent(extension.number)}`), handover);
      },
    });
    fill(this.node, h('div', { class: 'card' }, registrationForm));
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.node.scrollIntoView({ block: 'nearest', behavior: isStill ? 'auto' : 'smooth' });
  }

  /** @param {ServiceType} type */
  #parametersOf(type) {
    const known = this.parameters.get(type.slug);
    if (known) return known;
    const made = new SchemaForm(type.parameterSchema, { isOperator: session.isOperator });
    this.parameters.set(type.slug, made);
    return made;
  }
}
