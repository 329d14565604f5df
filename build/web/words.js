// The words of the frame around a page, in the language that the site is built in (build/words.py). English is written
// where it is said; `globalThis.WORDS` is null there when the build bundles, so that of this nothing is left.

/** A message in the site's language. @param {string} text in English @returns {string} */
export function _(text) { return globalThis.WORDS?.[text] ?? text; }

/** A message with its {places} filled. @param {string} text @param {any} values */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
