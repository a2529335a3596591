// GraphQL over HTTP. Requests are repeated until the server answers; idempotency keys keep mutations from acting twice.

import { serverReached, waitToRetry } from './connectivity.js';
import { ERROR_SELECTION, RequestError } from './errors.js';
import { newIdempotencyKey } from './idempotency-key.js';

/** @typedef {import('./errors.js').UserError} UserError */
/** @typedef {import('../../types/api.js').Operations} Operations */
/** @typedef {import('../../types/api.js').Mutations} Mutations */
/** @typedef {import('../../types/json.js').JsonObject} JsonObject */
/**
 * @typedef {{ data?: Record<string, unknown>,
 *   errors?: { message: string, extensions?: { code?: string, requestId?: string } }[] }} GraphqlResponse
 */
/**
 * @template {keyof Mutations} Name
 * @template {keyof Mutations[Name]['payloads']} Selection
 * @typedef {Mutations[Name]['payloads'][Selection] & { errors: UserError[] }} Payload
 */

/** Mutations that take no idempotency key: the server executes each request. */
const WITHOUT_KEY = new Set([
  'signIn',
  'resetPassword',
  'requestPasswordReset',
  'completeSetup',
  'signOut',
  'registerAccount',
  'verifyEmail',
  'resendVerification',
]);

/**
 * Reactions to a request that needs a session or a recent password. Each resolves to true to repeat the request.
 * @type {{ signIn: () => Promise<boolean>, confirmPassword: () => Promise<boolean> }}
 */
export const recovery = { signIn: async () => false, confirmPassword: async () => false };

/**
 * Marks the text of an operation, which knows its name and so its types.
 * @template {string} Text
 * @param {Text} text
 * @returns {import('../../types/graphql.js').Document<import('../../types/graphql.js').NameOf<Text>>}
 */
export const graphql = (text) => ({ text });

/**
 * Sends a query.
 * @template {keyof Operations} Name
 * @param {import('../../types/graphql.js').Document<Name>} document
 * @param {Operations[Name]['variables']} variables
 * @param {AbortSignal} [signal]
 * @returns {Promise<Operations[Name]['data']>}
 */
export async function query(document, variables, signal) {
  const data = await send({ query: document.text, variables }, undefined, signal);
  return /** @type {Operations[Name]['data']} */ (data);
}

/**
 * Sends a mutation. Neither a lost request nor a lost response makes it act twice.
 * @template {keyof Mutations} Name
 * @template {keyof Mutations[Name]['payloads'] & string} Selection
 * @param {Name} name
 * @param {Mutations[Name]['input']} input null for a mutation without input
 * @param {Selection} selection of the payload, without `errors`
 * @returns {Promise<Payload<Name, Selection>>}
 */
export async function mutate(name, input, selection) {
  const inputType = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const text =
    input === null
      ? `mutation{${name}{${selection} ${ERROR_SELECTION}}}`
      : `mutation($input:${inputType}!){${name}(input:$input){${selection} ${ERROR_SELECTION}}}`;
  const body = input === null ? { query: text } : { query: text, variables: { input } };
  for (;;) {
    const data = await send(body, WITHOUT_KEY.has(name) ? undefined : newIdempotencyKey());
    const payload = /** @type {Payload<Name, Selection>} */ (data[name]);
    const needsPassword = payload.errors.some((error) => error.code === 'REAUTHENTICATION_REQUIRED');
    // The repeated mutation is a new one: its key must not return the stored refusal.
    if (!needsPassword || !(await recovery.confirmPassword())) return payload;
  }
}

/**
 * @param {{ query: string, variables?: object }} body
 * @param {string} [idempotencyKey]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Record<string, unknown>>} the data
 */
async function send(body, idempotencyKey, signal) {
  for (;;) {
    const response = await post(body, idempotencyKey, signal);
    const [first] = response.errors ?? [];
    if (!first) return response.data ?? {};
    const { code = 'INTERNAL', requestId } = first.extensions ?? {};
    if (!(await recover(code))) throw new RequestError(code, first.message, { requestId });
  }
}

/** @param {string} code */
async function recover(code) {
  if (code === 'UNAUTHENTICATED') return recovery.signIn();
  if (code === 'REAUTHENTICATION_REQUIRED') return recovery.confirmPassword();
  return false;
}

/**
 * @param {{ query: string, variables?: object }} body
 * @param {string} [idempotencyKey]
 * @param {AbortSignal} [signal]
 * @returns {Promise<GraphqlResponse>}
 */
async function post(body, idempotencyKey, signal) {
  const headers = new Headers({
    'content-type': 'application/json',
    accept: 'application/graphql-response+json',
    ...(idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}),
  });
  for (let attempt = 0; ; attempt += 1) {
    const response = await attemptPost({ method: 'POST', headers, body: JSON.stringify(body), signal });
    if (response) {
      serverReached();
      return response;
    }
    await waitToRetry(attempt, signal);
  }
}

/**
 * Sends a request once.
 * @param {RequestInit} request
 * @returns {Promise<GraphqlResponse | null>} null where another attempt may succeed
 */
async function attemptPost(request) {
  let response;
  let text;
  try {
    response = await fetch('/graphql', request);
    text = await response.text();
  } catch (error) {
    if (request.signal?.aborted) throw error;
    return null;
  }
  // A proxy without a server behind it and an overloaded server answer 502 to 504.
  if (response.status >= 502 && response.status <= 504) return null;
  const parsed = parseResponse(text);
  if (parsed) return parsed;
  const code = response.status === 429 ? 'RATE_LIMITED' : 'INTERNAL';
  throw new RequestError(code, `HTTP ${response.status}`, {
    requestId: response.headers.get('x-request-id') ?? undefined,
    retryAfterSeconds: Number(response.headers.get('retry-after')) || undefined,
  });
}

/** Parses a GraphQL response; null for any other text. @param {string} text @returns {GraphqlResponse | null} */
function parseResponse(text) {
  try {
    const parsed = JSON.parse(text);
    return parsed?.data || parsed?.errors ? parsed : null;
  } catch {
    return null;
  }
}
