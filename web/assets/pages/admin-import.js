// Extensions from a spreadsheet: looked at first, then taken in, a hundred rows at a time.

import { batches, records } from '../csv.js';
import { button, count, errorText, Field, fill, h, t, tn } from '../elements.js';
import { empty, say } from '../page.js';
import { change, session } from '../server.js';

const COLUMNS = 'number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members';
/** How many rows are looked at in one request, and how many are taken in: a cancel waits for one. */
const LOOK = 1000;
const STEP = 100;

/** @typedef {{ created: number, updated: number, unchanged: number, failures: { line: number, column: string | null, message: string }[], errors: import('../elements.js').UserError[] }} Outcome */

/** @param {import('../page.js').Page} page */
export function show(page) {
  const event = session.event;
  if (!event) return empty(t('directory.noEvent'));
  const text = Field.area('csv', t('import.text'), {
    mono: true,
    rows: 6,
    placeholder: `${COLUMNS}\n2342,sip,user,Zebra,PUBLIC,,,{},`,
  });
  const file = Field.text('file', t('import.file'), {
    type: 'file',
    help: t('import.help', { columns: COLUMNS.replaceAll(',', ', ') }),
  });
  file.control.setAttribute('accept', '.csv,text/csv');
  const result = h('div', { 'aria-live': 'polite' });
  file.control.addEventListener('change', async () => {
    const chosen = /** @type {HTMLInputElement} */ (file.control).files?.[0];
    if (!chosen) return;
    text.write(await chosen.text());
    look();
  });
  const look = () => preview(event.slug, text.read(), result, page.signal);
  return [
    h('p', { class: 'quiet' }, t('import.about', { event: event.name })),
    h(
      'div',
      { class: 'stack' },
      file.node,
      h(
        'details',
        { class: 'more' },
        h('summary', null, t('import.paste')),
        text.node,
        h('div', { class: 'actions' }, button(t('import.look'), look)),
      ),
    ),
    result,
  ];
}

/** What would happen, before anything does. @param {string} event @param {string} csv @param {HTMLElement} place @param {AbortSignal} signal */
async function preview(event, csv, place, signal) {
  const rows = records(csv);
  if (rows.length < 2) return fill(place, empty(t('import.nothing')));
  const outcome = await run(event, batches(rows, LOOK), true, place, rows.length - 1, signal);
  if (!outcome) return;
  const bad = new Set(outcome.failures.map((one) => one.line));
  const good = rows.filter((row, index) => index === 0 || !bad.has(row.line));
  fill(
    place,
    figures(outcome, bad.size),
    bad.size > 0 && failures(outcome),
    outcome.errors.length > 0 &&
      h('div', { class: 'notice bad', role: 'alert' }, h('p', null, errorText(outcome.errors[0]))),
    good.length > 1 &&
      outcome.errors.length === 0 &&
      outcome.created + outcome.updated > 0 &&
      h(
        'div',
        { class: 'actions' },
        button(
          tn(bad.size > 0 ? 'import.takeGood' : 'import.take', good.length - 1),
          () => take(event, good, place, signal),
          { class: 'primary' },
        ),
      ),
  );
}

/** @param {string} event @param {import('../csv.js').Row[]} rows @param {HTMLElement} place @param {AbortSignal} signal */
async function take(event, rows, place, signal) {
  // What refers to other rows comes last: by then they are there.
  const [head, ...body] = rows;
  const columns = head.cells.map((name) => name.trim());
  const refers = (/** @type {import('../csv.js').Row} */ row) =>
    Number(
      Boolean(row.cells[columns.indexOf('fallback_number')]?.trim() || row.cells[columns.indexOf('members')]?.trim()),
    );
  const sorted = [
    head,
    ...body
      .map((row) => ({ row, last: refers(row) }))
      .sort((a, b) => a.last - b.last)
      .map(({ row }) => row),
  ];
  const outcome = await run(event, batches(sorted, STEP), false, place, body.length, signal);
  if (!outcome) return;
  const bad = new Set(outcome.failures.map((one) => one.line));
  fill(
    place,
    h(
      'div',
      { class: 'notice good', role: 'status' },
      h('p', null, tn('import.done', outcome.created + outcome.updated)),
    ),
    figures(outcome, bad.size),
    bad.size > 0 && failures(outcome),
    outcome.errors.length > 0 &&
      h('div', { class: 'notice bad', role: 'alert' }, h('p', null, errorText(outcome.errors[0]))),
    h('div', { class: 'actions' }, h('a', { class: 'button', href: '/operate' }, t('desk.find'))),
  );
  say(tn('import.done', outcome.created + outcome.updated));
}

