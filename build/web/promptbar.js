// One prompt for a page: the field in its first figure, and, once that is out of sight above, a bar at the lower edge,
// with the crank where the page has one. The other figures follow; their own fields are for embeds.

/** Wire the bar of a page, if it has one. `own`: the figure whose field is the page's. @param {Root} root */
export function promptBar(root) {
  const bar = root.querySelector('.prompt-bar');
  const own = root.querySelector('[data-own-prompt]');
  if (!bar || !own || !('IntersectionObserver' in globalThis)) return;
  const crank = bar.querySelector('[data-bar-crank]');
  const main = () => own.querySelector('.button.crank');
  crank.hidden = !main();
  crank.addEventListener('click', () => main()?.click());
  let away = false; // put away by the reader, for this page
  bar.querySelector('[data-bar-close]').addEventListener('click', () => {
    away = true;
    bar.removeAttribute('data-shown');
    bar.inert = true;
  });
  // what lies below the screen counts as on it, so that the figure is off it only above, however one comes there
  new IntersectionObserver((entries) => {
    const above = !away && !entries.at(-1)?.isIntersecting;
    if (!above && bar.contains(root.activeElement)) return; // the reader is writing there
    bar.toggleAttribute('data-shown', above);
    bar.inert = !above;
  }, { rootMargin: '0px 0px 1000000px 0px' }).observe(own);
}
