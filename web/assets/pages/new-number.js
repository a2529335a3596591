// A number in three clicks: a service, a number, Register.

import { ask, change } from '../api.js';
import { fill, h } from '../dom.js';
import { Field, form } from '../form.js';
import { t } from '../i18n.js';
import { markdown } from '../markdown.js';
import { Page, empty, heading } from '../page.js';
import { go } from '../router.js';
import { SchemaForm } from '../schema-form.js';
import { canRegister } from '../schema.js';
import { session } from '../session.js';
import { pathOf } from './my-numbers.js';
import { resendButton } from './sign-up.js';

/** `/me/new` */
export default class NewNumber extends Page {
  show() {
    const event = session.event;
    const title = heading(t('new.title'));
    if (!event) return fill(this, title, empty(t('directory.noEvent')));
    if (!session.viewer?.emailVerifiedAt) {
      return fill(this, title, h('div', { class: 'notice' }, h('p', null, t('me.unverified', { email: session.viewer?.email ?? '' })), resendButton(session.viewer?.email ?? '')));
    }
    const rest = h('div', null);
    const types = this.place(() => ask('query($event:String!){event(slug:$event){phase serviceTypes{slug name description parameterSchema privileged retired}}}', { event: event.slug }, this.signal), (data) => {
      const isOperator = session.isAtLeast('OPERATOR');
      if (data.event.phase !== 'OPEN' && !isOperator) return empty(t(`phase.${data.event.phase}.closed`));
      const offered = data.event.serviceTypes.filter((/** @type {any} */ one) => !one.retired && (!one.privileged || isOperator));
      if (offered.length === 0) return empty(t('new.noTypes'));
      return h('div', { class: 'cards', role: 'radiogroup', 'aria-label': t('new.service') }, offered.map((/** @type {any} */ type) => this.#typeCard(type, isOperator, event.slug, rest)));
    });
    fill(this, title, types.node, rest);
  }

  /** @param {any} type @param {boolean} isOperator @param {string} event @param {HTMLElement} rest */
  #typeCard(type, isOperator, event, rest) {
    if (!canRegister(type.parameterSchema, isOperator)) {
      return h('div', { class: 'card type away-from-reach' }, h('strong', null, type.name), markdown(type.description), h('p', { class: 'quiet' }, t('new.askOperators')));
    }
    const radio = h('input', { type: 'radio', name: 'service', class: 'away', onchange: () => this.#numbers(type, event, rest, isOperator) });
    return h('label', { class: 'card type' }, radio, h('strong', null, type.name), markdown(type.description));
  }

  /** @param {any} type @param {string} event @param {HTMLElement} rest @param {boolean} isOperator */
  async #numbers(type, event, rest, isOperator) {
    const before = rest.querySelector('.label-of-extension input');
    const label = Field.text('label', t('field.label'), { help: t('field.labelHelp'), maxlength: 64, wide: true,
      value: before instanceof HTMLInputElement ? before.value : session.viewer?.displayName ?? '' });
    label.node.classList.add('label-of-extension');
    const number = numberField(event, type.slug, this.signal);
    const parameters = new SchemaForm(type.parameterSchema, { isOperator });
    const visibility = Field.choice('visibility', t('field.visibility'), visibilities(), { value: 'PUBLIC' });
    fill(rest, h('div', { class: 'card' }, form({
      fields: () => [number, label, ...parameters.fields, visibility], submit: t('new.register'),
      body: [number.node, label.node, parameters.needed,
        h('details', { class: 'more' }, h('summary', null, t('new.more')), h('div', { class: 'stack' }, visibility.node, parameters.optional))],
      send: () => change('registerExtension', { event, serviceType: type.slug, number: number.read() || null, label: label.read(), visibility: visibility.read(), parameters: parameters.read() },
        'extension{id number event{slug}} generated'),
      done: (payload) => go(pathOf(payload.extension), { generated: payload.generated, isNew: true }),
    })));
    rest.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  }
}

/** The four answers to who finds a number. @returns {[string, string, string][]} */
export const visibilities = () => ['PUBLIC', 'MEMBERS', 'STAFF', 'HIDDEN'].map((one) => [one, t(`visibility.${one}`), t(`visibility.${one}.about`)]);

/** A number to be typed, or a word, or one of five that are free. @param {string} event @param {string} serviceType @param {AbortSignal} signal @param {string} [title] */
export function numberField(event, serviceType, signal, title = t('new.number')) {
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': t('number.free') });
  const field = Field.text('number', title, { help: t('new.numberHelp'), autocomplete: 'off', placeholder: t('new.numberPlaceholder'), required: true });
  const input = /** @type {HTMLInputElement} */ (field.control);
  input.classList.add('number', 'dialling');
  field.problem.after(chips);
  let turn = 0;
  async function offer() {
    turn += 1;
    const mine = turn;
    const like = input.value.trim();
    const data = await ask('query($event:String!,$serviceType:String!,$like:String){availableNumbers(event:$event,serviceType:$serviceType,like:$like,first:6)}', { event, serviceType, like: like || null }, signal).catch(() => null);
    if (mine !== turn || !data) return;
    fill(chips, data.availableNumbers.map((/** @type {string} */ free) => h('button', { type: 'button', class: 'chip number', 'aria-pressed': String(free === like), onclick: () => {
      input.value = free;
      field.clear();
      for (const chip of chips.children) chip.setAttribute('aria-pressed', String(chip.textContent === free));
    } }, free)), data.availableNumbers.length === 0 && h('p', { class: 'quiet' }, t('new.noneFree')),
    h('button', { type: 'button', class: 'link', onclick: () => { input.value = ''; offer(); } }, t('new.others')));
  }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(offer, 120); });
  offer();
  return field;
}
