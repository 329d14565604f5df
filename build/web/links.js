// Links to pages of the site, in markup that Python draws: it knows only their names. Where pages lie is said by the
// page itself: `data-pages` is the address of a page with a star for its name ("../*/" on a server, "*.html" for pages
// in one file).

/** @param {string} pages @param {string} name */
const where = (pages, name) => (
  pages.includes('*/') && name === 'home' ? pages.replace('*/', '') : pages.replace('*', name));

/** `html` with its links to pages led to where `pages` says; what they ask for there (`?prompt=...`) stays.
 * @param {string} html */
export function linked(html, pages = document.documentElement.dataset.pages ?? '') {
  return html.replace(/href="[^"?]*(\?[^"]*)?" data-page-link="([a-z-]+)"/g, (_, asked, name) => (
    `href="${where(pages, name)}${asked ?? ''}" data-page-link="${name}"`));
}
