// The toolbar of each widget: reset, copy link, copy embed code, download, show the code. The buttons are in the HTML.
import { copy, copyButtons } from './copy.js';
import { asSvg, asPng } from './picture.js';
import { isFull } from './room.js';
import { fill as written } from './snippets.js';
import { oneFile } from './take.js';
import { _, fill } from './words.js';

/** The element at which something happened. @param {Event} event */
const at = ({ target }) => /** @type {HTMLElement} */ (target);

/** @param {HTMLElement} el @param {string} words */
const announce = (el, words) => {
  /** @type {HTMLElement & {timer?: number}} */
  const line = el.querySelector('[data-tool-status]');
  line.textContent = words;
  clearTimeout(line.timer);
  line.timer = setTimeout(() => { line.textContent = ''; }, 4000);
};

/** @param {string} name @param {string} type @param {Blob | string} content */
function save(name, type, content) {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 30000);
}

/** @param {string} name @param {unknown} problem */
const unsaved = (name, problem) => (
  fill(_('Could not save {name}: {message}.'), { name, message: /** @type {Error} */ (problem).message }));

/** The two ways to embed a widget in its present state. tall: its height in a text 720 px wide; the element's script
 * knows those at all widths, and is not `async`, so that the room is there before anything is painted. Inside the
 * element stands what a feed, a mail or a host without scripts shows: its picture, which leads to the live one.
 * @param {string} slug @param {string} title @param {Values} values @param {string} site @param {string} tall */
export function embedCode(slug, title, values, site, tall) {
  const figure = { site, slug, title, tall, values };
  return { element: written('[[element]]', FORMS, figure), iframe: written('[[iframe]]', FORMS, figure) };
}

/** The exact value of a cell with a number, as text: said by the cell, or, of a count, what it shows, without commas.
 * @param {HTMLTableCellElement} cell */
const valueOf = (cell) => cell.dataset.v ?? (cell.classList.contains('int')
  ? cell.textContent.trim().replaceAll(',', '').replace('\u2212', '-') : undefined);

/** A cell's content as text; of a column's head what the field calls it. @param {HTMLTableCellElement} cell */
const textOf = (cell) => valueOf(cell) ?? cell.dataset.field ?? cell.textContent.trim();

/** The same, but a number as one. What JavaScript has no number for (a larger count) stays a text.
 * @param {HTMLTableCellElement} cell @returns {string | number | null} */
export function numberOf(cell) {
  const v = valueOf(cell);
  if (v === undefined) return textOf(cell);
  if (v === '') return null;
  const number = Number(v);
  return Number.isFinite(number) && (Number.isSafeInteger(number) || !/^-?\d+$/.test(v)) ? number : v;
}

/** Every table of numbers that is shown in `el`: [{name, about, rows}], exact values, heads first. about: what all of
 * its numbers are about ({layer: 3, head: 1}), which stands in columns of its own, unless the table has these.
 * @param {HTMLElement} el @param {(cell: HTMLTableCellElement) => string | number | null} value */
export function tables(el, value) {
  const all = [...el.querySelectorAll('[data-body] table')].filter((table) => !table.closest('[hidden]'));
  return all.map((/** @type {any} */ found) => {
    const table = /** @type {HTMLTableElement} */ (found);
    const rows = [...table.rows].map((row) => [...row.cells].filter((c) => c.getAttribute('aria-hidden') !== 'true'));
    const heads = rows[0]?.map(textOf) ?? [];
    /** @type {[string, number][]} */
    const about = Object.entries(JSON.parse(found.closest('[data-about]')?.dataset.about ?? '{}'))
      .filter(([name]) => !heads.includes(name));
    return {
      name: table.caption?.textContent.trim() || found.closest('[data-figure]')?.dataset.figure || '',
      about: Object.fromEntries(about),
      rows: rows.map((row, i) => [
        ...about.map(([name, is]) => (i || !table.tHead ? is : name)), ...row.map(i || !table.tHead ? value : textOf),
      ]),
    };
  });
}

