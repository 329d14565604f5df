// Another model for a page: size and memory are said first and taken when the reader says yes; then bytes and steps,
// which can be cancelled; then the figures are about it, until the storyteller is chosen again, or the memory given
// back. Which model Python holds is what the worker says (connection.holds), whichever page has had it fetched.
import { kept } from './kept.js';

const SMALL = 4; // GB of memory: with so little, or on a phone, it is not offered but may be insisted on
const FILE = 'file'; // what a reader's own is called
const QUARTERS = ['', 'A quarter is here.', 'Half of it is here.', 'Three quarters are here.', ''];

/** @param {number} n bytes */
const megabytes = (n) => (n < 1e7 ? (n / 1e6).toFixed(1) : String(Math.round(n / 1e6)));
/** @param {number} n */
const thousands = (n) => n.toLocaleString('en');

/** Whether this machine has little memory, and why that is thought. */
function little() {
  const { deviceMemory, userAgent } = /** @type {Navigator & {deviceMemory?: number}} */ (navigator);
  if (deviceMemory !== undefined && deviceMemory <= SMALL) return `this machine has ${deviceMemory} GB`;
  return /Mobi|Android|iPhone|iPad/.test(userAgent) ? 'this looks like a phone or a tablet' : '';
}

/** What stands below the choice: a line, which is read aloud whenever it is another, and what can be done. What stays
 * is not made anew, so the focus stays where it is; where it was on something that has gone, it is at the whole then.
 * @param {HTMLElement} more @param {HTMLElement} before where the focus is when nothing is left */
function panel(more, before) {
  const line = more.querySelector('p');
  /** @type {Map<string, {element: HTMLButtonElement, press: () => void}>} */
  const buttons = new Map(); // by their words

  /** @param {string} words @param {() => void} press */
  function button(words, press, main = false) {
    const known = buttons.get(words);
    if (known) {
      known.press = press;
      return known.element;
    }
    const element = document.createElement('button');
    const made = { element, press };
    element.type = 'button';
    element.className = main ? 'button main' : 'button';
    element.textContent = words;
    element.addEventListener('click', () => made.press());
    buttons.set(words, made);
    return element;
  }

  /** @param {string} words @param {Element[]} parts */
  function show(words, ...parts) {
    const held = more.contains(document.activeElement);
    if (line.textContent !== words) line.textContent = words;
    for (const part of [...more.children]) if (part !== line && !parts.includes(part)) part.remove();
    parts.forEach((part, i) => {
      const at = more.children[i + 1] ?? null;
      if (at !== part) more.insertBefore(part, at);
    });
    const open = Boolean(words || parts.length);
    more.toggleAttribute('data-open', open);
    if (held && !open) before.focus();
    else if (held && !more.contains(document.activeElement)) more.focus({ preventScroll: true });
  }
  return { show, button };
}

/** Wire the choice; returns what is to be called when the reader has chosen.
 * @param {HTMLElement} bar @param {Choice} page */
