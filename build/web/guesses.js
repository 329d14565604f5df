// The reader's guesses: chosen before a figure, answered below it, kept for this visit. The prose makes both (build/prose.py).

const KEPT = 'explainer-guesses';
const NOTED = 'Noted. The answer is further down.'; // one line, also on a phone: its place is kept

const kept = () => {
  try { return JSON.parse(sessionStorage.getItem(KEPT)) ?? {}; } catch { return {}; }
};

/** Show the answer to what was guessed, and only that. `page`: the page's name, for guesses of the same name elsewhere. */
export function guesses(root, page) {
  const show = (fieldset, said) => {
    const name = fieldset.dataset.guess;
    const chosen = fieldset.querySelector('input:checked')?.value;
    for (const answer of root.querySelectorAll(`[data-answer="${name}"] > [data-option]`)) answer.toggleAttribute('data-chosen', answer.dataset.option === chosen);
    if (said && chosen !== undefined) fieldset.querySelector('.noted').textContent = NOTED;
  };
  const before = kept();
  for (const fieldset of root.querySelectorAll('[data-guess]')) {
    const value = before[`${page}:${fieldset.dataset.guess}`];
    const input = [...fieldset.querySelectorAll('input')].find((option) => option.value === value);
    if (input) input.checked = true;
    show(fieldset, false);
  }
  root.addEventListener('change', (event) => {
    const fieldset = event.target.closest?.('[data-guess]');
    if (!fieldset) return;
    show(fieldset, true);
    try { sessionStorage.setItem(KEPT, JSON.stringify({ ...kept(), [`${page}:${fieldset.dataset.guess}`]: event.target.value })); } catch { /* private mode */ }
  });
}