/** @param {ReturnType<typeof tables>} all */
const csv = (all) => all.map(({ name, rows }) => [
  `# ${name}`,
  ...rows.map((r) => r.map(String).map((x) => (/[",\n]/.test(x) ? `"${x.replaceAll('"', '""')}"` : x)).join(',')),
].join('\n')).join('\n\n');

/** Show a figure's list of tools, or put it away; whoever was in it is at its button then.
 * @param {HTMLElement} el @param {boolean} shown */
function menu(el, shown) {
  const [button, list] = [el.querySelector('[data-tool=more]'), el.querySelector('.tool-list')];
  if (!shown && list.contains(document.activeElement)) button.focus();
  list.hidden = !shown;
  button.setAttribute('aria-expanded', String(shown));
}

/** @param {{
 *   widgets: Map<string, HTMLElement>, state: () => Values, defaults: Values, wish: (values: Values) => void,
 *   address: typeof import('./address.js'), still: Still,
 * }} page */
export function toolbars({ widgets, state, defaults, wish, address, still }) {
  const changed = () => address.told(state(), defaults, still);
  /** @returns {Values} */
  const told = () => {
    const values = changed();
    return Object.keys(values).length && still.weights ? { ...values, weights: still.weights } : values;
  };
  for (const [slug, el] of widgets) {
    el.querySelector('[role=toolbar]')?.addEventListener('click', async (event) => {
      const button = at(event).closest('[data-tool]');
      const tool = button?.dataset.tool;
      if (tool) menu(el, tool === 'more' && el.querySelector('.tool-list').hidden);
      if (tool === 'reset') {
        wish(Object.fromEntries(Object.keys(defaults).map((k) => [k, null])));
        announce(el, _('Back to the start.'));
      }
      if (tool === 'link') {
        const url = new URL(address.write(state(), defaults, still));
        // (there the state is in the hash)
        if (url.protocol !== 'file:' && !document.documentElement.dataset.embed) url.hash = slug;
        announce(el, (await copy(url.href)) ? _('Link copied: it opens exactly this view.') : url.href);
      }
      if (tool === 'embed') {
        const site = new URL(String(document.documentElement.dataset.site), document.baseURI).href;
        const values = told();
        const { view, viewSaid } = document.documentElement.dataset;
        if (viewSaid !== undefined) values.view = view;
        const full = isFull(values, String(el.dataset.beyond).split(' '));
        const tall = String(el.dataset.tall).split(' ')[Number(full)];
        const { element, iframe } = embedCode(slug, el.querySelector('h3').textContent, values, site, tall);
        const box = el.querySelector('[data-embed-code]');
        box.hidden = !box.hidden;
        box.querySelector('[data-form=element]').textContent = element;
        box.querySelector('[data-form=iframe]').textContent = iframe;
        button.setAttribute('aria-expanded', String(!box.hidden));
        // may wait for a permission
        announce(el, (await copy(element)) ? _('Embed code copied (first form).') : _('Copy the code below.'));
      }
      if (tool === 'download' || tool === 'code') {
        const panel = document.getElementById(String(button.getAttribute('aria-controls')));
        panel.hidden = !panel.hidden;
        button.setAttribute('aria-expanded', String(!panel.hidden));
      }
    });
    el.addEventListener('focusout', (event) => {
      const { relatedTarget } = event;
      const tools = at(event).closest('[role=toolbar]');
      if (tools && relatedTarget instanceof Node && !tools.contains(relatedTarget)) menu(el, false);
    });
    // Escape closes the list, then the drawer it is pressed in, or all, from the toolbar
    el.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      if (!el.querySelector('.tool-list').hidden) {
        menu(el, false);
        event.preventDefault();
        return;
      }
      const within = at(event).closest('.drawer');
      const open = within ? [within]
        : at(event).closest('[role=toolbar]') ? [...el.querySelectorAll('.drawer:not([hidden])')] : [];
      for (const drawer of open) {
        drawer.hidden = true;
        el.querySelector(`[aria-controls="${drawer.id}"]`).setAttribute('aria-expanded', 'false');
        el.querySelector('[data-tool=more]').focus();
        event.preventDefault();
      }
    });
    el.addEventListener('click', async (event) => {
      const kind = at(event).closest('[data-download]')?.dataset.download;
      if (!kind) return;
      const name = `${slug}.${kind}`;
      try {
        if (kind === 'csv') save(name, 'text/csv', csv(tables(el, textOf)));
        if (kind === 'json') {
          const content = { widget: slug, state: state(), tables: tables(el, numberOf) };
          save(name, 'application/json', JSON.stringify(content, null, 1));
        }
        if (kind === 'svg') save(name, 'image/svg+xml', (await asSvg(el)).text);
        if (kind === 'png') save(name, 'image/png', await asPng(el));
        if (kind === 'html') {
          announce(el, _('Putting the file together …'));
          save(name, 'text/html', await oneFile(`embed/${slug}/single.html`, [[slug, el]], changed()));
        }
        announce(el, fill(_('Saved {name}.'), { name }));
      } catch (problem) { announce(el, unsaved(name, problem)); }
    });
  }
  document.querySelector('[data-take-page]')?.addEventListener('click', async (event) => {
    const target = at(event);
    const line = /** @type {Element} */ (target.nextElementSibling);
    const name = `${still.name}.html`;
    line.textContent = _('Putting the file together …');
    try {
      save(name, 'text/html', await oneFile(String(target.dataset.takePage), widgets, changed()));
      line.textContent = fill(_('Saved {name}.'), { name });
    } catch (problem) { line.textContent = unsaved(name, problem); }
  });
  document.addEventListener('click', async (event) => {
    const target = at(event);
    for (const el of widgets.values()) {
      if (!el.contains(target) && !el.querySelector('.tool-list').hidden) menu(el, false);
    }
  });
  copyButtons();
}
