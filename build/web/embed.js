// <transformer-explainer widget="temperature" prompt="..." t="0.7"></transformer-explainer>
//
// One live widget in anybody's page. Attributes have the names of the address; changing one changes the widget. Events
// bubble out of the element: explainer:live, explainer:failed, explainer:change (event.detail: the state). Everything
// from inside the frame is checked for its sender and its shape, and is only ever used as a number, a plain value or a
// text.
import { bounded, isFull, isState, plain, roomAt } from './room.js';
import { _, fill } from './words.js';

(() => {
  const home = new URL('./', /** @type {HTMLScriptElement | null} */ (document.currentScript)?.src
    ?? [...document.scripts].find((s) => /\/embed\.js(\?|$)/.test(s.src))?.src ?? location.href);
  const ORIGIN = home.protocol === 'file:' ? 'null' : home.origin; // as messages from the frame say it
  const OWN = new Set([
    'widget', 'height', 'class', 'style', 'id', 'title', 'slot', 'part', 'hidden', 'lang', 'dir', 'tabindex', 'role',
    'eager', 'credentialless',
  ]);

  class TransformerExplainer extends HTMLElement {
    /** @type {HTMLIFrameElement | null} */
    #frame = null;
    /** @type {IntersectionObserver | undefined} */
    #look;
    /** @type {ResizeObserver | undefined} */
    #size;
    #told = 0; // the height that the figure says it has
    #near = false;
    #loaded = false;
    /** @type {Values} */
    #changes = {}; // attributes that changed before the frame could hear of it
    /** @type {MutationObserver | undefined} */
    #attributes;
    /** @param {MessageEvent} event */
    #receive = (event) => this.#message(event);

    connectedCallback() {
      if (!this.shadowRoot) {
        const sheet = new CSSStyleSheet(); // and no style element: a host's Content-Security-Policy may forbid those
        sheet.replaceSync(':host{display:block}:host([hidden]){display:none}'
          + 'iframe{display:block;width:100%;border:0;background:transparent;color-scheme:normal}'
          + '.wrong{padding:1rem;border:1px solid color-mix(in srgb,currentColor 25%,transparent);border-radius:12px;'
          + 'font:500 .9rem/1.4 system-ui,sans-serif}');
        this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
      }
      addEventListener('message', this.#receive);
      this.#attributes = new MutationObserver((changes) => this.#changed(changes));
      this.#attributes.observe(this, { attributes: true });
      this.#open();
    }

    disconnectedCallback() {
      removeEventListener('message', this.#receive);
      this.#attributes?.disconnect();
      this.#clear();
    }

    #clear() {
      this.#look?.disconnect();
      this.#size?.disconnect();
      this.#near = this.#loaded = false;
      this.#changes = {};
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

    /** Show the widget's still; the browser fetches it when it is not far away, and Python starts when it is near or
     * used. */
    #open() {
      const slug = this.getAttribute('widget') ?? '';
      if (!Object.hasOwn(FIGURES, slug)) { // the build put them here
        const line = document.createElement('p');
        line.className = 'wrong';
        line.part.add('wrong');
        const wrong = slug ? fill(_('There is no widget “{name}” here.'), { name: slug.slice(0, 40) })
          : _('This element needs the name of a widget.');
        line.textContent = `${wrong} ${fill(_('There are: {names}.'), { names: Object.keys(FIGURES).join(', ') })}`;
        this.shadowRoot?.append(line);
        return;
      }
      const frame = this.#frame = document.createElement('iframe');
      const eager = this.hasAttribute('eager');
      // a disk lists folders
      const address = new URL(`embed/${slug}/${home.protocol === 'file:' ? 'index.html' : ''}`, home);
      for (const [name, value] of Object.entries(this.asked)) address.searchParams.set(name, value);
      frame.loading = eager ? 'eager' : 'lazy';
      frame.title = this.getAttribute('title') ?? fill(_('Live figure: {name}'), { name: slug });
      frame.part.add('frame');
      frame.allow = 'clipboard-write';
      frame.credentialless = this.hasAttribute('credentialless'); // for hosts with Cross-Origin-Embedder-Policy
      this.#told = 0;
      this.#fit();
      this.#size = new ResizeObserver(() => this.#fit());
      this.#size.observe(this);
      frame.onload = () => {
        this.#loaded = true;
        this.#set({});
        this.#begin();
      };
      frame.src = address.href;
      this.shadowRoot?.append(frame);
      if (eager) this.#near = true;
      else {
        this.#look = new IntersectionObserver((seen) => {
          if (!seen.some((s) => s.isIntersecting)) return;
          this.#look?.disconnect();
          this.#near = true;
          this.#begin();
        }, { rootMargin: '600px' });
        this.#look.observe(this);
      }
    }

    /** Let the frame start Python, once it is near; a frame that is not loaded yet is told when it is. */
    #begin() {
      if (this.#near) this.#tell({ type: 'explainer:start' });
    }

    /** The room that the figure takes at this width, from the first moment on; more once it says that it needs more. */
    #fit() {
      const room = Number(this.getAttribute('height')) || this.#room();
      if (this.#frame) this.#frame.style.height = `${Math.max(Math.min(Math.max(room, 80), 8000), this.#told)}px`;
    }

    /** The height of what is asked for, at this width. */
    #room() {
      const [beyond, compact, full] = FIGURES[String(this.getAttribute('widget'))];
      const heights = isFull(this.asked, beyond) ? full : compact;
      return roomAt(heights, WIDTHS, this.getBoundingClientRect().width || 720);
    }

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
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== ORIGIN) return;
      if (typeof data !== 'object' || data === null || typeof data.type !== 'string') return;
      if (data.type === 'explainer:height') {
        if (Number.isFinite(data.height) && data.height > 0 && data.height < 20000) {
          this.#told = Math.ceil(data.height);
          this.#fit();
        }
        return;
      }
      if (['explainer:live', 'explainer:failed', 'explainer:change'].includes(data.type)) {
        const detail = plain(data.detail);
        this.dispatchEvent(new CustomEvent(data.type, { bubbles: true, composed: true, detail }));
      }
    }

    /** @param {MutationRecord[]} changes */
    #changed(changes) {
      if (changes.some((c) => c.attributeName === 'widget')) {
        this.#clear();
        return this.#open();
      }
      /** @type {Values} */
      const values = {};
      for (const { attributeName } of changes) {
        const name = String(attributeName);
        if (!isState(name, OWN)) continue;
        const value = this.getAttribute(name);
        values[name] = value === null ? null : bounded(value);
      }
      this.#fit();
      this.#set(values);
    }
  }

  if (!customElements.get('transformer-explainer')) {
    customElements.define('transformer-explainer', TransformerExplainer);
  }
})();
