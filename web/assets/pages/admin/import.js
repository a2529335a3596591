// `/e/{event}/admin/import`: extensions from a spreadsheet: a preview first, then the import, a batch at a time.

import { errorMessage } from '../../errors.js';
import { areaField, textField } from '../../forms/inputs.js';
import { button, fill, h } from '../../lib/dom.js';
import { batches, records } from '../../lib/csv.js';
import { formatCount, t, tn } from '../../lib/i18n.js';
import { readText } from '../../lib/text-file.js';
import { emptyState, notice, quiet } from '../../ui/layout.js';
import { showToast } from '../../ui/toast.js';
import { AdminPage } from './admin-page.js';
import { ImportRun } from './import-run.js';

/** @typedef {import('../../lib/csv.js').Row} Row */
/** @typedef {import('./import-run.js').Outcome} Outcome */

const COLUMNS = 'number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members';
/** Rows of one request. An import can be cancelled between two requests. */
const PREVIEW_BATCH = 1000;
const IMPORT_BATCH = 100;
const MOST_FAILURES = 100;
/** Names in the notice about the encoding. */
const SHOWN_NAMES = 5;

export default class ImportPage extends AdminPage {
  tab = '/admin/import';

  /** @override */
  content() {
    const { event } = this;
    if (!event) return emptyState(t('directory.noEvent'));
    this.result = h('div', { 'aria-live': 'polite' });
    const text = areaField('csv', t('import.text'), {
      mono: true,
      rows: 6,
      placeholder: `${COLUMNS}\n2342,sip,user,Zebra,PUBLIC,,,{},`,
    });
    const file = textField('file', t('import.file'), {
      type: 'file',
      accept: '.csv,text/csv',
      help: t('import.help', { columns: COLUMNS.replaceAll(',', ', ') }),
    });
    const preview = () => this.#preview(text.read());
    file.control.addEventListener('change', async () => {
      const chosen = /** @type {HTMLInputElement} */ (file.control).files?.[0];
      if (!chosen) return;
      const decoded = await readText(chosen);
      if (!decoded) return this.#showResult(notice('bad', h('p', null, t('import.noText'))));
      text.write(decoded.text);
      await this.#preview(decoded.text, decoded.encoding);
    });
    const paste = h(
      'details',
      { class: 'more' },
      h('summary', null, t('import.paste')),
      text.node,
      h('div', { class: 'actions' }, button(t('import.look'), preview)),
    );
    return [
      quiet(t('import.about', { event: event.name })),
      h('div', { class: 'stack' }, file.node, paste),
      this.result,
    ];
  }

  /** @param {...import('../../lib/dom.js').Child} content */
  #showResult(...content) {
    if (this.result) fill(this.result, content);
  }

  /** Shows what an import would do. @param {string} csv @param {string} encoding of the file */
  async #preview(csv, encoding = 'utf-8') {
    const rows = records(csv);
    if (rows.length < 2) return this.#showResult(emptyState(t('import.nothing')));
    const guess = encoding === 'windows-1252' && encodingNotice(rows);
    const run = new ImportRun(this.eventSlug, true, rows.length - 1, this.signal);
    this.#showResult(run.node);
    const outcome = await run.send(batches(rows, PREVIEW_BATCH));
    if (this.signal.aborted) return;
    if (run.isCancelled) return this.#showResult(statusNotice('', t('import.lookCancelled')));
    const failedLines = linesOf(outcome);
    const goodRows = rows.filter((row, index) => index === 0 || !failedLines.has(row.line));
    const changes = outcome.created + outcome.updated;
    const isImportable = goodRows.length > 1 && outcome.errors.length === 0 && changes > 0;
    const label = tn(failedLines.size > 0 ? 'import.takeGood' : 'import.take', goodRows.length - 1);
    const start = button(label, () => this.#import(goodRows), { class: 'primary' });
    this.#showResult(guess, outcomeDetails(outcome), isImportable && h('div', { class: 'actions' }, start));
  }

  /** @param {Row[]} rows */
  async #import(rows) {
    const total = rows.length - 1;
    const run = new ImportRun(this.eventSlug, false, total, this.signal);
    this.#showResult(run.node);
    const outcome = await run.send(batches(referencesLast(rows), IMPORT_BATCH));
    if (this.signal.aborted) return;
    const imported = outcome.created + outcome.updated;
    if (run.isCancelled) {
      const counts = { n: formatCount(imported), total: formatCount(total) };
      return this.#showResult(statusNotice('', t('import.cancelled', counts)), figures(outcome));
    }
    const message = tn('import.done', imported);
    const next = h('a', { class: 'button', href: this.path('/operate') }, t('desk.find'));
    this.#showResult(statusNotice('good', message), outcomeDetails(outcome), h('div', { class: 'actions' }, next));
    showToast(message);
  }
}

