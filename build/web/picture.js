// A widget as a picture: what is on screen, as SVG with real text and rectangles (so that it scales and can be edited).

const NS = 'http://www.w3.org/2000/svg';
const visible = (el) => el.checkVisibility?.({ checkOpacity: true, checkVisibilityCSS: true }) ?? el.getClientRects().length > 0;

function paint(el, origin, out) {
  if (!visible(el) || el.matches('.sr,select,input,button.button,.readout:empty,[data-message]')) return;
  const style = getComputedStyle(el);
  const box = el.getBoundingClientRect();
  const at = { x: box.left - origin.left, y: box.top - origin.top };
  if (style.backgroundColor !== 'rgba(0, 0, 0, 0)' && box.width && box.height) {
    out.push(rect(at.x, at.y, box.width, box.height, style.backgroundColor, parseFloat(style.borderTopLeftRadius) || 0));
  }
  if (el instanceof SVGSVGElement) {
    const copy = el.cloneNode(true);
    inline(el, copy);
    for (const [k, v] of Object.entries({ x: at.x, y: at.y, width: box.width, height: box.height })) copy.setAttribute(k, v);
    copy.setAttribute('xmlns', NS);
    out.push(new XMLSerializer().serializeToString(copy));
    return;
  }
  for (const child of el.childNodes) {
    if (child.nodeType === Node.TEXT_NODE && child.textContent.trim()) {
      const range = document.createRange();
      range.selectNodeContents(child);
      for (const line of range.getClientRects()) {
        if (range.getClientRects().length > 1 && line.width < 1) continue;
        out.push(words(range.getClientRects().length > 1 ? null : child.textContent.trim(), child, line, origin, style));
      }
    } else if (child.nodeType === Node.ELEMENT_NODE) paint(child, origin, out);
  }
}

const xml = (s) => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b-\u001f]/g, '\uFFFD');
const rect = (x, y, w, h, fill, r) => `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(1)}" height="${h.toFixed(1)}" rx="${r}" fill="${xml(fill)}"/>`;

function words(text, node, line, origin, style) {
  const shown = text ?? textIn(node, line);
  return `<text x="${(line.left - origin.left).toFixed(1)}" y="${(line.bottom - origin.top - line.height * 0.24).toFixed(1)}" fill="${xml(style.color)}" font-size="${style.fontSize}" font-family="${xml(style.fontFamily)}" font-weight="${style.fontWeight}">${xml(shown)}</text>`;
}

/** The part of a wrapped text node that lies on one line. */
function textIn(node, line) {
  const range = document.createRange();
  let found = '';
  for (let i = 0; i < node.length; i += 1) {
    range.setStart(node, i);
    range.setEnd(node, i + 1);
    const box = range.getBoundingClientRect();
    if (Math.abs(box.top - line.top) < 2) found += node.data[i];
  }
  return found.trim();
}

function inline(from, to) {
  const style = getComputedStyle(from);
  for (const name of ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-size', 'font-family', 'font-weight', 'text-anchor']) to.style.setProperty(name, style.getPropertyValue(name));
  [...from.children].forEach((child, i) => inline(child, to.children[i]));
}

export function asSvg(el) {
  const box = el.getBoundingClientRect();
  const paper = getComputedStyle(document.body).backgroundColor;
  const out = [];
  paint(el, box, out);
  return `<svg xmlns="${NS}" width="${Math.ceil(box.width)}" height="${Math.ceil(box.height)}" viewBox="0 0 ${Math.ceil(box.width)} ${Math.ceil(box.height)}"><rect width="100%" height="100%" fill="${xml(paper)}"/>${out.join('')}</svg>`;
}

export async function asPng(el, scale = 2) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(asSvg(el))}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width * scale, height: image.height * scale });
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  context.drawImage(image, 0, 0);
  return new Promise((resolve, reject) => canvas.toBlob((b) => (b ? resolve(b) : reject(new Error('the picture is too large'))), 'image/png'));
}
