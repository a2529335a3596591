// Parts of a page that show data of the server.

import { failurePanel } from '../errors.js';
import { button, fill, h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { leaveGuard } from '../leave-guard.js';

/** @typedef {import('../lib/dom.js').Child} Child */

/** Milliseconds after which a load is shown: a skeleton where there is no content yet. */
const SKELETON_DELAY = 200;

const skeleton = () =>
  h('div', { class: 'skeleton', 'aria-hidden': 'true' }, h('span', null), h('span', null), h('span', null));

/**
 * Loads data and renders it anew after each reload.
 * @template Data
 */
export class Region {
  /**
   * @param {() => Promise<Data>} load
   * @param {(data: Data) => Child} render
   * @param {AbortSignal} signal ends when the page is left
   */
  constructor(load, render, signal) {
    this.load = load;
    this.render = render;
    this.signal = signal;
    this.notice = h('div', { class: 'region-notice' });
    this.content = h('div', { class: 'region-content' });
    this.node = h('div', { class: 'region' }, this.notice, this.content);
    this.loads = 0;
    queueMicrotask(() => this.reload());
  }

  /** Loads again. The content stays until the data has arrived, and where the load fails. */
  async reload() {
    this.loads += 1;
    const thisLoad = this.loads;
    const isCurrent = () => thisLoad === this.loads && !this.signal.aborted;
    const showLoading = setTimeout(() => this.showLoading(), SKELETON_DELAY);
    try {
      const data = await this.load();
      if (!isCurrent()) return;
      fill(this.notice);
      this.show(data);
    } catch (error) {
      if (isCurrent()) this.showFailure(error);
    } finally {
      clearTimeout(showLoading);
      this.node.removeAttribute('aria-busy');
    }
  }

  /** @param {Data} data */
  show(data) {
    fill(this.content, this.render(data));
  }

  showLoading() {
    if (this.content.childElementCount === 0) fill(this.content, skeleton());
    else this.node.setAttribute('aria-busy', 'true');
  }

  /** @param {unknown} error */
  showFailure(error) {
    if (this.content.firstElementChild?.matches('.skeleton')) fill(this.content);
    const retry = () => {
      fill(this.notice);
      this.reload();
    };
    fill(this.notice, failurePanel(error, retry));
  }
}

/**
 * @template Data
 * @typedef {{ node: Child, update: (data: Data) => void }} View
 */

/**
 * Loads data, builds a view of it once, and passes newer data to the view: its forms merge them with what was typed.
 * Data about something else build a new view, unless that would discard unsaved input; then the reader decides.
 * @template Data
 * @extends {Region<Data>}
 */
export class LiveView extends Region {
  /**
   * @param {() => Promise<Data>} load
   * @param {(data: Data) => string} identify what the data are about
   * @param {(data: Data) => View<Data>} build
   * @param {AbortSignal} signal
   */
  constructor(load, identify, build, signal) {
    super(load, () => null, signal);
    this.identify = identify;
    this.build = build;
    /** @type {{ identity: string, view: View<Data> } | null} */
    this.current = null;
  }

  /** @override @param {Data} data */
  show(data) {
    const identity = this.identify(data);
    if (this.current?.identity === identity) return this.current.view.update(data);
    if (this.current && leaveGuard.hasUnsavedInputIn(this.content)) return this.offer(data);
    this.replace(data);
  }

  /** @param {Data} data */
  replace(data) {
    this.current = { identity: this.identify(data), view: this.build(data) };
    fill(this.content, this.current.view.node);
  }

  /** @param {Data} data */
  offer(data) {
    const show = () => {
      fill(this.notice);
      this.replace(data);
    };
    const text = h('p', null, t('view.changed'));
    fill(this.notice, h('div', { class: 'notice', role: 'alert' }, text, button(t('view.showNew'), show)));
  }
}
