// <transformer-explainer widget="temperature" prompt="..." t="0.7"></transformer-explainer>
//
// One live widget in anybody's page. Attributes have the names of the address; changing one changes the widget. Events
// bubble out of the element: explainer:still, explainer:live, explainer:failed, explainer:change (event.detail: the
// state), explainer:address (what a link to it is now), explainer:wrong (an attribute that cannot be taken).
// Everything from inside the frame is checked for its sender and its shape, and is only ever used as a number, a plain
// value or a text.
//
// What stands inside the element (its picture, with a link) is shown where no script runs, where the figure does not
// come, and on paper where it has not come yet.
import { Keeper } from './keeper.js';
import { bounded, isFull, isState, plain, roomAt, sentences, themeOf } from './room.js';
import { _, fill } from './words.js';

(() => {
  const home = new URL('./', /** @type {HTMLScriptElement | null} */ (document.currentScript)?.src
    ?? [...document.scripts].find((s) => /\/embed\.js(\?|$)/.test(s.src))?.src ?? location.href);
  const ORIGIN = home.protocol === 'file:' ? 'null' : home.origin; // as messages from the frame say it
  const OWN = new Set([
    'widget', 'height', 'class', 'style', 'id', 'title', 'slot', 'part', 'hidden', 'lang', 'dir', 'tabindex', 'role',
    'eager', 'credentialless', 'sandbox', 'key', 'keep', 'theme', 'is', 'nonce', 'inert', 'translate', 'draggable',
    'accesskey', 'autofocus', 'contenteditable', 'enterkeyhint', 'exportparts', 'inputmode', 'itemid', 'itemprop',
    'itemref', 'itemscope', 'itemtype', 'popover', 'spellcheck', 'loading',
  ]);
  const SANDBOX = 'allow-scripts allow-same-origin allow-downloads allow-popups allow-popups-to-escape-sandbox';
  const SILENT = 20_000; // ms after which a frame that has not said a word counts as not there
  const REFUSED = 6_000; // the same, once the browser says that it has loaded: an error page, or nothing at all
  const THEMES = ['light', 'dark', 'auto'];
  const SHEET = ':host{display:block}:host([hidden]){display:none}'
    + 'iframe{display:block;width:100%;border:0;background:transparent;color-scheme:normal}iframe[hidden]{display:none}'
    + '.wrong{margin:0 0 .75rem;padding:1rem;border:1px solid color-mix(in srgb,currentColor 25%,transparent);'
    + 'border-radius:12px;font:500 .9rem/1.4 system-ui,sans-serif}iframe~.wrong{margin:.5rem 0 0}'
    + 'slot{display:none}slot.shown{display:contents}'
    // what the host's colours are, and a word when they change: a transition is heard of whatever the cause
    + '.host{position:absolute;width:0;height:0;overflow:hidden;visibility:hidden;color:inherit;'
    + 'background-color:Canvas;transition:color 1ms,background-color 1ms}'
    + '@media print{:host{break-inside:avoid}iframe.unseen{display:none}iframe.unseen~slot{display:contents}}';

  const keeper = new Keeper(new URL('embed/keep.html', home));
  /** What elements with a `key` showed when they were taken away, for the next one of the same key.
   * @type {Map<string, Kept>} */
  const byKey = new Map();
  const KEYS = 50;

  class TransformerExplainer extends HTMLElement {
    /** @type {HTMLIFrameElement | null} */
    #frame = null;
    /** @type {IntersectionObserver | undefined} */
    #look;
    /** @type {ResizeObserver | undefined} */
    #size;
    #told = 0; // the height that the figure says it has
    #floor = 0; // the height that it had before it was taken away, until it is live again
    #near = false;
    #loaded = false;
    #heard = false; // whether the frame has said anything
    #timer = 0; // until it counts as not there
    #theme = ''; // as the frame knows it
    /** @type {Kept | null} */
    #kept = null; // what it shows, should it be taken away
    /** @type {Values} */
    #changes = {}; // attributes that changed before the frame could hear of it
    /** @type {Set<string>} */
    #wrong = new Set(); // sentences about attributes that have been said
    /** @type {MutationObserver | undefined} */
    #attributes;
    /** @param {MessageEvent} event */
    #receive = (event) => this.#message(event);
    #print = () => { // a lazy picture would come too late for paper
      if (this.#frame && !this.#heard) for (const img of this.querySelectorAll('img')) img.loading = 'eager';
    };

    connectedCallback() {
      if (!this.shadowRoot) {
        const sheet = new CSSStyleSheet(); // and no style element: a host's Content-Security-Policy may forbid those
        sheet.replaceSync(SHEET);
        this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
      }
      addEventListener('message', this.#receive);
      addEventListener('beforeprint', this.#print);
      this.#attributes = new MutationObserver((changes) => this.#changed(changes));
      this.#attributes.observe(this, { attributes: true });
      this.#open();
    }

    /** Moved within the page by `moveBefore`: the frame stays as it is. */
    connectedMoveCallback() { this.#recolour(); }

    disconnectedCallback() {
      removeEventListener('message', this.#receive);
      removeEventListener('beforeprint', this.#print);
      this.#attributes?.disconnect();
      keeper.leave(this, this.#seconds);
      this.#clear();
    }

    #clear() {
      this.#look?.disconnect();
      this.#size?.disconnect();
      clearTimeout(this.#timer);
      this.#near = this.#loaded = this.#heard = false;
      this.#changes = {};
      this.#wrong.clear();
      this.#frame = null;
      this.shadowRoot?.replaceChildren();
    }

    /** The state asked for by attributes. */
    get asked() {
      /** @type {Values} */
      const values = {};
      for (const { name, value } of this.attributes) {
        if (isState(name, OWN)) values[name] = bounded(value);
      }
      return values;
    }

    /** The address of the figure alone, as it is on screen: what a link to it says. */
    get address() {
      const url = new URL(`embed/${this.getAttribute('widget') ?? ''}/`, home);
      if (this.#kept?.signature === this.#signature) url.search = this.#kept.query;
      else for (const [name, value] of Object.entries(this.asked)) url.searchParams.set(name, value);
      return url.href;
    }

    /** What an element must ask for to be given what another one showed. */
    get #signature() { return JSON.stringify([this.getAttribute('widget'), this.asked]); }

    /** For how long Python stays when the last figure has left the page; a minute, where nothing is said. */
    get #seconds() {
      const said = this.getAttribute('keep');
      return said !== null && Number(said) >= 0 ? Math.min(Number(said), 3600) : 60;
    }

    /** What it showed when it was last here, or what another element of its key did; null where that was asked for
     * otherwise. @returns {Kept | null} */
    get #before() {
      const key = this.getAttribute('key');
      const kept = (key === null ? null : byKey.get(key)) ?? this.#kept;
      return kept?.signature === this.#signature ? kept : null;
    }

    /** What an element shows is kept under what it has been asked for when that is known of its frame.
     * @param {Partial<Kept>} more */
    #keep(more) {
      const kept = this.#kept;
      const signature = this.#signature;
      if (!kept || (kept.signature !== signature && more.query === undefined)) return;
      this.#kept = { ...kept, ...more, signature };
      const key = this.getAttribute('key');
      if (key === null) return;
      byKey.delete(key); // the newest last
      byKey.set(key, this.#kept);
      if (byKey.size > KEYS) byKey.delete(byKey.keys().next().value ?? '');
    }

    /** Show the widget's still; the browser fetches it when it is not far away, and Python starts when it is near or
     * used. */
    #open() {
      const slot = document.createElement('slot');
      const slug = this.getAttribute('widget') ?? '';
      if (!Object.hasOwn(FIGURES, slug)) { // the build put them here
        this.shadowRoot?.append(slot);
        const wrong = slug ? fill(_('There is no widget “{name}” here.'), { name: slug.slice(0, 40) })
          : _('This element needs the name of a widget.');
        this.#fail('name', `${wrong} ${fill(_('There are: {names}.'), { names: Object.keys(FIGURES).join(', ') })}`);
        return;
      }
      const frame = this.#frame = document.createElement('iframe');
      const eager = this.hasAttribute('eager');
      const before = this.#before;
      // a disk lists folders
      const address = new URL(`embed/${slug}/${home.protocol === 'file:' ? 'index.html' : ''}`, home);
      if (before) address.search = before.query;
      else for (const [name, value] of Object.entries(this.asked)) address.searchParams.set(name, value);
      this.#kept = { told: 0, width: 0, ...before, signature: this.#signature, query: address.search };
      const colours = document.createElement('span');
      colours.className = 'host';
      colours.ariaHidden = 'true';
      colours.ontransitionend = () => this.#recolour();
      this.shadowRoot?.append(colours);
      this.#theme = this.#shade();
      if (['light', 'dark'].includes(this.getAttribute('theme') ?? '')) address.searchParams.set('theme', this.#theme);
      else address.hash = `theme=${this.#theme}`; // as the host is: the same page in the browser's cache
      frame.loading = eager ? 'eager' : 'lazy';
      frame.title = this.getAttribute('title') ?? fill(_('Live figure: {name}'), { name: slug });
      frame.className = 'unseen';
      frame.part.add('frame');
      frame.allow = 'clipboard-write';
      frame.style.colorScheme = this.#theme; // else a browser puts its own ground behind it
      frame.credentialless = this.hasAttribute('credentialless'); // for hosts with Cross-Origin-Embedder-Policy
      const sandbox = this.getAttribute('sandbox');
      if (sandbox !== null) frame.setAttribute('sandbox', sandbox || SANDBOX);
      const cut = ['allow-scripts', 'allow-same-origin'].filter((word) => sandbox && !sandbox.includes(word));
      const { width } = this.getBoundingClientRect();
      this.#told = 0;
      this.#floor = before && Math.abs(before.width - width) < 1 ? before.told : 0;
      this.#fit();
      this.#size = new ResizeObserver(() => this.#fit());
      this.#size.observe(this);
      frame.onload = () => this.#wait(REFUSED);
      frame.src = address.href;
      this.shadowRoot?.append(frame, slot);
      const theme = this.getAttribute('theme');
      if (theme !== null && !THEMES.includes(theme)) this.#complain({ theme: sentences.theme(theme) });
      if (cut.length) this.#complain({ sandbox: sentences.sandbox(cut) });
      if (eager) this.#approach();
      else {
        this.#look = new IntersectionObserver((seen) => {
          if (!seen.some((s) => s.isIntersecting)) return;
          this.#look?.disconnect();
          this.#approach();
        }, { rootMargin: '600px' });
        this.#look.observe(this);
      }
    }

    #approach() {
      this.#near = true;
      this.#begin();
      this.#wait(SILENT);
    }

    /** The frame speaks: it can be spoken to. What another document says, an error page for one, is never heard. */
    #hear() {
      clearTimeout(this.#timer);
      this.#heard = true;
      this.#frame?.classList.remove('unseen');
      if (!this.#frame?.hidden) return;
      this.#frame.hidden = false; // late, but here
      this.shadowRoot?.querySelector('slot')?.classList.remove('shown');
      this.shadowRoot?.querySelector('.wrong')?.remove();
    }

    /** The page in the frame has come, perhaps another time (its reader reloads it): it hears what has been asked. */
    #greet() {
      this.#loaded = true;
      this.#tell({ type: 'explainer:asked', names: Object.keys(this.asked), view: this.getAttribute('view') });
      this.#set({ theme: this.#theme });
      this.#begin();
    }

    /** Let the frame start Python, once it is near; a frame that is not loaded yet is told when it is. */
    #begin() {
      if (this.#near) this.#tell({ type: 'explainer:start' });
    }

    /** The frame should have said something by then. @param {number} patience ms */
    #wait(patience) {
      clearTimeout(this.#timer);
      if (this.#heard) return;
      this.#timer = setTimeout(() => {
        if (this.#heard || !this.#frame) return;
        this.#frame.hidden = true; // whatever the browser shows there
        const place = home.host || _('the disk');
        this.#fail('frame', fill(_('The live figure did not come from {place}.'), { place }));
      }, patience);
    }

    /** A sentence in place of the figure, and below it what stands inside the element.
     * @param {string} what @param {string} message */
    #fail(what, message) {
      this.#line(message, true);
      this.shadowRoot?.querySelector('slot')?.classList.add('shown');
      queueMicrotask(() => this.#dispatch('explainer:failed', { what, message }));
    }

    /** @param {string} words @param {boolean} first */
    #line(words, first = false) {
      const line = document.createElement('p');
      line.className = 'wrong';
      line.part.add('wrong');
      line.textContent = words;
      if (first) this.shadowRoot?.prepend(line); else this.shadowRoot?.append(line);
    }

    /** Attributes that cannot be taken: an event each; in sentences where the figure itself has no place for them.
     * @param {Values} messages @param {boolean} here */
    #complain(messages, here = true) {
      for (const [name, words] of Object.entries(messages)) {
        if (typeof words !== 'string' || !words || this.#wrong.has(`${name} ${words}`)) continue;
        this.#wrong.add(`${name} ${words}`);
        const message = words.slice(0, 300);
        if (here) this.#line(message);
        queueMicrotask(() => this.#dispatch('explainer:wrong', { name, message }));
      }
    }

    /** @param {string} name @param {Values} detail */
    #dispatch(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
    }

    // ---- the host's colours

    /** The theme of the figure: what the attribute says, else the host's own. @returns {'light' | 'dark'} */
    #shade() {
      const said = this.getAttribute('theme');
      if (said === 'light' || said === 'dark') return said;
      const probe = this.shadowRoot?.querySelector('.host');
      const canvas = probe ? getComputedStyle(probe).backgroundColor : '';
      const { colorScheme, color } = getComputedStyle(this);
      return themeOf({ colorScheme, color, canvas });
    }

    #recolour() {
      const theme = this.#shade();
      if (!this.#frame || theme === this.#theme) return;
      this.#theme = theme;
      this.#frame.style.colorScheme = theme;
      this.#set({ theme });
    }

    // ---- room

    /** The room that the figure takes at this width, from the first moment on; more once it says that it needs more. */
    #fit() {
      if (!this.#frame) return;
      const room = Number(this.getAttribute('height')) || this.#room();
      const least = Math.min(Math.max(room, 80), 8000);
      this.#frame.style.height = `${Math.max(least, this.#told, this.#floor)}px`;
    }

    /** It is live, and has as much room as it says, once it has said how much. @param {HTMLIFrameElement} frame */
    #settle(frame) {
      setTimeout(() => {
        if (frame !== this.#frame) return; // another one waits for its own Python
        this.#floor = 0;
        this.#fit();
      }, 500);
    }

    /** The height of what is asked for, at this width. */
    #room() {
      const [beyond, compact, full] = FIGURES[String(this.getAttribute('widget'))];
      const heights = isFull(this.asked, beyond) ? full : compact;
      return roomAt(heights, WIDTHS, this.getBoundingClientRect().width || 720);
    }

    // ---- to and from the frame

    /** @param {Values} values */
    #set(values) {
      Object.assign(this.#changes, values);
      if (!this.#loaded || !Object.keys(this.#changes).length) return;
      this.#tell({ type: 'explainer:set', values: this.#changes });
      this.#changes = {};
    }

    /** @param {object} message */
    #tell(message) {
      if (this.#loaded) this.#frame?.contentWindow?.postMessage(message, ORIGIN === 'null' ? '*' : ORIGIN);
    }

    /** @param {MessageEvent} event */
    #message({ source, origin, data }) {
      if (!this.#frame || source !== this.#frame.contentWindow || ![ORIGIN, 'null'].includes(origin)) return;
      if (typeof data !== 'object' || data === null || !String(data.type).startsWith('explainer:')) return;
      if (!this.#heard) this.#hear();
      if (origin !== ORIGIN) return; // cut off by a sandbox: it is there and says so itself, and no more is believed
      switch (data.type) {
        case 'explainer:still':
          this.#greet();
          break;
        case 'explainer:height':
          if (!Number.isFinite(data.height) || data.height <= 0 || data.height >= 20000) return;
          this.#told = Math.ceil(data.height);
          this.#fit();
          if (!this.#floor) this.#keep({ told: this.#told, width: this.getBoundingClientRect().width });
          return;
        case 'explainer:query': // what a link to what is on screen says
          if (typeof data.query !== 'string' || data.query.length > 70_000) return;
          this.#keep({ query: data.query });
          this.#dispatch('explainer:address', { address: this.address });
          return;
        case 'explainer:python': // a shared one, which other frames can hold on to
          keeper.hold(this, { generation: Number(data.generation) || 1, credentialless: this.#frame.credentialless });
          return;
        case 'explainer:wrong':
          this.#complain(plain(data.messages), data.here === true);
          return;
        case 'explainer:live':
          this.#settle(this.#frame);
      }
      if (['explainer:still', 'explainer:live', 'explainer:failed', 'explainer:change'].includes(data.type)) {
        this.#dispatch(data.type, plain(data.detail));
      }
    }

    /** @param {MutationRecord[]} changes */
    #changed(changes) {
      const names = changes.map((c) => String(c.attributeName));
      if (names.includes('widget')) {
        this.#clear();
        return this.#open();
      }
      /** @type {Values} */
      const values = {};
      for (const name of names) {
        if (!isState(name, OWN)) continue;
        const value = this.getAttribute(name);
        values[name] = value === null ? null : bounded(value);
      }
      if (names.includes('theme')) this.#recolour();
      this.#fit();
      if (!Object.keys(values).length) return undefined;
      this.#tell({ type: 'explainer:asked', names: Object.keys(values), view: this.getAttribute('view') });
      return this.#set(values);
    }
  }

  if (!customElements.get('transformer-explainer')) {
    customElements.define('transformer-explainer', TransformerExplainer);
  }
})();
