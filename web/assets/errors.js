// Messages for errors, in the reader's language.

import { button, fill, h } from './lib/dom.js';
import { hasMessage, t, tn } from './lib/i18n.js';
import { toRequestError } from './transport/errors.js';

/** @typedef {import('./transport/errors.js').UserError} UserError */

/**
 * The message for an error of a field or of a whole request.
 * @param {Partial<UserError> & { message: string }} error
 */
export function errorMessage(error) {
  const { code, message, path, rule, keyword } = error;
  if (code === 'RATE_LIMITED' && error.retryAfterSeconds) return tn('error.wait', error.retryAfterSeconds);
  // From the most to the least specific message: the rule, the field, the code.
  const keys = [
    `violation.${keyword}`,
    `error.${rule}`,
    `error.${code}.${path?.at(-1)}`,
    `error.${code}`,
    `refused.${code}`,
  ];
  const key = keys.find(hasMessage);
  const cycle = (error.cycle ?? []).join(' → ');
  // Values of a rule stand for `{0}`, `{1}` and so on.
  const values = Object.fromEntries((error.values ?? []).entries());
  return key ? t(key, { message, limit: error.limit ?? '', cycle, ...values }) : message;
}

/** The message for a failed request. @param {unknown} thrown */
export function failureMessage(thrown) {
  const error = toRequestError(thrown);
  if (error.code === 'RATE_LIMITED' && error.retryAfterSeconds) return tn('error.wait', error.retryAfterSeconds);
  const key = hasMessage(`refused.${error.code}`) ? `refused.${error.code}` : 'refused.other';
  return t(key, { message: error.message });
}

/** The request's id, which the server's log names too. @param {unknown} thrown */
export function requestIdNote(thrown) {
  const { requestId } = toRequestError(thrown);
  return requestId && h('p', { class: 'quiet' }, t('refused.id', { id: requestId }));
}

/**
 * A panel in place of content that could not be shown, with a way to go on.
 * @param {unknown} thrown
 * @param {() => void} retry
 */
export function failurePanel(thrown, retry) {
  if (toRequestError(thrown).code === 'UNAUTHENTICATED') {
    const next = encodeURIComponent(location.pathname + location.search);
    return h(
      'div',
      { class: 'empty' },
      h('p', null, t('refused.UNAUTHENTICATED')),
      h('a', { class: 'button primary', href: `/signin?next=${next}` }, t('nav.signin')),
    );
  }
  return h(
    'div',
    { class: 'empty', role: 'alert' },
    h('p', null, failureMessage(thrown)),
    requestIdNote(thrown),
    button(t('refused.again'), retry),
  );
}

/** Shows a failure in an element. @param {Element} element @param {unknown} thrown @param {() => void} retry */
export function showFailure(element, thrown, retry) {
  fill(element, failurePanel(thrown, retry));
}
