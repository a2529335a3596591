// A user's tasks: sign-up, numbers, devices, settings.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import { Person, Server, launch, skip } from './support.mjs';

/** What a screenshot shows, as a reader of codes needs it. @param {Buffer} png */
function pixels(png) {
  const { data, width, height } = PNG.sync.read(png);
  return { data: new Uint8ClampedArray(data), info: { width, height } };
}

describe('a user', { skip }, () => {
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

  test('signs up, verifies the address, and registers a number in three clicks', async () => {
    const arthur = await Person.enter(browser, server, { width: 320 });
    await arthur.opens('/signup');
    await arthur.types('User name', 'arthur');
    await arthur.types('Your name', 'Arthur');
    await arthur.types('E-mail', 'arthur@example.org');
    await arthur.types('Password', 'short');
    await arthur.click('Make an account');
    await arthur.page.locator('[aria-invalid=true]').waitFor();
    assert.equal(await arthur.page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), 'true');
    assert.ok(
      await arthur.page.locator('.summary').evaluate((summary) => summary === document.activeElement),
      'the summary has the focus',
    );
    assert.equal(await arthur.page.getByLabel('User name').inputValue(), 'arthur', 'what was typed stays');
    await arthur.types('Password', 'towel and tea');
    await arthur.click('Make an account');
    await arthur.sees('Look into your mail');
    await arthur.page.goto(await server.linkFor('arthur@example.org'));
    await arthur.sees('Your address is verified');
    assert.equal(new URL(arthur.page.url()).hash, '', 'the token is out of the address');
    await arthur.click('Get a number', 'link');
    arthur.clicks = 0;
    await arthur.click(arthur.page.locator('label.type', { hasText: 'soft phone' }));
    await arthur.click(arthur.page.locator('.chips .chip').first());
    const number = await arthur.page.getByLabel('Your number').inputValue();
    await arthur.click('Register');
    await arthur.page.waitForURL(`**/me/${number}`);
    assert.equal(arthur.clicks, 3);
    await arthur.sees('Yours. Here is how to set it up.');
    assert.match(await arthur.page.locator('.secret').innerText(), /^[!-~]{12,}$/);
    await arthur.opens('/me');
    await arthur.sees(number);
    await arthur.leaves();
  });

  test('types a word for a number, and uses a suggestion where the number is taken', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    const token = await server.signIn('operator');
    await server.change(token, 'registerExtension', {
      event: 'demo',
      serviceType: 'sip',
      number: '2342',
      label: 'Taken',
    });
    await user.opens('/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'DECT' }));
    await user.types('Your number', '2342');
    await user.types('Name in the directory', 'Mine all the same');
    await user.click('Register');
    const field = user.page.locator('.field', { has: user.page.getByLabel('Your number') });
    await field.getByText('This number is taken.').waitFor();
    const offered = field.locator('.problem .chip');
    assert.equal(await offered.count(), 5);
    user.clicks = 0;
    const number = await offered.first().innerText();
    await user.click(offered.first());
    assert.equal(await user.page.getByLabel('Name in the directory').inputValue(), 'Mine all the same');
    await user.click('Register');
    await user.page.waitForURL(`**/me/${number}`);
    assert.equal(user.clicks, 2);
    await user.opens('/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'DECT' }));
    await user.types('Your number', 'taxi');
    await user.page.locator('.chip', { hasText: '8294' }).click();
    await user.click('Register');
    await user.page.waitForURL('**/me/8294');
    await user.leaves();
  });

  test('shows a number in the directory with one click, and hides it with another', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    const token = await server.signIn('user');
    await server.change(token, 'registerExtension', {
      event: 'demo',
      serviceType: 'dect',
      number: '4711',
      label: 'Cologne Corner',
    });
    const guest = await Person.enter(browser, server);
    await guest.opens('/');
    await user.opens('/me');
    await user.click('List 4711 in the directory', 'switch');
    assert.equal(user.clicks, 1);
    await guest.sees('Cologne Corner');
    await user.click('List 4711 in the directory', 'switch');
    await guest.page.getByText('Cologne Corner').waitFor({ state: 'detached' });
    await guest.leaves();
    await user.leaves();
  });

  test('sees secrets and replaces one', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    const token = await server.signIn('user');
    const { generated } = await server.change(
      token,
      'registerExtension',
      { event: 'demo', serviceType: 'sip', number: '4800', label: 'Phone' },
      'generated',
    );
    await user.opens('/me/4800');
    await user.click('Show');
    await user.sees(generated.password);
    await user.click('Make a new one');
    await user.page.getByText(generated.password).waitFor({ state: 'detached' });
    assert.notEqual(await user.page.locator('.secret').innerText(), generated.password);
    await user.leaves();
  });

  test('sets up a softphone with a code that works once', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    const token = await server.signIn('user');
    const { generated } = await server.change(
      token,
      'registerExtension',
      { event: 'demo', serviceType: 'sip', number: '4801', label: 'Softphone' },
      'generated',
    );
    await user.opens('/me/4801');
    await user.click('Show the code');
    assert.equal(user.clicks, 1);
    const picture = user.page.getByRole('img', { name: /QR code/ });
    await picture.scrollIntoViewIfNeeded();
    const { data, info } = pixels(await picture.screenshot());
    const link = jsqr(data, info.width, info.height)?.data;
    assert.match(link ?? '', /^http:\/\/127\.0\.0\.1:\d+\/device\/[\w-]+$/);
    assert.ok(!link.includes(generated.password) && !link.includes('4801'));
    const first = await fetch(link);
    assert.equal(first.status, 200);
    assert.ok((await first.text()).includes('4801'));
    assert.equal((await fetch(link)).status, 404, 'it is answered once');
    await user.leaves();
  });

  test('creates and revokes the address of a desk phone', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    const token = await server.signIn('user');
    const { generated } = await server.change(
      token,
      'registerExtension',
      { event: 'demo', serviceType: 'sip', number: '4802', label: 'On the desk' },
      'generated',
    );
    await user.opens('/me/4802');
    await user.click(user.page.locator('summary', { hasText: 'Set up a desk phone' }));
    await user.types('MAC address of the phone', 'under the phone');
    await user.click('Make the address');
    const field = user.page.locator('.field', { has: user.page.getByLabel('MAC address of the phone') });
    await field
      .locator('.problem')
      .getByText(/no MAC address/)
      .waitFor();
    await user.types('MAC address of the phone', '00-15-65-AB-CD-EF');
    user.clicks = 0;
    await user.click('Make the address');
    const address = await user.page.locator('.qr[role=status] .secret').innerText();
    assert.equal(user.clicks, 1);
    assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/device\/[\w-]{43}\/001565abcdef$/);
    await user.page.getByRole('button', { name: 'Copy The address for the desk phone' }).waitFor();
    // As a telephone asks: the file of its own name, again and again; what is another's is not there.
    for (const file of ['', '/001565abcdef.xml', '/001565ABCDEF.xml']) {
      const answer = await fetch(address + file, {
        headers: { 'user-agent': 'Yealink SIP-T46S 66.86.0.15 00:15:65:ab:cd:ef' },
      });
      assert.equal(answer.status, 200, file);
      const document = await answer.text();
      assert.ok(document.includes('4802') && !document.includes(generated.password), document);
    }
    assert.equal((await fetch(`${address}/001565000000.xml`)).status, 404);
    await user.opens('/me/4802');
    await user.click(user.page.locator('summary', { hasText: 'Set up a desk phone' }));
    const row = user.page.getByRole('listitem').filter({ hasText: '00:15:65:ab:cd:ef' });
    await row.getByText(/fetched/).waitFor();
    assert.ok(!(await user.page.content()).includes(address.split('/').at(-2) ?? '?'), 'it was shown once');
    await user.click(row.getByRole('button', { name: 'Revoke 00:15:65:ab:cd:ef' }));
    await user.sees('The address no longer works.');
    await row.waitFor({ state: 'detached' });
    assert.equal((await fetch(address)).status, 404);
    await user.leaves();
  });

  test('changes settings; an error stands beside its field', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/me/4800');
    await user.types('Devices', '9');
    await user.types('Name in the directory', 'Two phones');
    await user.click('Save');
    const field = user.page.locator('.field', { has: user.page.getByLabel('Devices') });
    await field.locator('.problem p').waitFor();
    await user.types('Devices', '3');
    await user.click('Save');
    await user.sees('Saved.');
    await user.opens('/me/4800');
    assert.equal(await user.page.getByLabel('Devices').inputValue(), '3');
    assert.equal(await user.page.getByLabel('Name in the directory').inputValue(), 'Two phones');
    await user.leaves();
  });

  test('deletes a number after a confirmation', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    const token = await server.signIn('user');
    await server.change(token, 'registerExtension', {
      event: 'demo',
      serviceType: 'dect',
      number: '4999',
      label: 'Soon gone',
    });
    await user.opens('/me/4999');
    await user.click('Delete');
    await user.sees('Delete 4999?');
    await user.click(user.page.getByRole('dialog').getByRole('button', { name: 'Delete' }));
    await user.page.waitForURL('**/me');
    await user.sees(/4999 is gone/);
    await user.leaves();
  });

  test('sees held numbers, registers one again and releases another', async () => {
    const user = await Person.enter(browser, server, { login: 'user', width: 320 });
    const token = await server.signIn('user');
    for (const number of ['4991', '4992']) {
      const { extension } = await server.change(
        token,
        'registerExtension',
        { event: 'demo', serviceType: 'dect', number, label: 'Given up' },
        'extension{id}',
      );
      await server.change(token, 'deleteExtension', { id: extension.id });
    }
    await user.opens('/me');
    await user.sees('Kept for you');
    await user.page
      .getByRole('listitem')
      .filter({ hasText: '4991' })
      .getByText(/in (29|30) minutes/)
      .waitFor();
    await user.click('Take 4991 again', 'link');
    await user.page.waitForURL('**/me/new?number=4991*');
    await user.click(user.page.locator('label.type', { hasText: 'DECT' }));
    assert.equal(await user.page.getByLabel('Your number').inputValue(), '4991');
    await user.click('Register');
    await user.page.waitForURL('**/me/4991');
    assert.equal(user.clicks, 3);
    await user.opens('/me');
    assert.equal(await user.page.getByRole('link', { name: 'Take 4991 again' }).count(), 0);
    await user.click('Give 4992 up');
    await user.sees('4992 is anybody’s soon.');
    await user.page.getByRole('button', { name: 'Give 4992 up' }).waitFor({ state: 'detached' });
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate/accounts/user');
    await operator.sees('Held for the last owner');
    await operator.sees('4999');
    await operator.leaves();
    await user.leaves();
  });
});
