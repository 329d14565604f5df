// Long work in short pieces: a figure that is not finished says so (`data-more="name"`), and as long as it can be seen
// the page asks Python for the next piece. In between Python is free for everything else the reader does.

/** Wire everything under `root`. `ask(name)` asks for the next piece of the figure that waits under that state name.
 * Returns {seen: () => the names of the widgets in sight, look: ask if there is something to ask, end: look no more}.
 * @param {Root} root @param {{ask: (name: string) => void, live: () => boolean}} how */
export function onward(root, { ask, live }) {
  /** @type {Set<Element>} */
  const seen = new Set();
  const next = () => {
    for (const more of root.querySelectorAll('[data-more]')) {
      if (live() && [...seen].some((widget) => widget.contains(more))) return ask(String(more.dataset.more));
    }
    return null;
  };
  const look = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target);
      else seen.delete(target);
    }
    next();
  }, { rootMargin: '50px' });
  for (const widget of root.querySelectorAll('[data-widget]')) look.observe(widget);
  root.addEventListener('explainer:drawn', () => next());
  return {
    seen: () => [...seen].map((widget) => String(widget.getAttribute('data-widget'))),
    look: () => next(),
    end: () => look.disconnect(),
  };
}
