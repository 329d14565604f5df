// A widget as a picture, just as it is on screen: its own markup, styles and fonts in an SVG that needs nothing else. A
// browser draws it, at any size, with real text; a PNG is that, drawn once.

const NS = 'http://www.w3.org/2000/svg';
const TOOLS = '.tools,.drawer,.tool-status,.travellers,.plot-live,.plot-tools,[data-message]:empty,script';

/** The page's styles, with their fonts inside. As written, not as `cssRules` says them: that loses shorthands made of
 * variables. */
async function styles() {
  const texts = [...document.querySelectorAll('link[rel=stylesheet],style')].map(async (sheet) => {
    const href = sheet instanceof HTMLLinkElement ? sheet.href : '';
    let text = href ? await (await fetch(href)).text() : sheet.textContent;
    text = text.replaceAll(/@font-face\s*{[^}]*}/g, (face) => (
      isDrawn(String(/font-family:\s*["']?([^"';}]+)/.exec(face)?.[1])) ? face : ''));
    for (const [, address] of text.matchAll(/url\("?([^")]+\.woff2)"?\)/g)) {
      text = text.replace(address, await inside(new URL(address, href || document.baseURI)));
    }
    // a picture is drawn once, and with these
    return text.replaceAll(/font-display:\s*optional/g, 'font-display:block');
  });
  return (await Promise.all(texts)).join('\n');
}

/** Whether text of the page is drawn in this family: a font that came too late is loaded, but not used (`optional`).
 * @param {string} family */
function isDrawn(family) {
  /** @param {string} fonts */
  const width = (fonts) => {
    const probe = Object.assign(document.createElement('span'), { textContent: 'mmiiWW.' });
    probe.style.cssText = `position:absolute;visibility:hidden;white-space:nowrap;font:100px ${fonts}`;
    document.body.append(probe);
    const { width: wide } = probe.getBoundingClientRect();
    probe.remove();
    return wide;
  };
  return width(`"${family}",monospace`) !== width('monospace');
}

/** @param {URL} url @returns {Promise<string>} */
const inside = async (url) => {
  const blob = await (await fetch(url)).blob();
  return new Promise((resolve, reject) => {
    const reader = Object.assign(new FileReader(), {
      onload: () => resolve(String(reader.result)), onerror: () => reject(reader.error),
    });
    reader.readAsDataURL(blob);
  });
};

/** A copy of the widget in which markup says what else only the page knows: what was typed, chosen, scrolled to.
 * @param {HTMLElement} el */
function copyOf(el) {
  const copy = /** @type {HTMLElement} */ (el.cloneNode(true));
  /** @param {HTMLElement} within @returns {NodeListOf<Field>} */
  const fieldsOf = (within) => within.querySelectorAll('input,select');
  const fields = fieldsOf(copy);
  fieldsOf(el).forEach((field, i) => {
    if (field.matches('select')) {
      [...fields[i].options].forEach((option, k) => option.toggleAttribute('selected', k === field.selectedIndex));
    } else fields[i].setAttribute('value', field.value);
    fields[i].toggleAttribute('checked', Boolean(field.checked));
  });
  for (const tool of copy.querySelectorAll(TOOLS)) tool.remove();
  copy.style.margin = '0';
  return copy;
}

/** How high the copy is when it is as wide as the widget. @param {HTMLElement} copy @param {number} width */
function heightOf(copy, width) {
  const stage = document.createElement('div');
  stage.inert = true;
  stage.style.cssText = `position:absolute;visibility:hidden;left:0;top:0;width:${width}px`;
  stage.append(copy);
  document.body.append(stage);
  const { height } = stage.getBoundingClientRect();
  stage.remove();
  return Math.ceil(height);
}

/** {text, width, height} of the SVG, in CSS pixels. @param {HTMLElement} el */
export async function asSvg(el) {
  const root = document.documentElement;
  const css = await styles();
  const width = Math.ceil(el.getBoundingClientRect().width);
  const copy = copyOf(el);
  const height = heightOf(copy, width);
  const svg = document.createElementNS(NS, 'svg'); // the root of the picture, so `:root` and `rem` are its own
  for (const { name, value } of root.attributes) {
    if (name === 'class' || name.startsWith('data-')) svg.setAttribute(name, value);
  }
  svg.dataset.theme = root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) {
    svg.setAttribute(name, String(value));
  }
  svg.style.fontSize = getComputedStyle(root).fontSize;
  const style = document.createElement('style');
  style.textContent = `${css}\nbody{margin:0!important;padding:0!important;min-height:0!important}`
    + '*{animation:none!important;transition:none!important}';
  const body = document.createElement('body');
  body.style.width = `${width}px`;
  body.append(style, copy);
  const frame = document.createElementNS(NS, 'foreignObject');
  frame.setAttribute('width', '100%');
  frame.setAttribute('height', '100%');
  frame.append(body);
  svg.append(frame);
  return {
    // eslint-disable-next-line no-control-regex
    text: new XMLSerializer().serializeToString(svg).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\uFFFD'),
    width,
    height,
  };
}

/** The same as a Blob of pixels. @param {HTMLElement} el @returns {Promise<Blob>} */
export async function asPng(el, scale = 2) {
  const { text, width, height } = await asSvg(el);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: width * scale, height: height * scale });
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (
    blob ? resolve(blob) : reject(new Error('the picture is too large'))), 'image/png'));
}
