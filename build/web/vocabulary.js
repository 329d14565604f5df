// The whole vocabulary as a list that can be searched (pages/temperature/views/parts.py: all_tokens). Python sends
// every token's number with each change; rows are made of them when the list is opened (or its numbers are downloaded),
// not before.

/** As Python rounds: what lies just in the middle goes to the even side (12.5 to 12; toFixed makes 13 of it).
 * @param {number} q @param {number} digits */
function rounded(q, digits) {
  const halves = q * 2 ** (digits + 1) * 5 ** digits; // exact, where it is a whole number by its first factor
  if (!Number.isInteger(q * 2 ** (digits + 1)) || halves % 2 === 0) return q.toFixed(digits);
  const below = (halves - 1) / 2;
  return ((below + (below % 2)) / 10 ** digits).toFixed(digits);
}

/** As explainer/ui/html.py writes it. @param {number} p */
export const percent = (p) => {
  const q = 100 * p;
  if (p === 0 || p === 1) return `${q} %`;
  if (q < 0.01) return '<0.01 %';
  if (q > 99.99) return '>99.99 %';
  return `${rounded(q, q < 0.095 || q > 99.9 ? 2 : q < 9.95 || q > 99 ? 1 : 0)} %`;
};
/** @param {number} x */
const signed = (x) => x.toFixed(2).replace('-', '−');

/** Make the rows of a list, once per list of names; later only the shares change.
 * @param {HTMLDetailsElement & {filledWith?: string}} details */
export function fill(details) {
  const text = String(details.dataset.list);
  if (details.filledWith === text) return;
  details.filledWith = text;
  /** @type {{ids: number[], names: string[], logits: number[], shares: number[]}} */
  const { ids, names, logits, shares } = JSON.parse(text);
  const home = details.querySelector('[data-own]');
  let table = home.querySelector('table');
  if (!table) {
    const id = `find-${details.dataset.vocabulary}`;
    home.innerHTML = `<div class="find"><div class="field"><label for="${id}">Find a token</label>`
      + `<input type="text" id="${id}" data-find autocomplete="off" spellcheck="false"></div>`
      + '<p class="found" role="status"></p></div>'
      + '<div class="list" tabindex="0" role="region" aria-label="All tokens">'
      + '<table><caption class="sr">All tokens, the most likely first</caption>'
      + '<thead><tr><th scope="col">rank</th><th scope="col">token</th><th scope="col">logit</th>'
      + '<th scope="col">share</th></tr></thead><tbody></tbody></table></div>';
    table = home.querySelector('table');
  }
  const body = /** @type {HTMLTableSectionElement & {filledFor?: string}} */ (table.tBodies[0]);
  const key = names.join('\u001f') + logits[0];
  if (body.filledFor !== key) {
    body.filledFor = key;
    body.replaceChildren(...ids.map((id, i) => {
      const row = document.createElement('tr');
      const cells = ['td', 'th', 'td', 'td'].map((kind) => (
        row.appendChild(/** @type {HTMLTableCellElement} */ (document.createElement(kind)))));
      cells[0].textContent = String(i + 1);
      cells[1].scope = 'row';
      cells[1].innerHTML = '<span class="token"></span>';
      cells[1].querySelector('.token').textContent = names[i];
      cells[2].textContent = signed(logits[i]);
      cells[2].dataset.v = String(logits[i]);
      row.dataset.token = String(id);
      return row;
    }));
  }
  [...body.rows].forEach((row, i) => {
    row.cells[3].textContent = percent(shares[i]);
    row.cells[3].dataset.v = String(shares[i]);
  });
  search(details);
}

/** Show the rows whose token contains what is sought; a space finds what is written as ␣.
 * @param {HTMLElement} details */
function search(details) {
  /** @type {HTMLInputElement} */
  const field = details.querySelector('[data-find]');
  const sought = (field?.value ?? '').replaceAll(' ', '␣').toLowerCase();
  let found = 0;
  /** @type {NodeListOf<HTMLTableRowElement>} */
  const rows = details.querySelectorAll('tbody tr');
  for (const row of rows) {
    const here = row.cells[1].textContent.toLowerCase().includes(sought);
    row.hidden = !here;
    found += Number(here);
  }
  const all = rows.length;
  details.querySelector('.found').textContent = sought ? `${found} of ${all} tokens` : `${all} tokens`;
}

/** Wire all lists under `root`. @param {Root} root */
export function vocabularies(root) {
  /** @param {HTMLElement} within @returns {Iterable<HTMLDetailsElement>} */
  const lists = (within) => within.querySelectorAll?.('[data-vocabulary]') ?? [];
  root.addEventListener('toggle', (event) => {
    if (event.target.matches?.('[data-vocabulary]') && event.target.open) fill(event.target);
  }, true);
  root.addEventListener('input', (event) => {
    if (event.target.matches?.('[data-find]')) search(event.target.closest('[data-vocabulary]'));
  });
  root.addEventListener('explainer:drawn', (event) => {
    for (const list of lists(event.target)) if (list.open) fill(list);
  });
  root.addEventListener('click', (event) => { // before the toolbar gathers the tables
    if (event.target.closest?.('[data-download]')) {
      for (const list of lists(event.target.closest('.widget'))) fill(list);
    }
  }, true);
}
