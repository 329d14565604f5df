// Code to embed a figure with, filled in: what build/snippets.py does, in the browser. The templates are those of
// build/snippets.toml.

/** @param {unknown} s */
export const escape = (s) => String(s).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** A template with a figure and its values (of an address) in it. tall: its height in a text 720 px wide
 * @param {string} template @param {Record<string, string>} forms
 * @param {{site: string, slug: string, title: string, tall: string | number, values: Values}} figure
 * @returns {string} */
export function fill(template, forms, { site, slug, title, tall, values }) {
  const pairs = Object.entries(values).map(([name, value]) => [name, String(value)]);
  const query = new URLSearchParams(pairs).toString();
  const embed = `${site}embed/${slug}/`;
  /** @type {Record<string, string>} */
  const names = {
    site: escape(site),
    slug,
    title: escape(title),
    tall: String(tall),
    attrs: pairs.map(([name, text]) => ` ${name}="${escape(text)}"`).join(''),
    params: pairs.map(([name, text]) => ` ${name}="${text.replaceAll('"', '\\"')}"`).join(''),
    address: escape(query ? `${embed}?${query}` : embed),
    png: escape(`${embed}og.png`),
  };
  /** @param {string} text @returns {string} */
  const put = (text) => text.replace(/\[\[(\w+)(?:\|(\d+))?\]\]/g, (_, /** @type {string} */ name, indent) => {
    const found = names[name] ?? put(forms[name]);
    return indent ? found.replace(/^(?=.)/gm, ' '.repeat(Number(indent))) : found;
  });
  return put(template);
}
