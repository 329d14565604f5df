// The reader's state in the address: the same names as the embed attributes. Read from the query and the hash; written
// to the query, or to the hash where a page opened from a disk may not change its query.

/** {name: text} of everything in the address; nothing is interpreted here, Python's one parser decides.
 * @param {{search: string, hash: string}} location */
export function read(location = window.location) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const part of [location.search.slice(1), location.hash.includes('=') ? location.hash.slice(1) : '']) {
    for (const [name, value] of new URLSearchParams(part)) {
      if (/^[a-z][a-z0-9_]{0,31}$/.test(name)) values[name] = value;
    }
  }
  return values;
}

/** What a link to `values` says: what differs from `defaults`; with anything at all also the values named in `moved`,
 * whose defaults were others once: a link of ours without them is from then (`PageState.moved`); and, about another
 * model, those named in `sized`, whose defaults are the storyteller's (`PageState.sized`).
 * @param {Values} values @param {Values} defaults @param {{moved?: string[], sized?: string[]}} still
 * @returns {Values} */
export function told(values, defaults, { moved = [], sized = [] } = {}) {
  /** @param {string} name */
  const is = (name) => values[name] !== null && values[name] !== undefined;
  const names = Object.keys(values).filter((name) => is(name) && String(values[name]) !== String(defaults[name]));
  const beside = [...moved, ...(names.includes('model') ? sized : [])];
  const all = names.length ? new Set([...names, ...beside.filter(is)]) : [];
  return Object.fromEntries([...all].map((name) => [name, values[name]]));
}

/** The address for `values`, leaving out what need not be said (`told`). What a model wrote depends on its weights:
 * where there is anything to say, the address says with which it was made (`weights`: their fingerprint).
 * @param {Values} values @param {Values} defaults @param {Partial<Still>} still
 * @param {{href: string}} location */
export function write(values, defaults, still = {}, location = window.location) {
  const params = new URLSearchParams();
  const { mode, view, viewSaid } = document.documentElement.dataset;
  if (mode && mode !== 'discover') params.set('mode', mode);
  if (viewSaid !== undefined && view) params.set('view', view); // of an embed
  for (const [name, value] of Object.entries(told(values, defaults, still))) {
    params.set(name, String(value)); // every digit: a link opens this very view
  }
  const { weights = '' } = still;
  if (weights && [...params.keys()].some((name) => !['mode', 'view'].includes(name))) params.set('weights', weights);
  const text = params.toString();
  const url = new URL(location.href);
  if (url.protocol === 'file:') url.hash = text;
  else { url.search = text; if (url.hash.includes('=')) url.hash = ''; }
  return url.href;
}
