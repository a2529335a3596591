// The import of a spreadsheet.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { batches, records } from '../assets/lib/csv.js';
import { Person, Server, launch, skip } from './support.mjs';

const HEADER = 'number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members';

/** @param {number} count */
function sheet(count, wrong = {}) {
  const rows = Array.from(
    { length: count },
    (_, index) => wrong[index] ?? `${6000 + index},dect,user,"Room ${index}, ""upstairs""",PUBLIC,,,{},`,
  );
  return [HEADER, ...rows].join('\r\n');
}

test('a file is split into batches that map their lines to those of the file', () => {
  const rows = records('\uFEFFa,b\r\n1,"x\ny"\r\n\r\n2,"say ""hi"""\n3,z');
  assert.deepEqual(
    rows.map((row) => row.line),
    [1, 2, 5, 6],
  );
  assert.deepEqual(rows[2].cells, ['2', 'say "hi"']);
  const [first, second] = batches(rows, 2);
  assert.equal(first.csv, 'a,b\n1,"x\ny"\n2,"say ""hi"""');
  assert.deepEqual([1, 2, 3, 4].map(first.lineOf), [1, 2, 3, 5]);
  assert.equal(second.lineOf(2), 6);
});

describe('an import', { skip }, () => {
  /** @type {Server} */ let server;
  let browser;
  before(async () => {
    server = await Server.start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** @param {Person} admin @param {string} csv */
  const choose = (admin, csv) =>
    admin.page
      .getByLabel('CSV file')
      .setInputFiles({ name: 'rooms.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  const total = async () => {
    const token = await server.signIn('admin');
    return (await server.ask('{extensions(event:"demo",owner:"user"){totalCount}}', {}, token)).extensions.totalCount;
  };

  test('previews errors without a change, then imports the good rows', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 360 });
    admin.context.setDefaultTimeout(120_000);
    await admin.opens('/admin/import');
    const wrong = {
      10: '6010,dect,ghost,No such owner,PUBLIC,,,{},',
      500: '112,dect,user,Reserved,PUBLIC,,,{},',
      999: '6999,carrier-pigeon,user,No such service,PUBLIC,,,{},',
    };
    await choose(admin, sheet(1000, wrong));
    for (const line of ['12', '502', '1001']) await admin.page.getByRole('cell', { name: line, exact: true }).waitFor();
    assert.equal(
      await admin.page
        .locator('.figures strong')
        .allInnerTexts()
        .then((texts) => texts.join(' ')),
      '997 0 0 3',
    );
    assert.equal(await total(), 0, 'a preview changes nothing');
    await admin.click('Import the 997 good rows');
    await admin.sees(/of 997 rows/);
    await admin.page.getByRole('progressbar').waitFor();
    await admin.sees('997 numbers are imported.');
    assert.equal(admin.clicks, 1);
    assert.equal(await total(), 997);
    await admin.leaves();
  });

  test('stops when it is cancelled, and says how many rows were imported', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 360 });
    admin.context.setDefaultTimeout(120_000);
    await admin.opens('/admin/import');
    await choose(admin, sheet(500).replaceAll(',PUBLIC,', ',MEMBERS,'));
    await admin.click('Import 500 rows');
    await admin.page.waitForFunction(() => Number(document.querySelector('progress')?.value) >= 100);
    await admin.click('Cancel');
    await admin.sees(/Stopped\. \d+ of 500 rows were imported and stay\./);
    await admin.leaves();
  });

  test('imports pasted rows, and reports an empty file', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 360 });
    await admin.opens('/admin/import');
    await admin.click(admin.page.getByText('Paste rows instead'));
    await admin.click('Preview');
    await admin.sees('There are no rows in it.');
    await admin.types('Rows', `${HEADER}\n5900,sip,user,Pasted,PUBLIC,,,{},`);
    await admin.click('Preview');
    await admin.click('Import 1 row');
    await admin.sees('1 number is imported.');
    await admin.leaves();
  });
});
