// Checksums, where a page may compute any: `crypto.subtle` is missing where it came by plain http from another machine.
// There the browser itself checks what is fetched (`integrity`).

/** @param {ArrayBuffer} buffer */
export const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('');

/** @returns {SubtleCrypto | undefined} */
export const subtle = () => globalThis.crypto?.subtle;

/** @param {string} sha256 in hexadecimal digits */
export const integrity = (sha256) => (
  `sha256-${btoa(String.fromCharCode(...(sha256.match(/../g) ?? []).map((x) => parseInt(x, 16))))}`);
