// The base class of all pages.

import { showFailure } from '../errors.js';
import { eventPath } from '../session.js';
import { LiveView, Region } from './region.js';

/** @typedef {import('../lib/dom.js').Child} Child */

/** An element that loads what it shows and releases what it holds when it is left. */
export class Page extends HTMLElement {
  /** @type {Record<string, string>} the variable parts of the address */
  params = {};
  /** @type {import('../session.js').EventSummary | null} the event of the address */
  event = null;
  #connection = new AbortController();

  /** Aborts when the page is left. */
  get signal() {
    return this.#connection.signal;
  }

  /** The slug of the event; empty without one. */
  get eventSlug() {
    return this.event?.slug ?? '';
  }

  /** The address of another page about the same event. @param {string} path */
  path(path) {
    return eventPath(this.event, path);
  }

  /** @param {() => void} release called when the page is left */
  onLeave(release) {
    this.signal.addEventListener('abort', release);
  }

  connectedCallback() {
    this.#connection = new AbortController();
    try {
      this.show();
    } catch (error) {
      showFailure(this, error, () => this.connectedCallback());
    }
  }

  disconnectedCallback() {
    this.#connection.abort(new DOMException('the page was left', 'AbortError'));
  }

  /** Shows the page. */
  show() {}

  /**
   * A part that renders its data anew after each load.
   * @template Data
   * @param {() => Promise<Data>} load
   * @param {(data: Data) => Child} render
   */
  region(load, render) {
    return new Region(load, render, this.signal);
  }

  /**
   * A part with forms that receive newer data.
   * @template Data
   * @param {() => Promise<Data>} load
   * @param {(data: Data) => string} identify
   * @param {(data: Data) => import('./region.js').View<Data>} build
   */
  liveView(load, identify, build) {
    return new LiveView(load, identify, build, this.signal);
  }
}
