// Creates and fills elements. Text is always inserted as text: nothing here parses HTML.

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child */
/**
 * @typedef {Record<string, unknown> & {
 *   onclick?: (event: MouseEvent) => unknown,
 *   onchange?: (event: Event) => unknown,
 *   onsubmit?: (event: SubmitEvent) => unknown,
 * }} Attributes
 */

/** Names that are set as properties: their attributes only describe the initial state. */
const PROPERTIES = new Set(['value', 'checked', 'selected', 'disabled', 'indeterminate', 'open', 'hidden']);

/**
 * Creates an element with attributes, listeners (`onclick` and the like) and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (PROPERTIES.has(name)) Reflect.set(element, name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/**
 * Creates a button that is not a submit button.
 * @param {Child} content
 * @param {(event: MouseEvent) => unknown} onclick
 * @param {Attributes} [attributes]
 */
export const button = (content, onclick, attributes) =>
  h('button', { type: 'button', onclick, ...attributes }, content);

/**
 * Creates a link that looks like a button.
 * @param {string} href
 * @param {Child} content
 * @param {Attributes} [attributes]
 */
export const buttonLink = (href, content, attributes) => h('a', { class: 'button', href, ...attributes }, content);

/** Appends children in order. @param {Node} parent @param {Child} child */
export function append(parent, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) for (const item of child) append(parent, item);
  else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
}

/** Replaces the content of an element. @param {Element} parent @param {...Child} children */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

let idCount = 0;

/** Returns an id that no other element has. @param {string} stem */
export function uniqueId(stem) {
  idCount += 1;
  return `${stem.replace(/[^A-Za-z0-9_-]/g, '-')}-${idCount}`;
}

/**
 * Renders a part of the data into an element, again only when that part has changed: the focus stays otherwise.
 * @template Data
 * @param {Element} element
 * @param {Data} initial
 * @param {(data: Data) => unknown} select the data that the rendering depends on
 * @param {(data: Data) => Child} render
 * @returns {(data: Data) => void} renders newer data
 */
export function renderOnChange(element, initial, select, render) {
  let rendered = '';
  const update = (/** @type {Data} */ data) => {
    const key = JSON.stringify(select(data)) ?? '';
    if (key === rendered) return;
    rendered = key;
    fill(element, render(data));
  };
  update(initial);
  return update;
}
