// Errors of the API: of a field of an input, and of a whole request.

/**
 * An error in a mutation's payload. `LOCAL` and codes of whole requests occur too, where a page adds them.
 * @typedef {{ code: string, message: string, path: string[], rule?: string | null, values?: string[],
 *   suggestions?: string[], retryAfterSeconds?: number, pointer?: string, keyword?: string, currentVersion?: number,
 *   cycle?: string[], limit?: number }} UserError
 */

/** Selects every error of a payload with the fields of its type. */
export const ERROR_SELECTION = `errors{code message path rule values ...on NumberUnavailable{suggestions}
  ...on RateLimited{retryAfterSeconds} ...on SchemaViolation{pointer keyword} ...on StaleVersion{currentVersion}
  ...on GroupLoop{cycle} ...on QuotaExceeded{limit}}`;

/** A request that failed as a whole. */
export class RequestError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ requestId?: string, retryAfterSeconds?: number }} [details]
   */
  constructor(code, message, { requestId, retryAfterSeconds } = {}) {
    super(message);
    this.code = code;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Converts anything that was thrown into an error of a whole request.
 * @param {unknown} thrown
 * @returns {RequestError}
 */
export function toRequestError(thrown) {
  if (thrown instanceof RequestError) return thrown;
  return new RequestError('INTERNAL', thrown instanceof Error ? thrown.message : String(thrown));
}

/** Whether a page was left while its request was under way. @param {unknown} thrown */
export const isAborted = (thrown) => thrown instanceof DOMException && thrown.name === 'AbortError';
