// A form: sends its fields, shows errors beside them and in a summary, and guards unsaved input.

import { append, button, fill, h } from '../lib/dom.js';
import { t, tn } from '../lib/i18n.js';
import { errorMessage, failureMessage, requestIdNote } from '../errors.js';
import { isAborted } from '../transport/errors.js';
import { nearestField } from './nearest-field.js';
import { guardForm } from './unsaved.js';

/** @typedef {import('../lib/dom.js').Child} Child */
/** @typedef {import('./field.js').AnyField} AnyField */
/** @typedef {import('../transport/errors.js').UserError} UserError */
/** @typedef {{ errors: UserError[] }} AnyPayload */
/**
 * @template {AnyPayload} Payload
 * @typedef {{ fields: AnyField[] | (() => AnyField[]), body?: Child, before?: Child, submit: string,
 *   isDanger?: boolean, isInline?: boolean, isSecondary?: boolean, isGuarded?: boolean, resetOnDone?: boolean,
 *   cancel?: () => void, onStale?: () => void, send: () => Promise<Payload>,
 *   done?: (payload: Payload) => unknown }} FormOptions
 *   `isGuarded`: leaving the page with unsaved input asks first (the default);
 *   `resetOnDone`: the form begins again after it was sent;
 *   `onStale`: loads the newer version where another session has saved meanwhile
 */

/** Milliseconds after which a running request is shown on the button. */
const BUSY_DELAY = 200;

/**
 * Creates a form. `done` is called with a payload without errors.
 * @template {AnyPayload} Payload
 * @param {FormOptions<Payload>} options
 */
export function form(options) {
  const fields = () => (typeof options.fields === 'function' ? options.fields() : options.fields);
  const summary = h('div', { class: 'summary', role: 'alert', tabindex: -1 });
  const submitClass = options.isDanger ? 'danger' : options.isSecondary ? '' : 'primary';
  const submit = h('button', { type: 'submit', class: submitClass }, options.submit);
  const cancel = options.cancel && button(t('cancel'), options.cancel);
  let isBusy = false;

  async function send() {
    for (const field of fields()) field.clearProblem();
    fill(summary);
    const problems = localProblems(fields());
    if (problems.length > 0) return showErrors(problems, fields(), summary);
    const payload = await options.send();
    if (payload.errors.some((error) => error.code === 'STALE_VERSION')) options.onStale?.();
    if (payload.errors.length > 0) return showErrors(payload.errors, fields(), summary);
    for (const field of fields()) {
      if (options.resetOnDone) field.reset();
      else field.markSaved();
    }
    await options.done?.(payload);
  }

  async function onsubmit(/** @type {SubmitEvent} */ event) {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    const showBusy = setTimeout(() => submit.setAttribute('aria-busy', 'true'), BUSY_DELAY);
    try {
      await send();
    } catch (error) {
      if (!isAborted(error)) showFailure(summary, error);
    } finally {
      clearTimeout(showBusy);
      isBusy = false;
      submit.removeAttribute('aria-busy');
    }
  }

  const element = h('form', { novalidate: true, class: options.isInline ? 'form inline' : 'form', onsubmit });
  const body = options.body ?? fields().map((field) => field.node);
  append(element, [summary, options.before, body, h('div', { class: 'actions' }, submit, cancel)]);
  for (const field of fields()) field.rebase();
  if (options.isGuarded !== false) guardForm(element, () => fields().some((field) => field.isTouched));
  return element;
}

/** @param {AnyField[]} fields @returns {UserError[]} */
function localProblems(fields) {
  const checked = fields.map((field) => ({ code: 'LOCAL', message: field.check() ?? '', path: field.path }));
  return checked.filter(({ message }) => message !== '');
}

/** @param {HTMLElement} summary @param {unknown} error */
function showFailure(summary, error) {
  fill(summary, h('p', null, failureMessage(error)), requestIdNote(error));
  summary.focus();
}

/**
 * Shows each error beside its field and all of them in the summary, which takes the focus.
 * @param {UserError[]} errors
 * @param {AnyField[]} fields
 * @param {HTMLElement} summary
 */
function showErrors(errors, fields, summary) {
  const items = errors.map((error) => {
    const field = nearestField(fields, error.path ?? []);
    const message = errorMessage(error);
    if (!field) return h('li', null, message);
    field.fail(message, suggestedNumbers(error, field));
    const onclick = (/** @type {MouseEvent} */ event) => {
      event.preventDefault();
      field.focus();
    };
    return h('li', null, h('a', { href: `#${field.control.id}`, onclick }, field.label), ': ', message);
  });
  fill(summary, h('p', null, tn('form.problems', errors.length)), h('ul', null, items));
  summary.focus();
}

/** Buttons for the free numbers that an error offers. @param {UserError} error @param {AnyField} field */
function suggestedNumbers(error, field) {
  if (!error.suggestions?.length) return null;
  const choose = (/** @type {string} */ number) => {
    field.clearProblem();
    field.write(number);
    field.focus();
  };
  return h(
    'div',
    { class: 'chips', role: 'group', 'aria-label': t('number.free') },
    h('span', { class: 'quiet' }, t('number.free')),
    error.suggestions.map((number) => button(number, () => choose(number), { class: 'chip number' })),
  );
}
