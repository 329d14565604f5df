// A widget or a page to take away: one .html with everything inside, as it is on screen, put together on the reader's
// machine from files that this browser has already. Its parts and its template come from build/single.py.

import { linked } from './links.js';

/** @typedef {{name: string, url: string, integrity: string}} Part a file that goes into it */

const site = () => new URL(String(document.documentElement.dataset.site), document.baseURI);

/** @param {URL} url @param {string} [integrity] */
async function get(url, integrity) {
  const response = await fetch(url, integrity ? { integrity } : { cache: 'no-cache' });
  if (!response.ok) throw new Error(`${url.pathname.split('/').at(-1)} could not be fetched (HTTP ${response.status})`);
  return response;
}

/** @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const address = String(reader.result);
      resolve(address.slice(address.indexOf(',') + 1));
    };
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** The file, as a Blob. widgets: {name: section} of those that are in it; asked: the state that differs from the
 * defaults; template: its path in the site
 * @param {string} template @param {Iterable<[string, HTMLElement]>} widgets @param {Values} asked */
export async function oneFile(template, widgets, asked) {
  const { marks, files, packs } = await (
    await get(new URL(String(document.documentElement.dataset.parts), document.baseURI))).json();
  const html = await (await get(new URL(template, site()))).text();
  const pages = `${site().href}*/`; // taken away, the figure leads back here
  const page = new DOMParser().parseFromString(linked(html, pages), 'text/html');
  const { dataset } = page.documentElement;
  if (dataset.build !== document.documentElement.dataset.build) {
    throw new Error('a newer version of the site is here; reload this page first');
  }
  delete dataset.build;
  if (dataset.embed) dataset.view = document.documentElement.dataset.view ?? 'full'; // a page shows all of it
  dataset.pages = pages;
  for (const [name, el] of widgets) {
    page.querySelector(`[data-widget="${name}"] [data-body]`).innerHTML = linked(
      el.querySelector('[data-body]').innerHTML, pages);
  }
  for (const drawn of page.querySelectorAll('.plot-live,.plot-tools')) { // in one file plots are stills
    drawn.replaceChildren();
    delete drawn.dataset.ready;
  }
  const own = packs[JSON.parse(page.getElementById('explainer-still').textContent).page] ?? [];
  const runtime = await Promise.all([...files, ...own].map(async (/** @type {Part} */ { name, url, integrity }) =>
    `<script type="text/plain" data-file="${name}">${
      await base64(await (await get(new URL(url, site()), integrity)).blob())}</script>`));
  const json = JSON.stringify(asked).replaceAll('<', '\\u003c');
  /** @type {Record<string, string>} */
  const all = {
    ...marks,
    files: runtime.join('\n'),
    asked: `<script type="application/json" id="explainer-asked">${json}</script>`,
  };
  const pieces = `<!doctype html>\n${page.documentElement.outerHTML}\n`.split(/<!--explainer:([a-z]+)-->/);
  return new Blob(pieces.map((piece, i) => (i % 2 ? all[piece] ?? '' : piece)), { type: 'text/html' });
}
