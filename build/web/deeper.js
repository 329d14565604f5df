// Sections that are closed at first (`:::: deeper` in the prose). Whatever leads into one opens it: a link, the
// address, a value in the address that only a figure inside shows. What lies in a closed one is not drawn until it is
// opened.

/** Open every section around an element. Returns the element. */
export function reveal(element) {
  for (let at = element?.closest('details'); at; at = at.parentElement.closest('details')) at.open = true;
  return element;
}

/** Whether an element lies in a section that is closed. */
export const isClosed = (element) => Boolean(element.closest('details.deeper:not([open])'));

/** Wire the sections of a page. What is within a figure and shows a value that no control there is bound to says so
 * itself: `data-opens="node"`. `asked`: the names of the values in the address; `opened()` is called when one was
 * opened. */
export function deeper(root, { asked, opened }) {
  const goTo = (hash) => {
    const target = hash.length > 1 && !hash.includes('=') && root.getElementById(decodeURIComponent(hash.slice(1)));
    if (target && isClosed(target)) reveal(target).scrollIntoView();
  };
  const arrive = () => {
    for (const name of asked) {
      for (const part of root.querySelectorAll(`[data-opens~="${name}"]`)) part.open = true;
      if (name === 'prompt') continue; // many figures have one
      const controls = [...root.querySelectorAll(
        `[data-bind="${name}"],[data-set~="${name}"],[data-stepper="${name}"]`)];
      if (controls.length && controls.every(isClosed)) reveal(controls[0]);
    }
    goTo(location.hash);
  };
  if (root.querySelector('.second:not([data-settled])')) { // reading.js first
    addEventListener('DOMContentLoaded', arrive, { once: true });
  } else {
    arrive();
  }
  addEventListener('hashchange', () => goTo(location.hash));
  root.addEventListener('click', ({ target }) => {
    const link = target.closest?.('a[href^="#"]');
    if (link) goTo(link.hash);
  });
  root.addEventListener('toggle', ({ target }) => { if (target.matches('.deeper[open]')) opened(); }, true);
  addEventListener('beforeprint', () => {
    for (const section of root.querySelectorAll('.deeper')) section.open = true;
  });
}