/** Sorts rows that refer to other rows behind those. @param {Row[]} rows with the header */
function referencesLast(rows) {
  const [head, ...body] = rows;
  const columns = columnsOf(head);
  const hasCell = (/** @type {Row} */ row, /** @type {string} */ column) =>
    (row.cells[columns.indexOf(column)]?.trim() ?? '') !== '';
  const refers = (/** @type {Row} */ row) => hasCell(row, 'fallback_number') || hasCell(row, 'members');
  return [head, ...body.filter((row) => !refers(row)), ...body.filter(refers)];
}

/** The names of the columns as the server knows them. @param {Row} head */
const columnsOf = (head) => head.cells.map((name) => name.trim().toLowerCase().replace(/[ -]/g, '_'));

/** Shows how names were read from a file that is not UTF-8. @param {Row[]} rows with the header */
function encodingNotice(rows) {
  const at = columnsOf(rows[0]).indexOf('label');
  const names = rows.flatMap(({ cells }) => cells[at] ?? []).filter((label) => /[^ -~]/.test(label));
  const shown = [...new Set(names)].slice(0, SHOWN_NAMES).join(', ');
  return notice('', h('p', null, shown ? t('import.encoding', { names: shown }) : t('import.encodingPlain')));
}

/** @param {Outcome} outcome */
const linesOf = (outcome) => new Set(outcome.failures.map(({ line }) => line));

/** @param {'' | 'good'} kind @param {string} text */
function statusNotice(kind, text) {
  const box = notice(kind, h('p', null, text));
  box.setAttribute('role', 'status');
  return box;
}

/** @param {Outcome} outcome */
function outcomeDetails(outcome) {
  const [error] = outcome.errors;
  return [
    figures(outcome),
    outcome.failures.length > 0 && failureTable(outcome),
    error && h('div', { class: 'notice bad', role: 'alert' }, h('p', null, errorMessage(error))),
  ];
}

/** @param {Outcome} outcome */
function figures(outcome) {
  const { created, updated, unchanged } = outcome;
  const counts = Object.entries({ created, updated, unchanged, wrong: linesOf(outcome).size });
  const boxes = counts.map(([name, count]) =>
    h('div', null, h('strong', null, formatCount(count)), h('span', { class: 'quiet' }, t(`import.${name}`))),
  );
  return h('div', { class: 'figures' }, boxes);
}

/** @param {Outcome} outcome */
function failureTable({ failures }) {
  const head = h(
    'tr',
    null,
    h('th', { scope: 'col', class: 'figure' }, t('import.line')),
    h('th', { scope: 'col' }, t('import.column')),
    h('th', { scope: 'col' }, t('import.problem')),
  );
  const rows = failures
    .slice(0, MOST_FAILURES)
    .map(({ line, column, message }) =>
      h(
        'tr',
        null,
        h('td', { class: 'figure' }, line),
        h('td', null, h('code', null, column ?? '')),
        h('td', null, message),
      ),
    );
  const hidden = failures.length - rows.length;
  return h(
    'div',
    { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': t('import.failures') },
    h('table', null, h('thead', null, head), h('tbody', null, rows)),
    hidden > 0 && quiet(t('import.moreFailures', { n: formatCount(hidden) })),
  );
}
