// Files of spreadsheets: their encodings and separators.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batches, records } from '../../assets/lib/csv.js';
import { readText } from '../../assets/lib/text-file.js';

const HEADER = ['number', 'service_type', 'label', 'parameters'];
const ROW = ['7001', 'sip', 'x', '{"a": "1,2;3"}'];

/** @param {string[]} cells @param {string} separator */
const line = (cells, separator) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(separator);

test('cells are split at the separator of the header', () => {
  for (const separator of [',', ';', '\t']) {
    for (const declaration of ['', `sep=${separator}\r\n`]) {
      const empty = separator.repeat(3);
      const body = [line(HEADER, separator), empty, line(ROW, separator), empty, ''].join('\r\n');
      const rows = records(`\uFEFF${declaration}${body}`);
      assert.deepEqual(
        rows.map(({ cells }) => cells),
        [HEADER, ROW],
      );
      const first = declaration ? 2 : 1;
      assert.deepEqual(
        rows.map((row) => row.line),
        [first, first + 2],
      );
      const [batch] = batches(rows, 10);
      assert.equal(batch.lineOf(2), first + 2);
    }
  }
});

test('a file is decoded strictly', async () => {
  const read = async (/** @type {number[]} */ bytes) => await readText(new Blob([new Uint8Array(bytes)]));
  const utf8 = [...new TextEncoder().encode('Müller')];
  assert.deepEqual(await read(utf8), { text: 'Müller', encoding: 'utf-8' });
  assert.deepEqual(await read([0xef, 0xbb, 0xbf, ...utf8]), { text: 'Müller', encoding: 'utf-8' });
  assert.deepEqual(await read([0x4d, 0xfc]), { text: 'Mü', encoding: 'windows-1252' });
  assert.deepEqual(await read([0xff, 0xfe, 0x4d, 0x00, 0xfc, 0x00]), { text: 'Mü', encoding: 'utf-16le' });
  assert.deepEqual(await read([0xfe, 0xff, 0x00, 0x4d, 0x00, 0xfc]), { text: 'Mü', encoding: 'utf-16be' });
  assert.deepEqual(await read([]), { text: '', encoding: 'utf-8' });
  // A workbook and other binary files.
  assert.equal(await read([0x50, 0x4b, 0x03, 0x04, 0x14]), null);
  assert.equal(await read([0x4d, 0x00, 0x4d]), null);
});
