// GraphQL over HTTP: questions, and changes that are sent until they are answered, once.

import { reached, waitToRetry } from './connection.js';

/** @typedef {{ code: string, message: string, path: string[], suggestions?: string[], retryAfterSeconds?: number, pointer?: string,
 *   keyword?: string, currentVersion?: number, cycle?: string[], limit?: number }} UserError */

/** A request that was refused as a whole. */
export class RequestError extends Error {
  /** @param {string} code @param {string} message @param {string} [requestId] */
  constructor(code, message, requestId) {
    super(message);
    this.code = code;
    this.requestId = requestId;
  }
}

const ERRORS = `errors{code message path ...on NumberUnavailable{suggestions} ...on RateLimited{retryAfterSeconds}
  ...on SchemaViolation{pointer keyword} ...on StaleVersion{currentVersion} ...on GroupLoop{cycle} ...on QuotaExceeded{limit}}`;

/** These are answered anew each time, so they take no idempotency key. */
const UNKEYED = new Set(['signIn', 'resetPassword', 'requestPasswordReset', 'completeSetup', 'signOut', 'registerAccount', 'verifyEmail',
  'resendVerification']);

/** What to do when the session has ended, or the password is asked for once more: true to repeat the request.
 * @type {{ signIn: () => Promise<boolean>, confirm: () => Promise<boolean> }} */
export const recovery = { signIn: async () => false, confirm: async () => false };

/**
 * Asks a question.
 * @param {string} query
 * @param {Record<string, any>} [variables]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the data
 */
export async function ask(query, variables, signal) {
  for (;;) {
    const answer = await post({ query, variables }, undefined, signal);
    const [first] = answer.errors ?? [];
    if (!first) return answer.data;
    const error = new RequestError(first.extensions?.code ?? 'INTERNAL', first.message, first.extensions?.requestId);
    if (!(await mended(error.code))) throw error;
  }
}

/**
 * Changes something: one mutation with one input. Lost connections and lost answers do not do it twice.
 * @param {string} name the mutation
 * @param {Record<string, any> | null} input nothing for those that take none
 * @param {string} selection of the payload, without `errors`
 * @returns {Promise<any>} the payload, with `errors`
 */
export async function change(name, input, selection) {
  const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const query = input === null
    ? `mutation{${name}{${selection} ${ERRORS}}}`
    : `mutation($input:${type}!){${name}(input:$input){${selection} ${ERRORS}}}`;
  const key = UNKEYED.has(name) ? undefined : crypto.randomUUID();
  for (;;) {
    const answer = await post({ query, variables: input === null ? undefined : { input } }, key);
    const [first] = answer.errors ?? [];
    if (first) {
      const error = new RequestError(first.extensions?.code ?? 'INTERNAL', first.message, first.extensions?.requestId);
      if (await mended(error.code)) continue;
      throw error;
    }
    const payload = answer.data[name];
    const asksAgain = payload.errors.some((/** @type {UserError} */ one) => one.code === 'REAUTHENTICATION_REQUIRED');
    if (asksAgain && (await recovery.confirm())) return change(name, input, selection);
    return payload;
  }
}

/** @param {string} code */
async function mended(code) {
  if (code === 'UNAUTHENTICATED') return recovery.signIn();
  if (code === 'REAUTHENTICATION_REQUIRED') return recovery.confirm();
  return false;
}

/**
 * @param {{ query: string, variables?: Record<string, any> }} body
 * @param {string} [key]
 * @param {AbortSignal} [signal]
 */
async function post(body, key, signal) {
  /** @type {Record<string, string>} */
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
  if (key) headers['idempotency-key'] = key;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const response = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify(body), signal });
      // A proxy without a server behind it answers so; so does a server with too much to do.
      if (response.status < 502 || response.status > 504) {
        const answer = await response.json();
        reached();
        return answer;
      }
    } catch (error) {
      if (signal?.aborted) throw error;
    }
    await waitToRetry(attempt, signal);
  }
}
