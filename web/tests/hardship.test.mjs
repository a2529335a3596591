// Keyboard only, no network, a session that has ended: nothing typed is lost.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('under difficulties', { skip }, () => {
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

  /**
   * Presses a key until the focus is on something that says this.
   * @param {Person} person
   * @param {RegExp} name
   * @param {string} [key]
   */
  async function reach(person, name, key = 'Tab') {
    for (let presses = 0; presses < 60; presses += 1) {
      const said = await person.page.evaluate(() => {
        const here = /** @type {any} */ (document.activeElement);
        if (here === document.body) return '';
        return [here?.getAttribute('aria-label'), here?.labels?.[0]?.textContent, here?.textContent].join(' ');
      });
      if (name.test(said)) return;
      await person.page.keyboard.press(key);
    }
    throw new Error(`the keyboard does not reach ${name}`);
  }

  test('the keyboard alone signs in, takes a number, and leaves again', async () => {
    const user = await Person.enter(browser, server, { width: 1280 });
    await user.opens('/signin');
    await user.page.keyboard.type('user');
    await user.page.keyboard.press('Tab');
    await user.page.keyboard.type('numberwang');
    await user.page.keyboard.press('Enter');
    await user.page.waitForURL('**/me');
    await user.sees('You have no number yet.');
    await reach(user, /Get a number/);
    await user.page.keyboard.press('Enter');
    await user.page.waitForURL('**/me/new');
    await user.sees('soft phone');
    await reach(user, /Cellular/);
    for (
      let presses = 0;
      presses < 10 && !(await user.page.locator('label.type', { hasText: 'soft phone' }).locator('input').isChecked());
      presses += 1
    )
      await user.page.keyboard.press('ArrowDown');
    await user.page.locator('.chips .chip').first().waitFor();
    await reach(user, /Your number/);
    await user.page.keyboard.type('3456');
    await user.page.keyboard.press('Enter');
    await user.page.waitForURL('**/me/3456');
    await reach(user, /Account/, 'Shift+Tab');
    await user.page.keyboard.press('Enter');
    await user.page.waitForURL('**/account');
    await reach(user, /Sign out/);
    await user.page.keyboard.press('Enter');
    await user.sees('Find a number');
    await user.leaves();
  });

  test('without a network it says so, and goes on by itself when it is back', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'DECT' }));
    await user.types('Your number', '3500');
    await user.types('Name in the directory', 'Tent in the rain');
    await user.context.setOffline(true);
    await user.click('Register');
    await user.sees(/No connection to the server/);
    assert.equal(await user.page.getByLabel('Name in the directory').inputValue(), 'Tent in the rain');
    await user.context.setOffline(false);
    await user.page.waitForURL('**/me/3500');
    await user.page.getByText(/No connection to the server/).waitFor({ state: 'detached' });
    user.problems = user.problems.filter((problem) => !/ERR_INTERNET_DISCONNECTED/.test(problem));
    await user.leaves();
  });

  test('a server that was away for a moment does things once', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'DECT' }));
    await user.types('Your number', '3600');
    await server.kill();
    await user.click('Register');
    await user.sees(/No connection to the server/);
    await server.run();
    await user.click('Try again now');
    await user.page.waitForURL('**/me/3600');
    user.problems = user.problems.filter(
      (problem) => !/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|WebSocket/.test(problem),
    );
    await user.leaves();
  });

  test('a session that ended in between costs a password and nothing typed', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'DECT' }));
    await user.types('Your number', '3700');
    await user.types('Name in the directory', 'Written with care');
    const token = await server.signIn('user');
    await server.ask('mutation{revokeAllSessions{accepted}}', {}, token);
    await user.click('Register');
    await user.sees('Your session has ended');
    await user.page.getByRole('dialog').getByLabel('Password', { exact: true }).fill('numberwang');
    await user.page.keyboard.press('Enter');
    await user.page.waitForURL('**/me/3700');
    await user.sees('Written with care');
    await user.leaves();
  });
});
