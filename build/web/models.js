// Another model for a page: size and memory are said first and taken when the reader says yes; then bytes and steps,
// which can be cancelled; then every figure is about it, until it is left and its memory given back.

const SMALL = 4; // GB of memory: with so little, or on a phone, it is not offered but may be insisted on

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

/** @type {(name: string) => void} */
export let choose = () => {};

/** Wire the choice. @param {HTMLElement} bar @param {Choice} page */
export function models(bar, page) {
  const { connection, mirror, defaults, state, wish } = page;
  const select = bar.querySelector('select');
  const more = bar.querySelector('[data-models-more]');
  const own = String(defaults.model);
  let here = ''; // the further model that Python has, as far as this page has heard
  let coming = ''; // the one that is fetched or read
  let refused = ''; // the one that the reader does not want now
  let asking = ''; // the one that the reader is asked about
  /** @type {ModelSaid['model']} */
  let about;

  /** @param {string} name */
  const option = (name) => [...select.options].find((one) => one.value === name) ?? select.options[0];
  const wished = () => String(mirror.get('link', 'values')?.model ?? own);
  const served = () => String(mirror.get('link', 'shown')?.model ?? wished());
  const examples = () => [...select.options].flatMap((one) => (one.dataset.examples ?? '').split('|').filter(Boolean));

  /** Show words and buttons below the choice. @param {(string | Node)[]} parts */
  function show(...parts) {
    const line = document.createElement('p');
    line.setAttribute('role', 'status');
    line.append(...parts.filter((part) => typeof part === 'string'));
    more.replaceChildren(...(line.textContent ? [line] : []), ...parts.filter((part) => typeof part !== 'string'));
  }

  /** @param {string} words @param {() => void} press */
  function button(words, press, main = false) {
    const made = document.createElement('button');
    made.type = 'button';
    made.className = main ? 'button main' : 'button';
    made.textContent = words;
    made.addEventListener('click', press);
    return made;
  }

  /** The choice shows what the figures are about, or what is being decided. */
  function seat() { select.value = coming || asking || served(); }

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
    asking = refused = '';
    show('Asking for it…', button('Cancel', () => connection.cancel()));
    connection.take(name, files);
  }

  /** Ask first. @param {string} name */
  function ask(name) {
    asking = name;
    seat();
    const { title = '', says = '', bytes = '0', memory = '0', licence = '', source = '' } = option(name).dataset;
    const why = little();
    const words = `${says} ${megabytes(Number(bytes))} MB are fetched (and kept by the browser, for the next time), `
      + `and with it this page takes about ${megabytes(Number(memory))} MB of memory. ${licence}; ${source}.`;
    if (why) {
      show(
        `${title} may be too much here: ${why}, and it takes about ${megabytes(Number(memory))} MB of memory. The `
        + 'browser may close the page.',
        button('Not now', notNow, true), button('Get it all the same', () => take(name)),
      );
    } else show(words, button('Get it', () => take(name), true), button('Not now', notNow));
  }

  /** Ask for files of the reader's. */
  function askForFile() {
    asking = 'file';
    seat();
    const label = document.createElement('label');
    label.className = 'button main models-file';
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.accept = '.gguf,.safetensors,.json';
    label.append('Choose, or drop here', input);
    input.addEventListener('change', () => { if (input.files?.length) take('file', [...input.files]); });
    show(
      'A model of the Llama family in one .gguf file; or of the Llama or GPT-2 family as .safetensors with its '
      + 'config.json and tokenizer.json. It does not leave your machine.',
      label, button('Not now', notNow),
    );
  }

  function leave() {
    const began = examples().includes(state.prompt);
    const back = Object.fromEntries(Object.keys(defaults).filter((name) => name !== 'prompt' || began)
      .map((name) => [name, defaults[name]]));
    here = coming = asking = '';
    about = undefined;
    connection.letGo();
    wish(back);
    show('Its memory is given back: Python starts again.');
    select.value = own;
  }

  /** What holds now. */
  function say() {
    const name = served();
    if (coming || asking) return;
    seat();
    if (name === own) {
      if (here) {
        const { title = 'Your file' } = option(here).dataset;
        show(`${title} is still in memory.`, button('Give the memory back', leave));
      } else show();
      return;
    }
    if (!about) { // another page of this visit has had it fetched
      here = name;
      show(button('Back to the storyteller', leave));
      return;
    }
    const tries = (option(name).dataset.examples ?? '').split('|').filter(Boolean)
      .map((text) => button(`“${text}”`, () => wish({ prompt: text })));
    const list = document.createElement('div');
    list.className = 'models-examples';
    list.append(...(tries.length ? ['Try: '] : []), ...tries);
    show(
      `Every figure here is now about ${about.title}: ${thousands(about.weights)} weights, ${about.layers} layers of `
      + `${about.heads} heads, ${thousands(about.vocabulary)} tokens (${about.licence}). Those that can only be about `
      + 'the storyteller say so.',
      list, button('Leave it, and give its memory back', leave),
    );
  }

  /** Python holds other values, or shows something else: a link, Back, another page of the visit. */
  function settle() {
    const wanted = wished();
    if (asking && served() === asking) asking = '';
    if (coming || asking) return;
    if (served() !== wanted) { // it has gone: another page has left it, or its worker was lost
      here = '';
      about = undefined;
    }
    if (served() !== wanted && wanted !== refused) {
      bar.hidden = false;
      option(wanted).hidden = false;
      if (wanted === 'file') {
        refused = wanted;
        show('This link is about a file that its writer had. Choose “your own file…” to open yours.');
        seat();
      } else ask(wanted);
    } else say();
  }

  page.heard = (message) => {
    const { name } = message;
    if (message.state === 'fetching') {
      coming = name;
      const bar = document.createElement('progress');
      bar.max = message.total ?? 1;
      bar.value = message.loaded ?? 0;
      const words = `Fetching: ${megabytes(message.loaded ?? 0)} of ${megabytes(message.total ?? 0)} MB`;
      const known = more.querySelector('progress'); // the button is not made anew under the reader's finger
      if (known) {
        known.value = bar.value;
        more.querySelector('p').textContent = words;
      } else show(words, bar, button('Cancel', () => connection.cancel()));
    } else if (message.state === 'reading') show('Reading it…');
    else if (message.state === 'there') {
      if (coming !== name) { // for another page of this visit
        if (wished() === name) wish({ model: name }, 'replace');
        return;
      }
      [here, coming, about] = [name, '', message.model];
      const [first] = (option(name).dataset.examples ?? '').split('|').filter(Boolean);
      wish({ model: name, ...(first && state.prompt === defaults.prompt ? { prompt: first } : {}) });
      show('Drawing the figures…');
    } else if (message.state === 'cancelled') {
      coming = '';
      refused = wished();
      seat();
      show('Cancelled. What had arrived is kept for the next time.');
    } else if (message.state === 'failed') {
      coming = '';
      refused = wished();
      seat();
      const again = name === 'file' ? [button('Another file', askForFile)] : [button('Try again', () => take(name))];
      show(`${message.message} The storyteller is here, with everything as it was.`, ...again);
    }
  };

  choose = (name) => {
    if (coming) connection.cancel();
    coming = '';
    refused = '';
    if (name === own) {
      asking = '';
      if (served() === own) say(); else leave();
    } else if (name === 'file') askForFile();
    else if (name === here) wish({ model: name });
    else ask(name);
  };

  bar.addEventListener('dragover', (event) => { if (asking === 'file') event.preventDefault(); });
  bar.addEventListener('drop', (event) => {
    if (asking !== 'file' || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    take('file', [...event.dataTransfer.files]);
  });
  let due = false;
  const soon = () => { // what Python says comes value by value: it is looked at when all of it is there
    if (!due) queueMicrotask(() => { due = false; settle(); });
    due = true;
  };
  mirror.on('link', 'values', soon);
  mirror.on('link', 'shown', soon);
  settle();
}
