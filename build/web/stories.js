// How was this number made? Cells of tables (or rows) with `data-ask` have no sentence of their own: when the reader
// points at one or focuses it, Python is asked, and the answer goes into the cell (`data-why`) and the figure's
// read-out line.
//
//   data-ask="record|index"   on a table or on one row of it: the index in the record, parts separated by commas; a
//                             part may use r (row) and c (column):
//                             "blocks.1.attn.k|r,0,c", "blocks.0.resid_pre|5,24*r+c"
import { describe, pointer } from './behaviour.js';

const PATIENCE = 60; // ms on one cell before asking

/** One part of an index at row r and column c: a sum of numbers, r, c, and products with them.
 * @param {string} text @param {number} r @param {number} c */
const part = (text, r, c) => text.split('+').reduce((sum, term) => sum + term.split('*').reduce(
  (product, x) => product * (x === 'r' ? r : x === 'c' ? c : Number(x)), 1), 0);

/** What to ask Python about a cell: "record|1,2,3", or null if its table does not say.
 * @param {HTMLTableCellElement} cell */
export function question(cell) {
  const [record, index] = cell.closest('[data-ask]')?.dataset.ask?.split('|') ?? [];
  if (!index) return null;
  const r = cell.closest('tr').sectionRowIndex;
  const c = cell.cellIndex - 1;
  return `${record}|${index.split(',').map((text) => part(text, r, c)).join(',')}`;
}

/** @param {Root} root
 * @param {{
 *   mirror: import('./mirror.js').Mirror, connection: import('./connection.js').Connection,
 *   widgets: Map<string, HTMLElement>,
 * }} site */
export function stories(root, { mirror, connection, widgets }) {
  /** @type {{asked: string, cell: HTMLTableCellElement} | null} */
  let pending = null;
  let timer = 0;
  const moved = pointer();

  /** @param {{target: HTMLElement}} event */
  const consider = ({ target }) => {
    const cell = /** @type {HTMLTableCellElement} */ (target.closest?.('[data-ask] td[data-v]'));
    clearTimeout(timer);
    if (!cell || cell.dataset.why || !connection.isLive) return;
    timer = setTimeout(() => {
      pending = { asked: `${cell.closest('[data-widget]').dataset.widget}|${question(cell)}`, cell };
      connection.request({ ask: pending.asked });
    }, PATIENCE);
  };
  root.addEventListener('pointerover', (event) => {
    if (moved(event) || !root.activeElement?.closest('[data-ask]')) consider(event); // else the keyboard scrolled here
  });
  root.addEventListener('focusin', consider);

  for (const name of widgets.keys()) {
    mirror.on(name, 'told', (/** @type {{asked?: string, story?: string}} */ { asked, story } = {}) => {
      if (!story || !pending || asked !== pending.asked || !pending.cell.isConnected) return;
      const { cell } = pending;
      pending = null;
      cell.dataset.why = story;
      if (cell === root.activeElement) cell.setAttribute('aria-description', story);
      const line = cell.closest('.figure')?.querySelector('[data-readout]');
      if (line && (cell.matches(':hover') || cell === root.activeElement)) line.textContent = describe(cell);
    });
  }
}
