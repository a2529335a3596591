// Sends the batches of an import, shows the progress, and can be cancelled.

import { button, h } from '../../lib/dom.js';
import { formatCount, t } from '../../lib/i18n.js';
import { toRequestError } from '../../transport/errors.js';
import { mutate } from '../../transport/http.js';

/**
 * @typedef {{ created: number, updated: number, unchanged: number,
 *   failures: { line: number, column: string | null, message: string }[],
 *   errors: { code: string, message: string }[] }} Outcome
 */

export class ImportRun {
  /** @param {string} event @param {boolean} isDryRun @param {number} total @param {AbortSignal} signal */
  constructor(event, isDryRun, total, signal) {
    this.event = event;
    this.isDryRun = isDryRun;
    this.total = total;
    this.signal = signal;
    this.isCancelled = false;
    this.bar = h('progress', { max: total, 'aria-label': t('import.progress') });
    this.note = h('p', { role: 'status' });
    const cancel = button(t('cancel'), () => {
      this.isCancelled = true;
      cancel.disabled = true;
      this.note.textContent = t('import.cancelling');
    });
    this.node = h('div', { class: 'card stack' }, this.note, this.bar, h('div', { class: 'actions' }, cancel));
  }

  /** Sends batches until one fails or the run is cancelled. @param {import('../../lib/csv.js').Batch[]} batches */
  async send(batches) {
    /** @type {Outcome} */
    const outcome = { created: 0, updated: 0, unchanged: 0, failures: [], errors: [] };
    let sent = 0;
    this.#showProgress(sent);
    for (const batch of batches) {
      if (this.isCancelled || this.signal.aborted) break;
      const part = await this.#sendBatch(batch.csv);
      outcome.created += part.created;
      outcome.updated += part.updated;
      outcome.unchanged += part.unchanged;
      outcome.failures.push(...part.failures.map((failure) => ({ ...failure, line: batch.lineOf(failure.line) })));
      outcome.errors.push(...part.errors);
      if (part.errors.length > 0) break;
      sent += batch.size;
      this.#showProgress(sent);
      // Lets the browser paint the progress between two requests.
      await new Promise((resolve) => requestAnimationFrame(() => resolve(undefined)));
    }
    return outcome;
  }

  /** @param {string} csv @returns {Promise<Outcome>} */
  async #sendBatch(csv) {
    const input = { event: this.event, csv, dryRun: this.isDryRun, atomic: false };
    try {
      return await mutate('importExtensions', input, 'created updated unchanged failures { line column message }');
    } catch (error) {
      return { created: 0, updated: 0, unchanged: 0, failures: [], errors: [toRequestError(error)] };
    }
  }

  /** A preview begins without a value: most take one request. @param {number} sent */
  #showProgress(sent) {
    if (!this.isDryRun || sent > 0) this.bar.value = sent;
    const counts = { n: formatCount(sent), total: formatCount(this.total) };
    this.note.textContent = t(this.isDryRun ? 'import.looking' : 'import.taking', counts);
  }
}
