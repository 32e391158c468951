/**
 * Identifiers that a client chooses for its pushes, so that one sent twice counts once.
 *
 * `crypto.randomUUID` exists in secure contexts only: not on http://192.168.0.10:8888/, which is how a school without a
 * certificate opens Lousa. `crypto.getRandomValues` exists everywhere.
 */

/**
 * Return a new random identifier (a version 4 UUID, RFC 9562 section 5.4).
 * @param {Crypto} crypto
 */
export function newIdentifier(crypto = globalThis.crypto) {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
