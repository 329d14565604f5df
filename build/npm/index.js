// Has a site of the transformer explainer bring its element into this page. The element's script comes from that site,
// so that it and the figures in its frames are always of one version.

/** @type {Map<string, Promise<CustomElementConstructor>>} */
const asked = new Map();

/** Fetch `embed.js` of a site, once; resolves when <transformer-explainer> is defined.
 * @param {string | URL} site the address of the site, as 'https://your.host/path/'
 * @param {{integrity?: string, nonce?: string}} [options] attributes of the script element
 * @returns {Promise<CustomElementConstructor>} */
export function load(site, options = {}) {
  const address = new URL('embed.js', `${String(site).replace(/\/+$/, '')}/`).href;
  const before = asked.get(address);
  if (before) return before;
  const script = document.createElement('script');
  if (options.nonce) script.nonce = options.nonce;
  if (options.integrity) Object.assign(script, { integrity: options.integrity, crossOrigin: 'anonymous' });
  /** @type {Promise<CustomElementConstructor>} */
  const loaded = new Promise((resolve, reject) => {
    script.addEventListener('load', () => resolve(customElements.whenDefined('transformer-explainer')));
    script.addEventListener('error', () => {
      asked.delete(address);
      reject(new Error(`${address} did not arrive`));
    });
  });
  asked.set(address, loaded);
  script.src = address;
  document.head.append(script);
  return loaded;
}
