// Call groups, the account and its data.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('people and groups', { skip }, () => {
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

  test('a group invites, the member accepts, pauses and leaves', async () => {
    const [owner, member] = [await server.signIn('operator'), await server.signIn('user')];
    await server.change(owner, 'registerExtension', {
      event: 'demo',
      serviceType: 'group',
      number: '7000',
      label: 'Night shift',
    });
    await server.change(member, 'registerExtension', {
      event: 'demo',
      serviceType: 'dect',
      number: '7001',
      label: 'Ford',
    });
    const operator = await Person.enter(browser, server, { login: 'operator' });
    const user = await Person.enter(browser, server, { login: 'user' });
    await operator.opens('/me/7000');
    await operator.types('Number to invite', '7000');
    await operator.click('Invite');
    await operator.page.locator('.problem p, .summary li').first().waitFor();
    await operator.types('Number to invite', '7001');
    await operator.types('Rings after (seconds)', '10');
    await operator.click('Invite');
    await operator.sees('Invited. Its owner decides.');
    await user.opens('/me');
    await user.sees(/Night shift \(7000\) would like to ring 7001 too/);
    await user.click('Accept');
    await user.page.getByText(/would like to ring/).waitFor({ state: 'detached' });
    assert.equal(user.clicks, 1);
    await user.opens('/me/7001');
    await user.sees('Rings after 10 seconds');
    await user.click('Pause');
    await user.sees('Paused');
    await user.click('Resume');
    await operator.opens('/me/7000');
    await operator.sees('Rings after 10 seconds');
    await user.click('Leave');
    await user.page.getByText('Night shift').waitFor({ state: 'detached' });
    await operator.leaves();
    await user.leaves();
  });

  test('the account: name, address, password, sessions', async () => {
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/account');
    await user.types('Your name', 'Ford Prefect');
    await user.click(
      user.page.locator('form', { has: user.page.getByLabel('Your name') }).getByRole('button', { name: 'Save' }),
    );
    await user.sees('Saved.');
    await user.types('Present password', 'wrong one here');
    await user.types('New password', 'dont panic, really');
    await user.click('Change the password');
    await user.page.locator('.problem p').first().waitFor();
    await user.types('Present password', 'numberwang');
    await user.click('Change the password');
    await user.sees(/The password is changed/);
    await user.sees('this device');
    await server.signIn('user', 'dont panic, really');
    await user.leaves();
  });

  test('a forgotten password is replaced through a mail', async () => {
    const user = await Person.enter(browser, server);
    await user.opens('/reset');
    await user.types('E-mail', 'user@example.org');
    await user.click('Send the link');
    await user.sees(/a link is on its way/);
    await user.page.goto(await server.linkFor('user@example.org'));
    await user.sees('Choose a new password');
    await user.types('New password', 'a towel for everyone');
    await user.click('Set the password');
    await user.sees('The new password is set');
    await server.signIn('user', 'a towel for everyone');
    await user.leaves();
  });

  test('takes the data along and deletes the account', async () => {
    const admin = await server.signIn('admin');
    await server.change(admin, 'registerAccount', {
      username: 'marvin',
      displayName: 'Marvin',
      email: 'marvin@example.org',
      password: 'life, do not talk',
    });
    const marvin = await Person.enter(browser, server);
    await marvin.opens('/signin');
    await marvin.types('User name or e-mail', 'marvin');
    await marvin.types('Password', 'life, do not talk');
    await marvin.click('Sign in');
    await marvin.page.waitForURL('**/me');
    await marvin.opens('/account');
    const [download] = await Promise.all([marvin.page.waitForEvent('download'), marvin.click('Download my data')]);
    assert.match(JSON.stringify(JSON.parse(await readFile(await download.path(), 'utf8'))), /marvin@example\.org/);
    await marvin.click('Delete my account');
    await marvin.page.getByRole('dialog').getByLabel('Your password').fill('life, do not talk');
    await marvin.click(marvin.page.getByRole('dialog').getByRole('button', { name: 'Delete my account' }));
    await marvin.sees('Your account is deleted.');
    await marvin.leaves();
  });
});
