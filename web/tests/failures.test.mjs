// Failures are visible, with a way to go on.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('a failure', { skip }, () => {
  /** @type {Server} */ let server;
  let browser;
  before(async () => {
    [server, browser] = await Promise.all([Server.start(), launch()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Forgets errors that a test provokes. @param {Person} person @param {RegExp} pattern */
  function expectProblems(person, pattern) {
    person.problems = person.problems.filter((problem) => !pattern.test(problem));
  }

  for (const [status, body, message] of [
    [
      500,
      '{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL","requestId":"r-17"}}]}',
      /Request r-17/,
    ],
    [500, 'no JSON', /That did not work: HTTP 500/],
    [429, '{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED"}}]}', /Too many requests/],
  ]) {
    test(`of the first request (${status}) is shown, and another attempt goes on`, async () => {
      const guest = await Person.enter(browser, server);
      await guest.page.route('**/graphql', (route) => route.fulfill({ status, body }));
      await guest.page.goto('/');
      await guest.sees(message);
      await guest.page.unroute('**/graphql');
      await guest.click('Try again');
      await guest.sees('Find a number');
      expectProblems(guest, /Failed to load resource|WebSocket/);
      await guest.leaves();
    });
  }

  test('of localStorage does not stop the pages', async () => {
    const guest = await Person.enter(browser, server);
    await guest.context.addInitScript(() => {
      Object.defineProperty(window, 'localStorage', {
        get() {
          throw new DOMException('blocked', 'SecurityError');
        },
      });
    });
    await guest.opens('/');
    await guest.sees('9 entries');
    await guest.leaves();
  });

  for (const path of ['**/pages/directory.js', '**/lib/i18n.js', '**/messages/en.json', '**/app.js']) {
    test(`of ${path} is shown`, async () => {
      const guest = await Person.enter(browser, server);
      await guest.page.route(path, (route) => route.abort());
      await guest.page.goto('/');
      const retry = guest.page.getByRole('button', { name: 'Try again' });
      await retry.waitFor();
      await guest.page.unroute(path);
      await retry.click();
      await guest.sees('Find a number');
      expectProblems(guest, /Failed to load resource/);
      await guest.leaves();
    });
  }

  test('of a page that does not load replaces the page before', async () => {
    const guest = await Person.enter(browser, server, { width: 1280 });
    await guest.opens('/');
    await guest.page.route('**/pages/account/sign-in.js', (route) => route.abort());
    await guest.click('Sign in', 'link');
    await guest.sees(/That did not work/);
    assert.equal(await guest.page.getByText('Find a number').count(), 0);
    await guest.page.unroute('**/pages/account/sign-in.js');
    await guest.click('Try again');
    await guest.page.getByLabel('User name or e-mail').waitFor();
    expectProblems(guest, /Failed to load resource/);
    await guest.leaves();
  });

  test('of an address is a page that says so', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin' });
    for (const [path, message] of [
      ['/me/%E0%A4%A', 'This address is incomplete or damaged.'],
      ['/e/demo/operate/numbers/%E0%A4%A', 'This address is incomplete or damaged.'],
      ['/e/%E0%A4%A/me', 'This address is incomplete or damaged.'],
      ['/admin/constructor', 'There is no such page, or it is not for your account.'],
      ['/e/demo/admin/constructor', 'There is no such page, or it is not for your account.'],
      ['/operate/toString', 'There is no such page, or it is not for your account.'],
    ]) {
      await admin.opens(path);
      await admin.sees('Nothing here');
      await admin.sees(message);
      await admin.page.locator('main').getByRole('link', { name: 'Directory' }).waitFor();
    }
    await admin.leaves();
  });

  test('of a request behind a button is shown', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/account');
    await user.page.getByText('this device').waitFor();
    await user.page.route('**/graphql', (route) =>
      route.fulfill({ status: 500, body: '{"errors":[{"message":"out of order"}]}' }),
    );
    await user.click('Sign out everywhere');
    await user.sees(/That did not work: out of order/);
    await user.click(user.page.locator('.heading').getByRole('button', { name: 'Sign out' }));
    await user.sees(/That did not work: out of order/);
    await user.page.goto('/verify#token=abc');
    await user.sees(/That did not work: out of order/);
    await user.page.getByRole('button', { name: 'Try again' }).waitFor();
    expectProblems(user, /Failed to load resource|WebSocket/);
    await user.leaves();
  });

  test('of a reload keeps what the page shows', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    const token = await server.signIn('user');
    const input = { event: 'demo', serviceType: 'sip', number: '4600', label: 'Kept' };
    await server.change(token, 'registerExtension', input);
    await user.opens('/e/demo/me/4600');
    await user.page.getByLabel('Name in the directory').fill('Typed');
    await user.page.route('**/graphql', (route) => route.fulfill({ status: 500, body: '{}' }));
    await user.click('Save');
    await user.page
      .locator('.summary')
      .getByText(/That did not work: HTTP 500/)
      .waitFor();
    assert.equal(await user.page.getByLabel('Name in the directory').inputValue(), 'Typed');
    await user.page.unroute('**/graphql');
    await user.click('Save');
    await user.sees('Saved.');
    expectProblems(user, /Failed to load resource/);
    await user.leaves();
  });

  test('in a folded part is unfolded', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/e/demo/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'soft phone' }));
    const more = user.page.locator('summary', { hasText: 'More settings' });
    await more.click();
    await user.types('Devices', '99');
    await more.click();
    await user.page.getByLabel('Devices').waitFor({ state: 'hidden' });
    await user.click('Register');
    await user.page.getByLabel('Devices').waitFor();
    await more.click();
    await user.click(user.page.locator('.summary').getByRole('link', { name: 'Devices' }));
    assert.ok(await user.page.getByLabel('Devices').evaluate((input) => input === document.activeElement));
    await user.leaves();
  });
});

describe('over plain HTTP on a local network', { skip }, () => {
  test('a number is registered and copied', async () => {
    const server = await Server.start({ host: 'field.example' });
    const browser = await launch(['--host-resolver-rules=MAP field.example 127.0.0.1']);
    try {
      const user = await Person.enter(browser, server);
      await user.opens('/signin');
      assert.equal(await user.page.evaluate(() => window.isSecureContext), false);
      await user.types('User name or e-mail', 'user');
      await user.types('Password', 'numberwang');
      await user.click('Sign in');
      await user.page.waitForURL('**/e/demo/me');
      await user.click('Get a number', 'link');
      await user.click(user.page.locator('label.type', { hasText: 'soft phone' }));
      await user.types('Your number', '4700');
      await user.click('Register');
      await user.page.waitForURL('**/e/demo/me/4700');
      await user.click(/^Copy/);
      await user.sees('Copied.');
      await user.leaves();
    } finally {
      await browser.close();
      await server.stop();
    }
  });

  test('without the setting for it, signing in says why it does not work', async () => {
    const server = await Server.start();
    server.host = 'field.example';
    const browser = await launch(['--host-resolver-rules=MAP field.example 127.0.0.1']);
    try {
      const user = await Person.enter(browser, server);
      await user.opens('/signin');
      assert.equal(await user.page.evaluate(() => window.isSecureContext), false);
      await user.types('User name or e-mail', 'user');
      await user.types('Password', 'numberwang');
      await user.click('Sign in');
      await user.sees('your browser keeps no session for an address that begins with http://');
      assert.match(user.page.url(), /\/signin$/);
      await user.leaves();
    } finally {
      await browser.close();
      await server.stop();
    }
  });
});
