// The page's side of a Panel document that lives in the worker: the same models under the same ids, kept equal by small
// patches. It knows only what our components use: models with plain JSON attributes.

export class Mirror {
  /** still: {models: [{id, name, attributes}]} as the build wrote it into the page.
   * @param {Pick<Still, 'models'>} still */
  constructor(still) {
    /** @type {Map<string, Model>} */
    this.models = new Map(); // by their names
    /** @type {Map<string, Model>} */
    this.byId = new Map();
    /** @type {Map<string, ((value: any) => void)[]>} */
    this.watchers = new Map(); // "name.attr" -> [callback]
    this.adopt(still.models);
  }

  /** Take the models of an opened document. Of a widget that Python has not drawn there is no `html`: the page shows a
   * still. @param {Model[]} models */
  adopt(models) {
    this.byId.clear();
    for (const model of models) {
      const known = this.models.get(model.name);
      const before = known?.attributes ?? {};
      this.models.set(model.name, model);
      this.byId.set(model.id, model);
      if (known) {
        for (const attr in model.attributes) {
          if (!same(before[attr], model.attributes[attr])) this.tell(model, attr);
        }
      }
    }
  }

  /** Apply a patch from Python. @param {Patch[]} events */
  apply(events) {
    for (const { model: id, attr, new: value } of events) {
      const model = this.byId.get(id);
      if (!model) continue;
      model.attributes[attr] = value;
      this.tell(model, attr);
    }
  }

  /** @param {Model} model @param {string} attr */
  tell(model, attr) {
    for (const callback of this.watchers.get(`${model.name}.${attr}`) ?? []) callback(model.attributes[attr]);
  }

  /** @param {string} name @param {string} attr @param {(value: any) => void} callback */
  on(name, attr, callback) {
    const key = `${name}.${attr}`;
    this.watchers.set(key, [...(this.watchers.get(key) ?? []), callback]);
  }

  /** @param {string} name @param {string} attr */
  get(name, attr) {
    return this.models.get(name)?.attributes[attr];
  }

  /** @param {string} name */
  id(name) {
    return this.models.get(name)?.id;
  }
}

/** @param {any} a @param {any} b */
const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);
