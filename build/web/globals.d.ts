// What our scripts find around them and no library of TypeScript's knows: what the build defines, what our scripts say
// to each other by globalThis, and modules that esbuild alone finds. Read by tsc only (tsconfig.json); never shipped.

// ---- what the build defines (build/assets.py, build/runtime.py), or writes in front of the script (sw.js)

/** For each widget: the values that need all of it, its heights when compact, and in full, at each of WIDTHS. */
declare const FIGURES: Record<string, [beyond: string[], compact: number[], full: number[]]>;
declare const WIDTHS: number[];
/** The site's language, by its English; null in English (words.js). */
declare var WORDS: Record<string, string> | null | undefined;
/** The ways to embed a figure (build/snippets.toml). */
declare const FORMS: Record<string, string>;
/** What an embed showed when it was taken from its page (embed.js). signature: what it had been asked for */
interface Kept { signature: string; query: string; told: number; width: number }
declare const MANIFEST: Manifest;
declare const VERSION: string;
declare const FILES: Record<string, string>;
declare const FIRST: string[];

// ---- what our scripts say to each other

declare var explainer: { state: () => Values; set: (values: Values) => void };
declare var explainerEarly: SharedWorker | undefined;
/** In one file: the page's worker, its Pyodide and its files come from the file itself (single.js, single-files.js). */
declare var explainerMakeWorker: MakeWorker | undefined;
declare var explainerPyodideModule: unknown;
declare var explainerManifest: Manifest | undefined;
declare var explainerAsset: Asset | undefined;
/** BokehJS, once a plot has fetched it. */
declare var Bokeh: any;

// ---- modules that only esbuild finds: aliases of the build, and packages without types

declare module 'panel-styles' { const css: string; export default css; }
declare module 'pyodide-loader' { export const loadPyodide: (options: object) => Promise<any>; }
declare module 'pyodide-module' { const make: unknown; export default make; }
declare module 'idiomorph/dist/idiomorph.esm.js' {
  export const Idiomorph: { morph(old: Element, next: string, options: object): void };
}

// ---- a service worker (lib.webworker.d.ts cannot stand beside lib.dom.d.ts): what sw.js uses of it

interface ExtendableEvent extends Event { waitUntil(promise: Promise<unknown>): void }
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Response | Promise<Response>): void;
}
interface ServiceWorkerGlobal {
  skipWaiting(): Promise<void>;
  addEventListener(name: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void;
  addEventListener(name: 'fetch', listener: (event: FetchEvent) => void): void;
  addEventListener(name: 'message', listener: (event: MessageEvent) => void): void;
}

// ---- a worker: what modelfile.js uses of it

declare class FileReaderSync { readAsArrayBuffer(blob: Blob): ArrayBuffer }

// ---- the DOM
//
// Our markup is ours: Python and the templates write it, and tests look at it. So what is sought there is taken to be
// there, and to be an HTMLElement (what we use of SVG elements, they have too); whoever is not sure asks with `?.`.

interface ParentNode {
  querySelector<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K];
  querySelector<E extends Element = HTMLElement>(selectors: string): E;
  querySelectorAll<K extends keyof HTMLElementTagNameMap>(selectors: K): NodeListOf<HTMLElementTagNameMap[K]>;
  querySelectorAll<E extends Element = HTMLElement>(selectors: string): NodeListOf<E>;
}
interface Document { getElementById(id: string): HTMLElement }
interface Element {
  closest<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K];
  closest<E extends Element = HTMLElement>(selectors: string): E;
}
interface HTMLIFrameElement { credentialless: boolean }
interface Uint8ArrayConstructor { fromBase64?(text: string): Uint8Array<ArrayBuffer> }

// ---- the shapes that several of our scripts hand to each other

/** The reader's state: {name: value}, as Python takes it; null stands for the default. */
type Value = string | number | boolean | null;
type Values = Record<string, any>;

/** A model of the page's Bokeh document, as far as the page knows it (mirror.js). */
interface Model {
  id: string;
  name: string;
  attributes: Record<string, any>;
  /** of the still that the build drew; none where Python has not drawn */
  print?: string;
}
interface Patch { model: string; attr: string; new: any }

/** What the build wrote into the page (build/shell.py: lean_still). */
/** moved, sized: the names of values that every link says with anything else, or with another model (address.js) */
interface Still { name: string; page: string; weights: string; moved?: string[]; sized?: string[]; models: Model[] }

