// <transformer-explainer widget="temperature" prompt="..." t="0.7"></transformer-explainer>
//
// One live widget in anybody's page. Attributes have the names of the address; changing one changes the widget. Events
// bubble out of the element: explainer:live, explainer:failed, explainer:change (event.detail: the state). Everything from
// inside the frame is checked for its sender and its shape, and is only ever used as a number, a plain value or a text.
(() => {
  const home = new URL('./', document.currentScript?.src ?? [...document.scripts].find((s) => /\/embed\.js(\?|$)/.test(s.src))?.src ?? location.href);
  const OWN = new Set(['widget', 'height', 'class', 'style', 'id', 'title', 'slot', 'part', 'hidden', 'lang', 'dir', 'tabindex', 'role', 'eager']);
  const NAME = /^[a-z][a-z0-9_]{0,31}$/;
  const LONGEST = 20000;

  class TransformerExplainer extends HTMLElement {
    #frame;
    #near;
    #attributes;
    #receive = (event) => this.#message(event);

    connectedCallback() {
      if (!this.shadowRoot) {
        const root = this.attachShadow({ mode: 'open' });
        const style = document.createElement('style');
        style.textContent = ':host{display:block;min-height:12rem}:host([hidden]){display:none}iframe{display:block;width:100%;border:0;background:transparent;color-scheme:normal}.wait{display:grid;place-content:center;min-height:12rem;border:1px solid color-mix(in srgb,currentColor 25%,transparent);border-radius:12px;font:500 .9rem/1.4 system-ui,sans-serif}';
        root.append(style);
      }
      addEventListener('message', this.#receive);
      this.#attributes = new MutationObserver((changes) => this.#changed(changes));
      this.#attributes.observe(this, { attributes: true });
      this.#wait();
    }

    disconnectedCallback() {
      removeEventListener('message', this.#receive);
      this.#attributes?.disconnect();
      this.#near?.disconnect();
      this.#frame?.remove();
      this.#frame = null;
    }

    /** The state asked for by attributes. */
    get asked() {
      const values = {};
      for (const { name, value } of this.attributes) if (!OWN.has(name) && NAME.test(name)) values[name] = value.slice(0, LONGEST);
      return values;
    }

    /** Show a place holder until the element is near the screen, or is clicked. */
    #wait() {
      const slug = this.getAttribute('widget') ?? '';
      if (!/^[a-z][a-z0-9-]{0,40}$/.test(slug)) {
        this.#place('This element needs the name of a widget: widget="temperature".');
        return;
      }
      if (this.hasAttribute('eager') || !('IntersectionObserver' in globalThis)) return this.#open();
      const button = this.#place('Load this live figure', 'button');
      button.onclick = () => this.#open();
      this.#near = new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting)) this.#open(); }, { rootMargin: '600px' });
      this.#near.observe(this);
    }

    #place(words, kind = 'p') {
      const line = document.createElement(kind);
      line.className = 'wait';
      line.part.add('placeholder');
      line.textContent = words;
      this.shadowRoot.querySelector('.wait')?.remove();
      this.shadowRoot.append(line);
      return line;
    }

    #open() {
      if (this.#frame) return;
      this.#near?.disconnect();
      this.shadowRoot.querySelector('.wait')?.remove();
      const frame = document.createElement('iframe');
      const address = new URL(`embed/${this.getAttribute('widget')}/`, home);
      for (const [name, value] of Object.entries(this.asked)) address.searchParams.set(name, value);
      frame.src = address.href;
      frame.title = this.getAttribute('title') ?? `Live figure: ${this.getAttribute('widget')}`;
      frame.part.add('frame');
      frame.allow = 'clipboard-write';
      frame.style.height = `${Math.min(Math.max(Number(this.getAttribute('height')) || 480, 80), 8000)}px`;
      this.#frame = frame;
      this.shadowRoot.append(frame);
    }

    #message({ source, origin, data }) {
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== home.origin) return;
      if (typeof data !== 'object' || data === null || typeof data.type !== 'string') return;
      if (data.type === 'explainer:height') {
        if (Number.isFinite(data.height) && data.height > 0 && data.height < 20000) this.#frame.style.height = `${Math.ceil(data.height)}px`;
        return;
      }
      if (['explainer:live', 'explainer:failed', 'explainer:change'].includes(data.type)) {
        const detail = plain(data.detail);
        this.dispatchEvent(new CustomEvent(data.type, { bubbles: true, composed: true, detail }));
      }
    }

    #changed(changes) {
      if (changes.some((c) => c.attributeName === 'widget')) {
        this.#frame?.remove();
        this.#frame = null;
        return this.#wait();
      }
      const values = {};
      for (const { attributeName: name } of changes) if (!OWN.has(name) && NAME.test(name)) values[name] = this.getAttribute(name)?.slice(0, LONGEST) ?? null;
      if (Object.keys(values).length) this.#frame?.contentWindow?.postMessage({ type: 'explainer:set', values }, home.origin);
    }
  }

  /** Numbers, texts and booleans under plain names; everything else is dropped. */
  function plain(detail) {
    const kept = {};
    for (const [name, value] of Object.entries(typeof detail === 'object' && detail ? detail : {})) {
      if (/^[a-z_]{1,32}$/i.test(name) && (value === null || ['number', 'string', 'boolean'].includes(typeof value))) kept[name] = value;
    }
    return kept;
  }

  if (!customElements.get('transformer-explainer')) customElements.define('transformer-explainer', TransformerExplainer);
})();
