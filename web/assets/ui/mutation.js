// Mutations without a form.

import { errorMessage, failureMessage } from '../errors.js';
import { mutate } from '../transport/http.js';
import { showToast } from './toast.js';

/** @typedef {import('../../types/api.js').Mutations} Mutations */

/**
 * Sends a mutation and shows its error, or `message` where it succeeded.
 * @template {keyof Mutations} Name
 * @template {keyof Mutations[Name]['payloads'] & string} Selection
 * @param {Name} name
 * @param {Mutations[Name]['input']} input
 * @param {Selection} selection
 * @param {(payload: import('../transport/http.js').Payload<Name, Selection>) => unknown} done
 * @param {string} [message]
 * @returns {Promise<boolean>} whether it succeeded
 */
export async function runMutation(name, input, selection, done, message) {
  try {
    const payload = await mutate(name, input, selection);
    const [error] = payload.errors;
    const text = error ? errorMessage(error) : message;
    if (text) showToast(text);
    if (error) return false;
    await done(payload);
    return true;
  } catch (error) {
    showToast(failureMessage(error));
    return false;
  }
}