/** Sends batch after batch; the reader sees how far it is, and may stop it.
 * @param {string} event @param {import('../csv.js').Batch[]} all @param {boolean} dryRun @param {HTMLElement} place @param {number} total @param {AbortSignal} signal @returns {Promise<Outcome | null>} */
async function run(event, all, dryRun, place, total, signal) {
  /** @type {Outcome} */
  const sum = { created: 0, updated: 0, unchanged: 0, failures: [], errors: [] };
  let isCancelled = false;
  let done = 0;
  const bar = h('progress', { max: total, 'aria-label': t('import.progress') });
  const note = h('p', { role: 'status' });
  const cancel = button(t('cancel'), () => {
    isCancelled = true;
    cancel.disabled = true;
    note.textContent = t('import.cancelling');
  });
  fill(place, h('div', { class: 'card stack' }, note, bar, h('div', { class: 'actions' }, cancel)));
  const tell = () => {
    if (!dryRun || done > 0) bar.value = done;
    note.textContent = t(dryRun ? 'import.looking' : 'import.taking', { n: count(done), total: count(total) });
  };
  tell();
  for (const batch of all) {
    if (isCancelled || signal.aborted) break;
    const payload = await send(event, batch.csv, dryRun).catch((error) => ({
      created: 0,
      updated: 0,
      unchanged: 0,
      failures: [],
      errors: [error],
    }));
    sum.created += payload.created;
    sum.updated += payload.updated;
    sum.unchanged += payload.unchanged;
    sum.failures.push(...payload.failures.map((one) => ({ ...one, line: batch.lineOf(one.line) })));
    sum.errors.push(...payload.errors);
    if (payload.errors.length > 0) break;
    done += batch.size;
    tell();
    // The page is painted between two requests.
    await new Promise((resolve) => requestAnimationFrame(() => resolve(undefined)));
  }
  if (signal.aborted) return null;
  if (isCancelled) {
    fill(
      place,
      h(
        'div',
        { class: 'notice', role: 'status' },
        h(
          'p',
          null,
          dryRun
            ? t('import.lookCancelled')
            : t('import.cancelled', { n: count(sum.created + sum.updated), total: count(total) }),
        ),
      ),
      !dryRun && figures(sum, new Set(sum.failures.map((one) => one.line)).size),
    );
    return null;
  }
  return sum;
}

/** @param {string} event @param {string} csv @param {boolean} dryRun */
const send = (event, csv, dryRun) =>
  change(
    'importExtensions',
    { event, csv, dryRun, atomic: false },
    'created updated unchanged failures{line column message}',
  );

/** @param {Outcome} outcome @param {number} bad */
function figures(outcome, bad) {
  return h(
    'div',
    { class: 'figures' },
    [
      ['created', outcome.created],
      ['updated', outcome.updated],
      ['unchanged', outcome.unchanged],
      ['wrong', bad],
    ].map(([name, n]) =>
      h('div', null, h('strong', null, count(Number(n))), h('span', { class: 'quiet' }, t(`import.${name}`))),
    ),
  );
}

/** @param {Outcome} outcome */
function failures(outcome) {
  const shown = outcome.failures.slice(0, 100);
  return h(
    'div',
    { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': t('import.failures') },
    h(
      'table',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          h('th', { scope: 'col', class: 'figure' }, t('import.line')),
          h('th', { scope: 'col' }, t('import.column')),
          h('th', { scope: 'col' }, t('import.problem')),
        ),
      ),
      h(
        'tbody',
        null,
        shown.map((one) =>
          h(
            'tr',
            null,
            h('td', { class: 'figure' }, one.line),
            h('td', null, h('code', null, one.column ?? '')),
            h('td', null, one.message),
          ),
        ),
      ),
    ),
    outcome.failures.length > shown.length &&
      h('p', { class: 'quiet' }, t('import.moreFailures', { n: count(outcome.failures.length - shown.length) })),
  );
}
