// The card of a term stands below the word that was pressed, or above it where there is more room. The browser opens
// and closes it.

const GAP = 6; // px

/** Wire every card (`[popover].term-card`) under `root`. @param {Root} root */
export function terms(root) {
  /** @type {HTMLElement | null} */
  let pressed = null;
  root.addEventListener('click', ({ target }) => {
    const word = target.closest?.('.term');
    if (word) pressed = word;
  }, true);
  root.addEventListener('toggle', ({ target: card, newState }) => {
    if (newState !== 'open' || !card.matches('.term-card')
      || !pressed || pressed.getAttribute('popovertarget') !== card.id) return;
    const word = pressed.getBoundingClientRect();
    const { width, height } = card.getBoundingClientRect();
    const above = word.bottom + GAP + height > innerHeight && word.top > height + GAP;
    const left = Math.max(8, Math.min(word.left, document.documentElement.clientWidth - width - 8));
    card.style.left = `${left + scrollX}px`;
    card.style.top = `${(above ? word.top - height - GAP : word.bottom + GAP) + scrollY}px`;
  }, true);
}
