// The reader's guesses: chosen before a figure, answered there at once, and again below the figure; kept for this
// visit. The prose makes both (build/prose.py): the answer stands below the figure, what is said at once is a copy of
// it.

const KEPT = 'explainer-guesses';

/** @returns {Record<string, string>} */
const kept = () => {
  try { return JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') ?? {}; } catch { return {}; }
};

/** What is answered to this option, without the words that repeat the guess. @param {HTMLElement} answer */
const said = (answer) => {
  const copy = /** @type {HTMLElement} */ (answer.cloneNode(true));
  copy.querySelector('.yours')?.remove();
  return [...copy.childNodes];
};

/** Show the answer to what was guessed, and only that. `page`: the page's name, for guesses of the same name
 * elsewhere.
 * @param {Root} root @param {string} page */
export function guesses(root, page) {
  /** @param {HTMLElement} fieldset */
  const show = (fieldset) => {
    const name = fieldset.dataset.guess;
    const chosen = /** @type {HTMLInputElement} */ (fieldset.querySelector('input:checked'))?.value;
    for (const answer of root.querySelectorAll(`[data-answer="${name}"] > [data-option]`)) {
      const here = answer.dataset.option === chosen;
      answer.toggleAttribute('data-chosen', here);
      if (here) fieldset.querySelector('.noted').replaceChildren(...said(answer));
    }
  };
  const before = kept();
  for (const fieldset of root.querySelectorAll('[data-guess]')) {
    const value = before[`${page}:${fieldset.dataset.guess}`];
    const input = [...fieldset.querySelectorAll('input')].find((option) => option.value === value);
    if (input) input.checked = true;
    show(fieldset);
  }
  root.addEventListener('change', (event) => {
    const fieldset = event.target.closest?.('[data-guess]');
    if (!fieldset) return;
    show(fieldset);
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({
        ...kept(), [`${page}:${fieldset.dataset.guess}`]: event.target.value,
      }));
    } catch { /* private mode */ }
  });
}
