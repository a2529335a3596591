// Idempotency keys.

/**
 * Returns a random UUID (version 4, RFC 9562 section 5.4). `crypto.randomUUID` exists in secure contexts only; over
 * plain HTTP on a local network a browser offers `getRandomValues` alone.
 */
export function newIdempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
