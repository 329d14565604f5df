// The embed builder: a figure is chosen and used, and the code for what is on screen is written for each tool.
import { fill } from '../../build/web/snippets.js';

/** @typedef {{title: string, room: Record<string, {compact: number, full: number}>}} Figure */
/** @typedef {{id: string, name: string, says: string, steps: {file: string, code: string}[]}} Recipe */
/** @type {{figures: Record<string, Figure>, forms: Record<string, string>, recipes: Recipe[]}} */
const known = JSON.parse(String(document.getElementById('builder-data')?.textContent));
const builder = /** @type {HTMLElement} */ (document.querySelector('[data-builder]'));
const figure = /** @type {HTMLElement & {address?: string}} */ (builder.querySelector('transformer-explainer'));
/** @param {string} name @returns {any} */
const control = (name) => document.querySelector(`[data-choose=${name}]`);
const [which, view, theme, width, tool, site] = ['figure', 'view', 'theme', 'width', 'tool', 'site'].map(control);

/** The values on screen, as attributes say them. */
function values() {
  /** @type {Record<string, string>} */
  const asked = Object.fromEntries(new URL(figure.address ?? location.href).searchParams);
  delete asked.theme;
  if (asked.view === 'compact') delete asked.view; // as it comes, unless a value would open all of it
  if (view.value === 'compact' && figure.getAttribute('view') === 'compact') asked.view = 'compact';
  if (theme.value !== 'auto') asked.theme = theme.value;
  return asked;
}

function write() {
  const slug = which.value;
  const { title, room } = known.figures[slug];
  const shown = values();
  const tall = room['720'][view.value === 'full' ? 'full' : 'compact'];
  const address = `${site.value.trim() || 'https://your.host/path'}/`.replace(/\/+$/, '/');
  for (const { id, says, steps } of known.recipes) {
    const section = document.querySelector(`[data-recipe="${id}"]`);
    /** @param {string} template */
    const filled = (template) => fill(
      template, known.forms, { site: address, slug, title, tall, values: shown });
    steps.forEach(({ code }, k) => {
      const place = /** @type {HTMLElement} */ (section?.querySelector(`[data-step="${k}"]`));
      const text = filled(code);
      if (place.textContent !== text) place.textContent = text;
      const button = /** @type {HTMLElement} */ (place.closest('.step')?.querySelector('[data-copy-from]'));
      if (button.textContent !== 'Copy') button.textContent = 'Copy'; // what was copied is not what stands there now
    });
    const line = /** @type {HTMLElement} */ (section?.querySelector('[data-says]'));
    const parts = filled(says).split('`');
    line.replaceChildren(...parts.map((part, k) => {
      if (k % 2 === 0) return part;
      const word = Object.assign(document.createElement('code'), { textContent: part });
      word.translate = false;
      return word;
    }));
  }
  measure();
}

/** How tall it is here and, by the heights that the build keeps, elsewhere. */
function measure() {
  const { room } = known.figures[which.value];
  const kind = view.value === 'full' ? 'full' : 'compact';
  const here = figure.getBoundingClientRect();
  const words = Object.entries(room).map(([at, tall]) => `${tall[kind]} in a text ${at} px wide`).join(', ');
  const [tall, wide] = [here.height, here.width].map(Math.round);
  const text = `${tall} px tall here, ${wide} px wide. As it is at first: ${words}.`;
  const line = /** @type {HTMLElement} */ (builder.querySelector('.room'));
  if (line.textContent !== text) line.textContent = text;
}

function show() {
  for (const section of document.querySelectorAll('[data-recipe]')) {
    /** @type {HTMLElement} */ (section).hidden = /** @type {HTMLElement} */ (section).dataset.recipe !== tool.value;
  }
}

which.addEventListener('change', () => {
  for (const { name } of [...figure.attributes]) {
    if (!['widget', 'view', 'theme'].includes(name)) figure.removeAttribute(name);
  }
  figure.setAttribute('widget', which.value);
  write();
});
view.addEventListener('change', () => { figure.setAttribute('view', view.value); write(); });
theme.addEventListener('change', () => { figure.setAttribute('theme', theme.value); write(); });
width.addEventListener('input', () => {
  figure.style.maxWidth = `${width.value}px`;
  width.nextElementSibling.textContent = `${width.value} px`;
});
site.addEventListener('input', write);
tool.addEventListener('change', () => { show(); history.replaceState(null, '', `#recipe-${tool.value}`); });
figure.addEventListener('explainer:address', () => {
  const said = new URL(String(figure.address)).searchParams.get('view');
  if (said === 'full') view.value = 'full'; // by the button in the figure
  write();
});
new ResizeObserver(measure).observe(figure);

/** @param {string} hash */
const named = (hash) => known.recipes.find(({ id }) => hash === `#recipe-${id}`)?.id;
function goTo() { const id = named(location.hash); if (id) { tool.value = id; show(); } }
addEventListener('hashchange', goTo);
for (const row of document.querySelectorAll('.for-scripts')) row.classList.remove('for-scripts');
const local = /^(localhost|127\.|\[::1\]|$)/.test(location.hostname);
if (!local && builder.dataset.address === 'https://your.host/path/') site.value = new URL('../', location.href).href;
const slug = new URLSearchParams(location.search).get('widget') ?? '';
if (Object.hasOwn(known.figures, slug)) which.value = slug;
// what a browser kept of the controls, or a reader chose before this script was there
if (which.value !== figure.getAttribute('widget')) figure.setAttribute('widget', which.value);
if (view.value === 'full') figure.setAttribute('view', 'full');
if (theme.value !== 'auto') figure.setAttribute('theme', theme.value);
width.dispatchEvent(new Event('input'));
show();
goTo();
write();
