// What an embed shows and how much room that takes: for the element in somebody's page (embed.js), which has to know
// before the frame can say it, for the embed code (tools.js), and for the frame itself (reading.js).
import { _, fill } from './words.js';

const UNKNOWN = 560; // of a figure that was never measured
const LONGEST = 20000; // characters of a text
const NAME = /^[a-z][a-z0-9_]{0,31}$/;

/** Whether all of a widget is shown, and not its one figure: where that is asked for, or a value that only all of it
 * can show, unless the one figure is asked for.
 * @param {Values} asked @param {string[]} beyond */
export const isFull = (asked, beyond) => (
  asked.view === 'full' || (asked.view !== 'compact' && beyond.some((name) => name && name in asked)));

/** As `room` in build/heights.py: the height that was measured from the nearest width below to the next.
 * @param {number[]} heights from each of `widths` on; none of a figure that was never measured
 * @param {number[]} widths @param {number} width */
export const roomAt = (heights, widths, width) => (
  heights.length ? heights[Math.max(0, widths.findLastIndex((at) => at <= width))] : UNKNOWN);

/** A text from an attribute, as it may be handed to the frame: a long one keeps its end.
 * @param {string} text */
export const bounded = (text) => text.slice(-LONGEST);

/** Whether an attribute of this name is one of the state, and not the element's or the page's own.
 * @param {string} name @param {Set<string>} own */
export const isState = (name, own) => !own.has(name) && NAME.test(name);

/** Numbers, texts and booleans under plain names; everything else is dropped. @param {unknown} detail */
export function plain(detail) {
  /** @type {Values} */
  const kept = {};
  for (const [name, value] of Object.entries(typeof detail === 'object' && detail ? detail : {})) {
    if (/^[a-z_]{1,32}$/i.test(name)
      && (value === null || ['number', 'string', 'boolean'].includes(typeof value))) kept[name] = value;
  }
  return kept;
}

/** How light a colour as browsers compute it is, from 0 to 1; null of what is none or is seen through.
 * @param {string} colour 'rgb(18, 18, 18)', 'rgba(…)' or 'color(srgb 0.1 0.1 0.1)' */
export function lightness(colour) {
  const numbers = (colour.match(/^(?:rgba?|color)\((.*)\)$/)?.[1] ?? '').match(/-?\d*\.?\d+(?:e-?\d+)?/g)?.map(Number);
  if (!numbers || numbers.length < 3 || numbers[3] < 0.5) return null;
  const scale = colour.startsWith('color') ? 1 : 255;
  const [r, g, b] = numbers.map((n) => n / scale);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The theme of a host, by what holds where the element stands: its `color-scheme`, as the ground that the browser
 * gives to it; and where a host says none, whether its text is light.
 * @param {{colorScheme: string, color: string, canvas: string}} computed canvas: the system colour Canvas
 * @returns {'light' | 'dark'} */
export function themeOf({ colorScheme, color, canvas }) {
  if ((lightness(canvas) ?? 1) < 0.5) return 'dark';
  return colorScheme === 'normal' && (lightness(color) ?? 0) > 0.6 ? 'dark' : 'light';
}

/** What is said of attributes that cannot be taken. */
export const sentences = {
  /** @param {string} value */
  theme: (value) => fill(_('theme is “{value}”: it can be light, dark or auto.'), { value: value.slice(0, 40) }),
  /** @param {string[]} words that are missing */
  sandbox: (words) => fill(_('sandbox has to leave the figure {words}.'), { words: words.join(', ') }),
  /** @param {unknown} value */
  view: (value) => (
    fill(_('view is “{value}”: it can be compact or full.'), { value: String(value).slice(0, 40) })),
  /** @param {string} name @param {string[]} names */
  name: (name, names) => (
    fill(_('This figure knows no “{name}”. It knows: {names}.'), { name: name.slice(0, 40), names: names.join(', ') })),
};
