// The directory for guests.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('a guest', { skip }, () => {
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

  test('finds a number by typing, with no click', async () => {
    const guest = await Person.enter(browser, server, { width: 320 });
    await guest.opens('/');
    await guest.page.keyboard.type('z');
    await guest.sees('Zebra Lounge');
    await guest.page.getByText('Front Desk').waitFor({ state: 'detached' });
    await guest.page.keyboard.type('ebra');
    const link = guest.page.getByRole('link', { name: 'Call Zebra Lounge, 5001' });
    assert.equal(await link.getAttribute('href'), 'tel:5001');
    assert.equal(guest.clicks, 0);
    await guest.page.waitForURL('**/?q=zebra');
    await guest.leaves();
  });

  test('finds a number by keypad letters and by its beginning, and sees when there is none', async () => {
    const guest = await Person.enter(browser, server);
    await guest.opens('/?q=93272');
    await guest.sees('Zebra Lounge');
    await guest.types('Name, number or keypad letters', '500');
    await guest.sees('Front Desk');
    await guest.types('Name, number or keypad letters', 'nobody of this name');
    await guest.sees('Nobody is listed under “nobody of this name”.');
    await guest.leaves();
  });

  test('copies a number', async () => {
    const guest = await Person.enter(browser, server, { permissions: ['clipboard-read', 'clipboard-write'] });
    await guest.opens('/?q=first');
    await guest.click('Copy 5002');
    await guest.sees('Copied.');
    assert.equal(await guest.page.evaluate(() => navigator.clipboard.readText()), '5002');
    await guest.leaves();
  });

  test('sees a new entry without doing anything', async () => {
    const guest = await Person.enter(browser, server);
    await guest.opens('/');
    await guest.sees('9 entries');
    const token = await server.signIn('user');
    await server.change(token, 'registerExtension', {
      event: 'demo',
      serviceType: 'sip',
      number: '4321',
      label: 'Quagga House',
      visibility: 'PUBLIC',
    });
    await guest.sees('Quagga House');
    await guest.sees('10 entries');
    await guest.leaves();
  });

  test('downloads the directory in every format', async () => {
    const guest = await Person.enter(browser, server);
    await guest.opens('/');
    await guest.click(guest.page.getByText('Take the directory along'));
    const links = guest.page.locator('.exports a');
    assert.ok((await links.count()) >= 2);
    for (const link of await links.all()) {
      const answer = await guest.context.request.get(await link.getAttribute('href'));
      assert.equal(answer.status(), 200, await link.getAttribute('href'));
      assert.match(await answer.text(), /Zebra Lounge/);
    }
    await guest.leaves();
  });

  test('reads it in German where the browser asks for that, and may choose otherwise', async () => {
    const guest = await Person.enter(browser, server, { locale: 'de-DE' });
    await guest.opens('/');
    await guest.sees('Nummer finden');
    assert.equal(await guest.page.locator('html').getAttribute('lang'), 'de');
    await guest.page.getByLabel('Sprache').selectOption('English');
    await guest.sees('Find a number');
    await guest.leaves();
  });

  test('is led to sign in from a page that needs an account', async () => {
    const guest = await Person.enter(browser, server);
    await guest.opens('/me');
    assert.equal(new URL(guest.page.url()).pathname, '/signin');
    await guest.types('User name or e-mail', 'user');
    await guest.types('Password', 'wrong password');
    await guest.click('Sign in');
    await guest.sees('The name or the password is wrong.');
    await guest.types('Password', 'numberwang');
    await guest.click('Sign in');
    await guest.page.waitForURL('**/me');
    await guest.leaves();
  });
});