interface FileEntry { url: string; bytes: number; raw: number; sha256: string; raw_sha256: string }

/** As build/runtime.py writes it. */
interface Manifest {
  files: Record<string, FileEntry>;
  resume: string[];
  boot: string[];
  soon: string[];
  site: string;
  lock: object;
}

/** How a file of the manifest is had. */
type Asset = (name: string, entry: FileEntry, how?: { fresh?: boolean; signal?: AbortSignal }) =>
  Promise<ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>>;

/** The page's way to a worker. */
interface Port {
  post(message: any): void;
  listen(onmessage: (data: any) => void, onerror: (words: string) => void): void;
  end?(): void;
  shared?: boolean;
}
interface Which { generation?: number; shared?: boolean }
type MakeWorker = (which: Which) => Port;

/** Whom a connection tells what it hears (connection.js). */
interface Heard {
  progress(message: Progress): void;
  live(message: Live): void;
  failed(message: Fault): void;
  problem(message: Partial<Fault> & { message: string }): void;
  busy(is: boolean): void;
  wait(words: string): void;
  slow(is: boolean): void;
  model?(message: ModelSaid): void;
  holds?(model: Held | null): void;
}
/** A further model that Python holds. taken: which it is, of all that have been read: two files have the same name */
interface Held {
  name: string; title: string; licence: string; weights: number; layers: number; heads: number; vocabulary: number;
  taken: number;
}
/** How far a further model has come, as the worker says it; what: a cause, where the worker itself was lost. */
interface ModelSaid {
  name: string;
  state: 'fetching' | 'reading' | 'there' | 'cancelled' | 'failed';
  loaded?: number;
  total?: number;
  kept?: number;
  message?: string;
  what?: string;
  model?: Held;
}
/** What the choice of the model works with: the page's (page.js). */
interface Choice {
  connection: import('./connection.js').Connection;
  mirror: import('./mirror.js').Mirror;
  defaults: Values;
  state: Values;
  wish(values: Values, how?: How): void;
  /** these two are set by the choice */
  heard?(message: ModelSaid): void;
  holds?(model: Held | null): void;
}
/** Python is there: after so many ms and bytes, in which way, and why not the quicker one. */
interface Live { ms: number; bytes: number; how: 'resumed' | 'booted'; reason: string }

/** Whether a change becomes an entry of its own in the browser's history. */
type How = 'push' | 'replace';
/** What surrounds the widgets (operate.js): a page of the site, or a Panel component. */
interface Host {
  notice(words: string): void;
  remember(how: How): void;
  changed(state: Values): void;
  asked(is: boolean): void;
  working(is: boolean): void;
  live(): boolean;
  failed(): boolean;
  linked(html: string): string;
  alien(name: string, words: string): boolean;
}

/** Why something did not come: a cause (causes.js), and words for the reader. */
interface Fault { what: string; message: string }
interface Progress { step: string; loaded: number; total: number }

/** An event, at an element. */
type At<E, T = HTMLElement> = Omit<E, 'target' | 'relatedTarget'> & { target: T; relatedTarget: HTMLElement };
/** A control: of its three kinds, `matches` says which. */
type Field = HTMLInputElement & Pick<HTMLSelectElement, 'options' | 'selectedIndex'>;

/** What is heard under a root: everything there is an element (a Document has no `closest`: it is asked with `?.`). */
interface RootEvents {
  click: At<MouseEvent>;
  input: At<InputEvent, Field>;
  change: At<Event, Field>;
  keydown: At<KeyboardEvent>;
  focusin: At<FocusEvent>;
  focusout: At<FocusEvent, Field>;
  pointerover: At<PointerEvent>;
  pointerdown: At<PointerEvent>;
  pointermove: At<PointerEvent>;
  pointerout: At<PointerEvent>;
  toggle: At<ToggleEvent, HTMLDetailsElement>;
  scroll: At<Event>;
  'explainer:drawn': At<CustomEvent>;
  'explainer:turned': At<CustomEvent>;
}

type Player = ReturnType<typeof import('./player.js').player>;

/** What widgets stand under: the site's document, or what does for a shadow root (panel.js: within). */
interface Root {
  readonly activeElement: Element | null;
  getElementById(id: string): HTMLElement;
  querySelector: ParentNode['querySelector'];
  querySelectorAll: ParentNode['querySelectorAll'];
  addEventListener<K extends keyof RootEvents>(
    name: K, listener: (event: RootEvents[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
}
