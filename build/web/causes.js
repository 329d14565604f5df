// What can keep a page from being live, by its cause (`what` in `explainer:failed`), and the one thing to do about
// each. Whoever finds a fault says what happened; what to do is said here and nowhere else.

/** @type {Record<string, string>} */
const CAUSES = {
  network: 'Check the connection, then try again.',
  server: 'That is the server’s answer: its copy of the site may be incomplete, or just being replaced. '
    + 'Reload the page, or try again later.',
  type: 'Whoever runs this server lets it send files that end in .js as text/javascript; then try again.',
  damaged: 'Try again: it is fetched anew. If that does not help, the copy on the server is damaged.',
  crash: 'A restart brings everything back as it was.',
  gone: 'This device may be short of memory: close other tabs or programs, then try again.',
  python: 'Try again; if it stays so, try another browser.',
  worker: 'Reload the page; if it stays so, try another browser.',
  browser: 'A current version of this browser, or another one, runs it.',
  webassembly: 'It may be switched off here, by a setting or by whoever manages this browser. '
    + 'Another browser or another setting runs it.',
  policy: 'Whoever runs this server finds the header that it needs in the README, under “Embedding”.',
  sandbox: 'Whoever made the page around this frame adds allow-scripts and allow-same-origin to its attribute sandbox.',
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
    return { what: 'sandbox', words: 'cannot run in this frame: it has been cut off from the site that it comes from' };
  }
  const directive = await forbidden(url);
  if (directive) {
    return { what: 'policy', words: `is forbidden by the Content-Security-Policy that came with it (${directive})` };
  }
  let response;
  try {
    response = await afresh(url);
  } catch { return { what: 'network', words: 'did not arrive' }; }
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok) return { what: 'server', words: `did not arrive (HTTP ${response.status})` };
  if (/html/.test(type)) return { what: 'server', words: 'did not arrive: a page came in its place' };
  if (!/(java|ecma)script/.test(type)) {
    return { what: 'type', words: `came as “${type || 'nothing'}”, and browsers do not run that` };
  }
  return { what: 'damaged', words: 'is damaged' };
}