export function models(bar, page) {
  const { connection, mirror, defaults, state, wish } = page;
  const select = bar.querySelector('select');
  const { show, button } = panel(bar.querySelector('[data-models-more]'), select);
  const own = String(defaults.model);
  let coming = ''; // the one that is fetched or read
  let asking = ''; // the one that the reader is asked about
  let refused = ''; // the one that the reader does not want now
  let noticed = ''; // of what the figures were when something was said that stays until the reader does something here
  let going = false; // whether the memory is being given back
  let had = ''; // the one that the figures were about last
  let keeps = true; // whether the browser keeps what is fetched, as far as is known
  let seen = connection.holds?.taken ?? 0; // which of all models that were read the figures were drawn of last
  let typed = String(defaults.prompt ?? ''); // the reader's text before an example took its place

  /** @param {string} name */
  const option = (name) => [...select.options].find((one) => one.value === name);
  /** @param {string} name @returns {DOMStringMap} */
  const about = (name) => option(name)?.dataset ?? {};
  /** @param {string} name */
  const examplesOf = (name) => (about(name).examples ?? '').split('|').filter(Boolean);
  const examples = () => [...select.options].flatMap((one) => examplesOf(one.value));
  const wished = () => String(mirror.get('link', 'values')?.model ?? own);
  const served = () => String(mirror.get('link', 'shown')?.model ?? wished());
  /** @param {string} name */
  const titleOf = (name) => about(name).title
    ?? (connection.holds?.name === name ? connection.holds.title : 'your file');
  /** @param {string} name */
  const folder = (name) => new URL(
    `models/${name}/`, new URL(String(document.documentElement.dataset.site), document.baseURI));

  const meter = document.createElement('progress');
  meter.setAttribute('aria-label', 'How much of it is here');
  const count = document.createElement('span');
  const cancel = () => button('Cancel', () => connection.cancel());

  /** The choice shows what the figures are about, or what is being decided; nothing else is chosen while one comes. */
  function seat() {
    select.value = coming || asking || served();
    if (select.selectedIndex < 0) select.value = own;
    select.disabled = coming !== '';
  }

  /** Say something that stays until the reader does something here. @param {string} words @param {Element[]} parts */
  function notice(words, ...parts) {
    noticed = served();
    show(words, ...parts, button('Close', () => { noticed = ''; say(); }));
  }

  function notNow() {
    refused = asking || wished();
    asking = '';
    seat();
    say();
    select.focus();
  }

  /** @param {string} name @param {File[]} [files] */
  function take(name, files) {
    coming = name;
    asking = refused = noticed = '';
    show('Asking for it…', cancel());
    seat();
    connection.take(name, files);
  }

  /** Ask first. @param {string} name @param {string} [why] what is to be said before */
  async function ask(name, why = '') {
    asking = name;
    noticed = '';
    seat();
    const here = await kept(folder(name));
    if (asking !== name || coming) return;
    keeps = here !== null;
    const { title = '', says = '', bytes = '0', memory = '0', licence = '', source = '' } = about(name);
    const [all, some] = [Number(bytes), here?.bytes ?? 0];
    const size = `${megabytes(all)} MB`;
    const fetched = some && some === here?.total ? `Its ${size} are in this browser already: nothing is fetched.`
      : some ? `${megabytes(some)} of its ${size} are in this browser already; the others are fetched.`
        : `${size} are fetched${keeps ? ' (and kept by the browser, for the next time)' : ''}.`;
    const small = little();
    const needs = `about ${megabytes(Number(memory))} MB of memory`;
    if (small) {
      show(
        `${why}${title} may be too much here: ${small}, and it takes ${needs}. The browser may close the page. `
        + fetched,
        button('Not now', notNow, true), button('Load it all the same', () => take(name)),
      );
    } else {
      show(
        `${why}${says} ${fetched} With it this page takes ${needs}. ${licence}; ${source}.`,
        button('Load the model', () => take(name), true), button('Not now', notNow),
      );
    }
  }

  /** @type {HTMLElement | null} */
  let chooser = null;
  /** Ask for files of the reader's. */
  function askForFile() {
    asking = FILE;
    noticed = '';
    seat();
    if (!chooser) {
      chooser = document.createElement('label');
      chooser.className = 'button main models-file';
      const input = document.createElement('input');
      input.type = 'file';
      input.multiple = true;
      input.accept = '.gguf,.safetensors,.json';
      chooser.append('Your own file: choose it, or drop it here', input);
      input.addEventListener('change', () => {
        if (input.files?.length) take(FILE, [...input.files]);
        input.value = ''; // so that the same one can be chosen again
      });
    }
    show(
      'A model of the Llama family in one .gguf file; or of the Llama or GPT-2 family as .safetensors with its '
      + 'config.json and tokenizer.json. It does not leave your machine.',
      chooser, button('Not now', notNow),
    );
  }

  /** What has to be taken back for the storyteller: the model, and an example's text. Nothing else of the reader's. */
  const back = () => ({ model: own, ...(examples().includes(state.prompt) ? { prompt: typed } : {}) });

  /** @param {string} text */
  function example(text) {
    if (!examples().includes(state.prompt)) typed = state.prompt;
    return { prompt: text };
  }

  /** The figures are about a model that Python holds. @param {string} name */
  function turnTo(name) {
    const [first] = examplesOf(name);
    wish({ model: name, ...(first && state.prompt === defaults.prompt ? example(first) : {}) });
  }

  function leave() {
    asking = refused = noticed = had = '';
    going = true;
    show('Its memory is given back: Python starts again.');
    wish(back());
    connection.letGo();
  }

  /** What holds now. */
  function say() {
    const name = served();
    const { holds } = connection;
    document.documentElement.dataset.model = name;
    if (coming || asking || going || (noticed && (name === own || name === noticed))) return;
    noticed = '';
    seat();
    if (name === own) {
      if (holds && connection.isLive) {
        show(
          `${holds.title} is still in memory. The figures are about the storyteller.`,
          button('Give the memory back', leave),
        );
      } else show('');
      return;
    }
    if (holds?.name !== name) return; // what the figures are about then, Python says in a moment
    had = name;
    const tries = examplesOf(name).map((text) => button(`“${text}”`, () => wish(example(text))));
    show(
      `The figures here are now about ${holds.title}: ${thousands(holds.weights)} weights, ${holds.layers} layers of `
      + `${holds.heads} heads, ${thousands(holds.vocabulary)} tokens (${holds.licence}). Figures that are about the `
      + 'storyteller only say so, and why.',
      ...(tries.length ? [examplesIn(name, tries)] : []), button('Leave it, and give its memory back', leave),
    );
  }

  /** @type {Map<string, HTMLElement>} */
  const lists = new Map();
  /** @param {string} name @param {HTMLElement[]} tries */
  function examplesIn(name, tries) {
    let list = lists.get(name);
    if (!list) {
      list = document.createElement('div');
      list.className = 'models-examples';
      list.append('Try: ', ...tries);
      lists.set(name, list);
    }
    return list;
  }

  /** Python holds other values, or shows something else: a link, Back, another page of the visit. */
  function settle() {
    const wanted = wished();
    if (asking && served() === asking) asking = '';
    if (coming || asking) return;
    if (served() === wanted || wanted === refused) {
      say();
      return;
    }
    bar.hidden = false;
    const here = option(wanted);
    const gone = had === wanted ? 'It is not in memory any more. ' : '';
    had = '';
    if (wanted === FILE) {
      refused = wanted;
      notice(gone ? `${gone}Choose “your own file…” to open it again.`
        : 'This link is about a file that its writer had. Choose “your own file…” to open yours.');
      seat();
    } else if (here) {
      here.hidden = false;
      ask(wanted, gone);
    } else {
      refused = wanted;
      notice(`This copy of the site does not have the model that its address asks for (“${wanted}”). The figures are `
        + 'about the storyteller.');
      seat();
    }
  }

  /** Python holds another model, or none any more. */
  page.holds = (model) => {
    const wanted = wished();
    const [is, was] = [model?.name === wanted, served() === wanted];
    going = false;
    if (coming && model?.name === coming) return; // it is said to be there in a moment
    if (wanted !== own && (is !== was || (is && model?.taken !== seen))) wish({ model: wanted }, 'replace');
    else say();
    if (is) seen = model?.taken ?? 0;
  };

  page.heard = (message) => {
    const { name, state: how, loaded = 0, total = 0 } = message;
    if (how === 'fetching') {
      coming = name;
      seat();
      meter.max = total || 1;
      meter.value = loaded;
      count.textContent = `${megabytes(loaded)} of ${megabytes(total)} MB`;
      const begun = loaded === message.kept ? `Reading ${titleOf(name)} from what this browser keeps.`
        : `Fetching ${titleOf(name)}: ${megabytes(total)} MB.`;
      const quarter = Math.floor(4 * loaded / (total || 1));
      show(`${begun} ${QUARTERS[quarter]}`.trim(), meter, count, cancel());
    } else if (how === 'reading') show('Reading it…');
    else if (how === 'there') {
      coming = '';
      had = name;
      seen = message.model?.taken ?? 0;
      seat();
      show('Drawing the figures…', button('Leave it, and give its memory back', leave));
      turnTo(name);
    } else {
      coming = '';
      refused = wished();
      seat();
      if (how === 'cancelled') {
        const again = name === FILE ? [] : [button('Go on with it', () => take(name))];
        notice(`Cancelled.${name !== FILE && keeps ? ' What had arrived is kept for the next time.' : ''}`, ...again);
      } else ended(message);
    }
  };

  /** It did not come: why, and what the figures are about now. @param {ModelSaid} message */
  function ended({ name, message = '', what }) {
    const before = had;
    const still = connection.holds?.name === before;
    const now = what === 'lost' ? 'Python starts again with what you have set.'
      : !connection.isLive ? 'The pictures stay as they are.'
        : !before ? 'The storyteller is here, with everything as it was.'
          : still && served() === before ? `The figures are still about ${titleOf(before)}.`
            : still ? 'The figures are about the storyteller, as before.'
              : `${about(before).title ?? 'Your other file'} has left memory to make room for it: the figures are `
                + 'about the storyteller now.';
    const again = name === FILE ? [button('Another file', askForFile)] : [button('Try again', () => take(name))];
    if (before && !still && option(before) && before !== FILE) {
      again.push(button(`Load ${titleOf(before)} again`, () => ask(before)));
    }
    if (!still) had = '';
    notice(`${message} ${now}`, ...again);
  }

  bar.addEventListener('dragover', (event) => { if (asking === FILE) event.preventDefault(); });
  bar.addEventListener('drop', (event) => {
    if (asking !== FILE || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    take(FILE, [...event.dataTransfer.files]);
  });
  let due = false;
  const soon = () => { // what Python says comes value by value: it is looked at when all of it is there
    if (!due) queueMicrotask(() => { due = false; settle(); });
    due = true;
  };
  mirror.on('link', 'values', soon);
  mirror.on('link', 'shown', soon);
  settle();

  /** The reader has chosen. A choice by arrow keys passes over what is not meant, so none costs anything: the
   * storyteller leaves the other model in memory, another model is asked about. @param {string} name */
  return (name) => {
    if (coming) { seat(); return; }
    refused = asking = noticed = '';
    going = false;
    if (name === own) {
      if (wished() === own) say();
      else wish(back());
    } else if (name === connection.holds?.name && name !== FILE) {
      if (served() === name) say(); else turnTo(name);
    } else if (name === FILE) askForFile();
    else ask(name);
  };
}
