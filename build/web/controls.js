// What a control shows, and what it says. Two may decide what it shows: the reader, whose hand is on it or whose wish
// Python has not heard of, and Python, by its newest markup and by the values that hold. Who does, and when, is decided
// here alone.

const CHOSEN = 'select,[type=checkbox]'; // takes a value by one move: it is never half written
const TYPED = 'input[type=number],input[type=text],textarea';

/** The value of a control, as Python takes it.
 * @param {Field} control */
export function read(control) {
  if (control.type === 'checkbox') return control.checked;
  if (control.type === 'range') {
    const [at, max, step] = [control.value, control.max, control.step].map(Number);
    const place = max - at < step / 2 ? max : at; // the last step may miss the end by a rounding
    const value = control.dataset.scale === 'log' ? 10 ** place : place;
    // as fine as a hand, and as an address should be
    return 'whole' in control.dataset ? Math.round(value) : Number(value.toPrecision(6));
  }
  return control.value;
}

/** held: (name) => what holds, or what is shown for it; asked: (name) => whether the reader's newest wish for it still
 * has to be sent; drawn: () => whether everything shows what holds; idle: () => whether nothing is asked or about to
 * be. Returns {held: show in all controls what holds, focused: {before, after} a control with the focus is drawn
 * anew}.
 * @param {Root} root
 * @param {{
 *   held: (name: string) => any, asked: (name: string) => boolean, drawn: () => boolean, idle: () => boolean,
 * }} by */
export function controls(root, { held, asked, drawn, idle }) {
  /** @type {Field | null} */
  let written = null; // the field in which the reader is writing: what stands there is the reader's until it is left

  /** What stands in `field`, once nothing is on its way. @param {Field} field */
  function show(field) {
    if (field === root.activeElement && field === written && !field.matches(CHOSEN)) return;
    if (field.matches('[type=checkbox],[type=range]')) {
      if (!drawn()) return; // as drawn last, also where a move was taken back before Python heard of it
      field.checked = field.defaultChecked;
      if (field.value !== field.defaultValue) field.value = field.defaultValue;
      return;
    }
    const value = String(held(String(field.dataset.bind)) ?? '');
    const wrong = field.value !== value || (field.type === 'number' && field.validity.badInput); // 1e3 is written 1000
    const can = field.matches('select') ? [...field.options].some((o) => o.value === value) : field.matches(TYPED);
    if (wrong && can) field.value = value;
  }

  /** idiomorph spares the value and the inside of what has the focus. Only what is being typed deserves that: */
  const focused = {
    /** @param {Field} node @param {Field} next */
    before(node, next) {
      if (node !== root.activeElement || !(next instanceof Element)) return;
      const inside = node.innerHTML !== next.innerHTML;
      if (inside && !node.matches('input,select,textarea')) node.innerHTML = next.innerHTML; // a button's words
      if (inside && node.matches('select')) { // the choices are Python's; which, the reader's until Python has heard
        const chosen = node.value;
        node.innerHTML = next.innerHTML;
        if (asked(String(node.dataset.bind))) node.value = chosen;
      }
      if (node.matches('button')) node.value = next.value; // what Python wants to be asked next
    },
    /** @param {Field} node @param {Field} next */
    after(node, next) { // a slider, where it was not the hand on it that moved it (Back, another text)
      if (node !== root.activeElement || !node.matches('input[type=range]')) return;
      node.defaultValue = next.defaultValue; // idiomorph leaves that alone, too
      if (read(node) !== read(next) && !asked(String(node.dataset.bind))) node.value = next.value;
    },
  };

  root.addEventListener('input', ({ target }) => { written = target; });
  root.addEventListener('focusin', () => { written = null; });
  root.addEventListener('focusout', ({ target }) => { // left: it shows what holds, also where something else was typed
    if (!target.matches(TYPED) || !('bind' in target.dataset) || !idle()) return;
    written = null;
    show(target);
  });
  /** @type {() => NodeListOf<Field>} */
  const fields = () => root.querySelectorAll('[data-bind]');
  return { focused, held: () => { for (const field of fields()) show(field); } };
}
