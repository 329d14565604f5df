// As much of a document as the tests of our scripts need: a tree of elements, attributes, the selectors that our
// scripts use, and events that bubble. No layout, no parser, no styles.

const dashed = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** One compound selector, `a.b[c~=d]:not(e)`, as a function of an element. */
function compound(text) {
  const tests = [];
  const parts = /\*|^[a-z][a-z0-9]*|\.[\w-]+|#[\w-]+|\[[^\]]+\]|:(?:not|is)\([^)]*\)|:[a-z-]+/g;
  if (text.replace(parts, '') !== '') throw new Error(`no such selector here: ${text}`);
  for (const part of text.match(parts)) {
    if (part === '*') continue;
    if (part[0] === '.') tests.push((el) => el.classList.includes(part.slice(1)));
    else if (part[0] === '#') tests.push((el) => el.id === part.slice(1));
    else if (part[0] === '[') {
      const [, name, how, , value] = /^\[([\w-]+)(?:([~^]?=)("?)([^"]*)\3)?\]$/.exec(part);
      tests.push((el) => {
        const has = el.getAttribute(name);
        if (has === null || how === undefined) return has !== null;
        if (how === '~=') return has.split(' ').includes(value);
        return how === '^=' ? has.startsWith(value) : has === value;
      });
    } else if (part.startsWith(':not(')) tests.push((el) => !el.matches(part.slice(5, -1)));
    else if (part.startsWith(':is(')) tests.push((el) => el.matches(part.slice(4, -1)));
    else if (part === ':hover') tests.push((el) => el.hovered);
    else if (/^[a-z]/.test(part)) tests.push((el) => el.tag === part);
    else throw new Error(`no such selector here: ${part}`);
  }
  return (el) => tests.every((test) => test(el));
}

/** A list of selectors with descendants, as a function of an element. */
function selector(text) {
  const lists = text.split(/,(?![^(]*\))/).map((one) => one.trim().split(/ +(?![^[]*\])/).map(compound));
  const fits = (el, [last, ...before]) => {
    if (!last(el)) return false;
    if (!before.length) return true;
    for (let at = el.parentElement; at; at = at.parentElement) if (fits(at, before)) return true;
    return false;
  };
  return (el) => lists.some((steps) => fits(el, steps.toReversed()));
}

export class Node extends EventTarget {
  parentElement = null;
  children = [];

  append(...nodes) {
    for (const node of nodes) {
      if (typeof node === 'string') { this.words = node; continue; }
      node.parentElement = this instanceof Element ? this : null;
      node.root = this;
      this.children.push(node);
    }
    return this;
  }

  /** Before another node of this one, or at the end. */
  insertBefore(node, other) {
    node.remove();
    this.append(node);
    this.children.pop();
    this.children.splice(other ? this.children.indexOf(other) : this.children.length, 0, node);
  }

  get all() { return this.children.flatMap((child) => [child, ...child.all]); }

  querySelectorAll(text) { return this.all.filter(selector(text)); }

  querySelector(text) { return this.querySelectorAll(text)[0] ?? null; }

  contains(other) { return other === this || this.all.includes(other); }
}

export class Element extends Node {
  constructor(tag, attributes = {}) {
    super();
    this.tag = tag;
    this.attributes = new Map();
    this.scrolled = 0; // how often it was brought into view
    for (const [name, value] of Object.entries(attributes)) this.setAttribute(name, value);
    this.dataset = new Proxy({}, {
      get: (_, name) => this.getAttribute(`data-${dashed(String(name))}`) ?? undefined,
      set: (_, name, value) => { this.setAttribute(`data-${dashed(name)}`, value); return true; },
      has: (_, name) => this.hasAttribute(`data-${dashed(String(name))}`),
      deleteProperty: (_, name) => { this.removeAttribute(`data-${dashed(name)}`); return true; },
    });
  }

  get id() { return this.getAttribute('id') ?? ''; }

  get className() { return this.getAttribute('class') ?? ''; }

  set className(words) { this.setAttribute('class', words); }

  get classList() { return (this.getAttribute('class') ?? '').split(' '); }

  get textContent() { return [this.words ?? '', ...this.children.map((child) => child.textContent)].join(''); }

  set textContent(words) { this.children = []; this.words = words; }

  get open() { return this.hasAttribute('open'); }

  set open(is) { this.toggleAttribute('open', is); }

  get hidden() { return this.hasAttribute('hidden'); }

  set hidden(is) { this.toggleAttribute('hidden', is); }

  getAttribute(name) { return this.attributes.get(name) ?? null; }

  hasAttribute(name) { return this.attributes.has(name); }

  setAttribute(name, value) { this.attributes.set(name, String(value)); }

  removeAttribute(name) { this.attributes.delete(name); }

  toggleAttribute(name, is) { if (is) this.setAttribute(name, ''); else this.removeAttribute(name); }

  matches(text) { return selector(text)(this); }

  closest(text) { return this.matches(text) ? this : this.parentElement?.closest(text) ?? null; }

  get document() { return this.root instanceof Element ? this.root.document : this.root; }

  focus() { this.document.activeElement = this; }

  /** What is taken away loses the focus. */
  remove() {
    if (!this.parentElement) return;
    const { document } = this;
    if (document && this.contains(document.activeElement)) document.activeElement = null;
    this.parentElement.children.splice(this.parentElement.children.indexOf(this), 1);
    this.parentElement = null;
  }

  click() { happen(this, 'click'); }

  scrollIntoView() { this.scrolled += 1; }

  getBoundingClientRect() { return this.box; }

  // tables
  get tBodies() { return this.children.filter(({ tag }) => tag === 'tbody'); }

  get rows() { return this.all.filter(({ tag }) => tag === 'tr'); }

  get cells() { return this.children.filter(({ tag }) => tag === 'td' || tag === 'th'); }

  get cellIndex() { return this.parentElement.cells.indexOf(this); }

  get sectionRowIndex() { return this.parentElement.rows.indexOf(this); }
}

export class Document extends Node {
  activeElement = null;

  createElement(tag) { return new Element(tag); }

  getElementById(id) { return this.all.find((el) => el.id === id) ?? null; }
}

/** An element with what is in it: elements, or its words. */
export const el = (tag, attributes, ...inside) => new Element(tag, attributes).append(...inside);

/** Something happens at `target`: all around it hear of it, from the inside out. Returns the event. */
export function happen(target, type, more = {}) {
  const event = Object.assign(new Event(type, { cancelable: true }), more);
  Object.defineProperty(event, 'target', { value: target });
  for (let at = target; at; at = at instanceof Element ? at.root : null) at.dispatchEvent(event);
  return event;
}
