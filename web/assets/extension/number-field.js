// A field for a number: digits, a word, or one of the free numbers below it.

import { textField } from '../forms/inputs.js';
import { debounce } from '../lib/debounce.js';
import { button, fill, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { graphql, query } from '../transport/http.js';

const AVAILABLE_NUMBERS = graphql(`query AvailableNumbers($event: String!, $serviceType: String!, $like: String) {
  availableNumbers(event: $event, serviceType: $serviceType, like: $like, first: 6)
}`);

const SUGGESTION_DELAY = 120;

/** @param {{ event: string, serviceType: string, label: string, value?: string, signal: AbortSignal }} options */
export function numberField({ event, serviceType, label, value, signal }) {
  const field = textField('number', label, {
    help: t('new.numberHelp'),
    autocomplete: 'off',
    placeholder: t('new.numberPlaceholder'),
    required: true,
    value,
  });
  const input = /** @type {HTMLInputElement} */ (field.control);
  input.classList.add('number', 'dialling');
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': t('number.free') });
  field.problem.after(chips);
  let requests = 0;

  async function suggest() {
    requests += 1;
    const thisRequest = requests;
    const like = input.value.trim();
    const variables = { event, serviceType, like: like || null };
    // Suggestions are a help only: without them the number can still be typed.
    const data = await query(AVAILABLE_NUMBERS, variables, signal).catch(() => null);
    if (thisRequest === requests && data) showSuggestions(data.availableNumbers, like);
  }

  /** @param {string[]} numbers @param {string} like */
  function showSuggestions(numbers, like) {
    const choose = (/** @type {string} */ number) => {
      input.value = number;
      field.clearProblem();
      for (const chip of chips.children) chip.setAttribute('aria-pressed', String(chip.textContent === number));
    };
    const suggestAny = () => {
      input.value = '';
      suggest();
    };
    fill(
      chips,
      numbers.map((number) =>
        button(number, () => choose(number), { class: 'chip number', 'aria-pressed': String(number === like) }),
      ),
      numbers.length === 0 && h('p', { class: 'quiet' }, t('new.noneFree')),
      button(t('new.others'), suggestAny, { class: 'link' }),
    );
  }

  input.addEventListener('input', debounce(SUGGESTION_DELAY, suggest));
  suggest();
  return field;
}
