// Roving tabindex: of the cells of a table, the buttons of a group or the nodes of a drawing one is in the tab order,
// and the arrow keys move among them. Each `move...` returns whether the key was for it.

/** The arrows along a row: by how many. */
export const ARROWS = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1 });

/** Of these, `el` alone is in the tab order. @param {Element} el @param {Iterable<Element>} others */
export function sit(el, others) {
  for (const other of others) if (other !== el) other.setAttribute('tabindex', '-1');
  el.setAttribute('tabindex', '0');
}

/** One of each table and group under `root`: the one with the focus, or that is pressed, or the first.
 * @param {Root} root */
export function seat(root) {
  for (const group of root.querySelectorAll('[data-rove]')) {
    if (group.querySelector('[tabindex="0"]')) continue;
    const held = group.contains(root.activeElement) ? root.activeElement : null;
    const first = held ?? group.querySelector('[aria-pressed=true]') ?? group.querySelector('button');
    first?.setAttribute('tabindex', '0');
  }
  for (const table of root.querySelectorAll('[data-grid]')) {
    if (!table.querySelector('[tabindex="0"]')) {
      table.querySelector('tbody td[tabindex]')?.setAttribute('tabindex', '0');
    }
  }
}

/** Arrow keys from cell to cell of a table. @param {HTMLElement} target @param {string} key */
export function moveInGrid(target, key) {
  const table = /** @type {HTMLTableElement} */ (target.closest?.('[data-grid]'));
  if (!table || !target.matches('td,th')) return false;
  const cell = /** @type {HTMLTableCellElement} */ (target);
  const row = cell.closest('tr');
  const rows = [...table.tBodies[0].rows];
  const r = rows.indexOf(row);
  const c = cell.cellIndex;
  const to = /** @type {Record<string, number[]>} */ ({
    ArrowDown: [r + 1, c],
    ArrowUp: [r - 1, c],
    ArrowRight: [r, c + 1],
    ArrowLeft: [r, c - 1],
    Home: [r, 1],
    End: [r, row.cells.length - 1],
  })[key];
  if (!to) return false;
  const next = rows[to[0]]?.cells[to[1]];
  const lean = next?.dataset.v && table.matches('.lean'); // such tables leave the attribute out
  if (next && (next.hasAttribute('tabindex') || lean)) {
    sit(next, table.querySelectorAll('[tabindex="0"]'));
    next.focus({ preventScroll: false });
  }
  return true;
}

/** Arrow keys among buttons that stand in rows: along the row (and on to the next one), or to the nearest above and
 * below. @param {HTMLElement} from @param {string} key */
export function moveAmong(from, key) {
  const group = from.closest?.('[data-rove]');
  if (!group) return false;
  const all = [...group.querySelectorAll('button')];
  const here = from.getBoundingClientRect();
  /** @typedef {{button: HTMLButtonElement, r: DOMRect}} Box */
  /** @param {{r: DOMRect}} box */
  const beside = ({ r }) => Math.abs(r.top + r.height / 2 - here.top - here.height / 2) < 4;
  const boxes = all.map((button) => ({ button, r: button.getBoundingClientRect() }));
  /** @param {Box[]} found @param {(box: Box) => number} far */
  const nearest = (found, far) => found.sort((a, b) => far(a) - far(b))[0]?.button;
  /** @param {{r: DOMRect}} box */
  const apart = ({ r }) => Math.abs(r.left - here.left);
  /** @param {number} way */
  const along = (way) => nearest(boxes.filter((b) => beside(b) && way * (b.r.left - here.left) > 1), apart)
    ?? all[all.indexOf(/** @type {HTMLButtonElement} */ (from)) + way];
  /** @param {number} way */
  const across = (way) => nearest(
    boxes.filter((b) => !beside(b) && way * (b.r.top - here.top) > 0),
    (b) => 1e4 * Math.abs(b.r.top - here.top) + apart(b),
  );
  /** @type {Record<string, () => HTMLElement | undefined>} */
  const moves = {
    ArrowRight: () => along(1),
    ArrowLeft: () => along(-1),
    ArrowDown: () => across(1),
    ArrowUp: () => across(-1),
    Home: () => all[0],
    End: () => all.at(-1),
  };
  if (!(key in moves)) return false;
  const next = moves[key]();
  if (next) {
    sit(next, all);
    next.focus();
  }
  return true;
}

/** Arrow keys along a strip of tokens, where moving is choosing. @param {HTMLElement} target @param {string} key */
export function moveInStrip(target, key) {
  const strip = target.closest?.('.tokens');
  const by = ARROWS[key];
  if (!strip || !by) return false;
  const all = [...strip.querySelectorAll('button')];
  const next = all[all.indexOf(target.closest('button')) + by];
  next?.focus();
  next?.click();
  return true;
}
