// What can keep a page from being live, by its cause (`what` in `explainer:failed`), and the one thing to do about
// each. Whoever finds a fault says what happened; what to do is said here and nowhere else.
import { _, fill } from './words.js';

/** @type {Record<string, string>} */
const CAUSES = {
  network: _('Check the connection, then try again.'),
  server: _('That is the server’s answer: its copy of the site may be incomplete, or just being replaced. '
    + 'Reload the page, or try again later.'),
  type: _('Whoever runs this server lets it send files that end in .js as text/javascript; then try again.'),
  damaged: _('Try again: it is fetched anew. If that does not help, the copy on the server is damaged.'),
  crash: _('A restart brings everything back as it was.'),
  gone: _('This device may be short of memory: close other tabs or programs, then try again.'),
  python: _('Try again; if it stays so, try another browser.'),
  worker: _('Reload the page; if it stays so, try another browser.'),
  browser: _('A current version of this browser, or another one, runs it.'),
  webassembly: _('It may be switched off here, by a setting or by whoever manages this browser. '
    + 'Another browser or another setting runs it.'),
  policy: _('Whoever runs this server finds the header that it needs in the README, under “Embedding”.'),
  sandbox: _('Whoever made the page around this frame adds allow-scripts and allow-same-origin to its attribute '
    + 'sandbox.'),
};
const NOT_HERE = new Set(['browser', 'webassembly', 'policy', 'sandbox']); // trying again here changes nothing

/** What to do about a cause, in one or two sentences; '' for none.
 * @param {string} what */
export const remedy = (what) => CAUSES[what] ?? '';

/** Whether trying again may help.
 * @param {string} what */
export const hopeful = (what) => !NOT_HERE.has(what);

/** Whether this is a frame whose host took its origin away (sandbox without allow-same-origin): no worker starts
 * there. */
export const sandboxed = () => self.origin === 'null' && /^https?:$/.test(location.protocol);

/** @type {{effectiveDirective: string, blockedURI: string}[]} */
const refused = []; // by a Content-Security-Policy
self.addEventListener?.('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => (
  refused.push({ effectiveDirective, blockedURI })));

/** The directive of a Content-Security-Policy that has forbidden something here (or just this address); ''.
 * @param {string | URL | null} url */
export async function forbidden(url = null) {
  await new Promise((resolve) => { setTimeout(resolve); }); // the event may come after the fault
  return refused.find(({ blockedURI }) => url === null || blockedURI === String(url))?.effectiveDirective ?? '';
}

/** A file is fetched past all that is kept of it: what is asked for next is what the server has now.
 * @param {string | URL} url */
export async function afresh(url) {
  const response = await fetch(url, { cache: 'reload' });
  await response.arrayBuffer();
  return response;
}

/** Why a script did not come well, as asked of the server.
 * @param {string | URL} url
 * @returns {Promise<{what: string, words: string}>} */
export async function whyNot(url) {
  if (sandboxed()) {
    const words = _('cannot run in this frame: it has been cut off from the site that it comes from');
    return { what: 'sandbox', words };
  }
  const directive = await forbidden(url);
  if (directive) {
    const words = _('is forbidden by the Content-Security-Policy that came with it ({directive})');
    return { what: 'policy', words: fill(words, { directive }) };
  }
  let response;
  try {
    response = await afresh(url);
  } catch { return { what: 'network', words: _('did not arrive') }; }
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok) return { what: 'server', words: fill(_('did not arrive (HTTP {status})'), response) };
  if (/html/.test(type)) return { what: 'server', words: _('did not arrive: a page came in its place') };
  if (!/(java|ecma)script/.test(type)) {
    const words = fill(_('came as “{type}”, and browsers do not run that'), { type: type || _('nothing') });
    return { what: 'type', words };
  }
  return { what: 'damaged', words: _('is damaged') };
}
