// Forms keep typed text, whatever arrives from the server meanwhile.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

const LABEL = 'Name in the directory';

describe('typed text', { skip }, () => {
  /** @type {Server} */ let server;
  let browser, user, admin, controller;
  before(async () => {
    [server, browser] = await Promise.all([Server.start(), launch()]);
    [user, admin] = [await server.signIn('user'), await server.signIn('admin')];
    const { apiKey, secret } = await server.change(
      admin,
      'createApiKey',
      { label: 'controller', scopes: ['READ_CONFIG', 'WRITE_BACK'], serviceTypes: ['dect'], events: ['demo'] },
      'apiKey { id } secret',
    );
    controller = secret;
    const consumer = { name: 'Antennas', event: 'demo', serviceType: 'dect', apiKey: apiKey.id };
    await server.change(admin, 'createFeedConsumer', consumer);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Registers a DECT number. @param {string} number */
  async function register(number) {
    const input = { event: 'demo', serviceType: 'dect', number, label: `Was ${number}` };
    return (await server.change(user, 'registerExtension', input, 'extension { id }')).extension.id;
  }

  /** @param {Person} person */
  const label = (person) => person.page.getByLabel(LABEL, { exact: true });

  test('stays when the same number is saved in another tab, and the newer value is shown', async () => {
    await register('4301');
    const first = await Person.enter(browser, server, { login: 'user' });
    const second = await Person.enter(browser, server, { login: 'user' });
    for (const tab of [first, second]) await tab.opens('/e/demo/me/4301');
    await label(first).fill('Typed in the first tab');
    await label(second).fill('Saved in the second tab');
    await second.page.getByLabel('If nobody answers, call').fill('5001');
    await second.click('Save');
    await second.sees('Saved.');
    await first.sees(/Changed meanwhile to: Saved in the second tab/);
    assert.equal(await label(first).inputValue(), 'Typed in the first tab');
    assert.equal(
      await first.page.getByLabel('If nobody answers, call').inputValue(),
      '5001',
      'an untouched field has the newer value',
    );
    await first.click('Save');
    await first.sees('Saved.');
    await second.page.waitForFunction(
      (wanted) => [...document.querySelectorAll('input')].some((input) => input.value === wanted),
      'Typed in the first tab',
    );
    await second.opens('/e/demo/me/4301');
    assert.equal(await label(second).inputValue(), 'Typed in the first tab');
    assert.equal(await second.page.getByLabel('If nobody answers, call').inputValue(), '5001');
    await first.leaves();
    await second.leaves();
  });

  test('can be given up for the newer value', async () => {
    const id = await register('4302');
    const owner = await Person.enter(browser, server, { login: 'user' });
    await owner.opens('/e/demo/me/4302');
    await label(owner).fill('Mine');
    await server.change(user, 'updateExtension', { id, label: 'Newer' });
    await owner.click('Use the new value');
    assert.equal(await label(owner).inputValue(), 'Newer');
    await owner.page.getByText(/Changed meanwhile/).waitFor({ state: 'detached' });
    await owner.leaves();
  });

  test('stays where it is not even a valid value', async () => {
    const input = { event: 'demo', serviceType: 'sip', number: '4311', label: 'Devices' };
    const { extension } = await server.change(user, 'registerExtension', input, 'extension { id }');
    // SIP has no consumer here; a stale version loads the newer values.
    const owner = await Person.enter(browser, server, { login: 'user' });
    await owner.opens('/e/demo/me/4311');
    await owner.types('Devices', '');
    await label(owner).fill('Typed');
    await server.change(user, 'updateExtension', { id: extension.id, parameters: { max_contacts: 3 } });
    await owner.click('Save');
    await owner.sees(/Somebody has changed this meanwhile/);
    await owner.sees(/Changed meanwhile to: 3/);
    assert.equal(await owner.page.getByLabel('Devices').inputValue(), '');
    assert.equal(await label(owner).inputValue(), 'Typed');
    await owner.click('Use the new value');
    await owner.click('Save');
    await owner.sees('Saved.');
    await owner.opens('/e/demo/me/4311');
    assert.equal(await owner.page.getByLabel('Devices').inputValue(), '3');
    assert.equal(await label(owner).inputValue(), 'Typed');
    await owner.leaves();
  });

  test('stays when a telephone system writes back', async () => {
    const id = await register('4303');
    const owner = await Person.enter(browser, server, { login: 'user' });
    await owner.opens('/e/demo/me/4303');
    await owner.sees(/No handset has been registered/);
    await label(owner).fill('Typed meanwhile');
    await server.change(controller, 'writeBackParameters', { id, parameters: { ipei: '0123456789012' } });
    await owner.sees(/Handset .* is registered/);
    assert.equal(await label(owner).inputValue(), 'Typed meanwhile');
    await owner.click('Save');
    await owner.sees('Saved.');
    await owner.leaves();
  });

  test('stays when another form of the page is saved', async () => {
    await register('4304');
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/e/demo/operate/numbers/4304');
    await label(operator).fill('Typed at the desk');
    await operator.click('External calls', 'checkbox');
    const permissions = operator.page.locator('form', { hasText: 'Call permissions' });
    await operator.click(permissions.getByRole('button', { name: 'Save' }));
    await operator.sees('Saved.');
    await operator.page.waitForTimeout(500);
    assert.equal(await label(operator).inputValue(), 'Typed at the desk');
    const settings = operator.page.locator('form', { has: label(operator) });
    await operator.click(settings.getByRole('button', { name: 'Save' }));
    await operator.sees('Saved.');
    await operator.opens('/e/demo/operate/numbers/4304');
    assert.equal(await label(operator).inputValue(), 'Typed at the desk');
    assert.ok(await operator.page.getByLabel('External calls').isChecked());
    await operator.leaves();
  });

  test('stays when a telephone registers', async () => {
    const id = await register('4305');
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/e/demo/operate/numbers/4305');
    await label(operator).fill('Typed at the desk');
    const parameters = { last_registered: '2026-08-20T09:30:00Z' };
    await server.change(controller, 'writeBackParameters', { id, parameters });
    // A registration alone sends no notification: another change does.
    await register('4306');
    await operator.sees(/Last registered/);
    assert.equal(await label(operator).inputValue(), 'Typed at the desk');
    await operator.leaves();
  });

  test('stays in the settings of an event while a range is created', async () => {
    const person = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    await person.opens('/e/demo/admin/event');
    await person.page.getByLabel('Reserved beginnings').fill('112 999 13');
    await person.click('New range');
    await person.types('First number', '9100');
    await person.types('Last number', '9199');
    await person.page.getByRole('dialog').getByLabel('Label').fill('Workshops');
    await person.click('Create');
    await person.sees('9100 – 9199');
    assert.equal(await person.page.getByLabel('Reserved beginnings').inputValue(), '112 999 13');
    await person.leaves();
  });

  test('stays when the number is assigned meanwhile, until the reader looks at the new state', async () => {
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/e/demo/operate/numbers/4307');
    await label(operator).fill('For the night shift');
    await register('4307');
    await operator.sees('This has changed meanwhile. What you typed is still here.');
    assert.equal(await label(operator).inputValue(), 'For the night shift');
    await operator.click('Show the new state');
    await operator.sees('Was 4307');
    await operator.leaves();
  });

  test('stays when another service is chosen for a new number', async () => {
    const person = await Person.enter(browser, server, { login: 'user' });
    await person.opens('/e/demo/me/new');
    await person.click(person.page.locator('label.type', { hasText: 'soft phone' }));
    await person.types('Your number', '4310');
    await label(person).fill('Anything');
    await person.click(person.page.locator('label.type', { hasText: 'DECT' }));
    assert.equal(await person.page.getByLabel('Your number').inputValue(), '4310');
    assert.equal(await label(person).inputValue(), 'Anything');
    await person.leaves();
  });

  test('is asked for before a link, Back, or a reload loses it', async () => {
    await register('4308');
    const person = await Person.enter(browser, server, { login: 'user', width: 1280 });
    await person.opens('/e/demo/me');
    await person.click(person.page.locator('a.cover', { hasText: '4308' }));
    await label(person).fill('Not saved');
    const question = person.page.getByRole('dialog', { name: 'Leave without saving?' });
    await person.click('Account', 'link');
    await question.waitFor();
    await person.click('Stay here');
    assert.match(person.page.url(), /\/me\/4308$/);
    await person.page.goBack();
    await question.waitFor();
    await person.page.keyboard.press('Escape');
    assert.match(person.page.url(), /\/me\/4308$/);
    assert.equal(await label(person).inputValue(), 'Not saved');
    const isPrevented = await person.page.evaluate(
      () => !window.dispatchEvent(new Event('beforeunload', { cancelable: true })),
    );
    assert.ok(isPrevented, 'the browser asks before a reload');
    await person.page.goBack();
    await question.waitFor();
    await person.click('Leave');
    await person.page.waitForURL('**/e/demo/me');
    await person.sees('My numbers');
    await person.page.goForward();
    await person.page.waitForURL('**/me/4308');
    assert.equal(await label(person).inputValue(), 'Was 4308');
    await person.click('Account', 'link');
    await person.page.waitForURL('**/account');
    await person.leaves();
  });

  test('is asked for before Escape closes a dialog', async () => {
    const person = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    await person.opens('/e/demo/admin/permissions');
    await person.click('New permission');
    await person.page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Satellite');
    await person.page.keyboard.press('Escape');
    await person.click('Stay here');
    const name = person.page.getByRole('dialog').getByLabel('Name', { exact: true });
    assert.equal(await name.inputValue(), 'Satellite');
    await person.page.keyboard.press('Escape');
    await person.click('Leave');
    await name.waitFor({ state: 'detached' });
    await person.leaves();
  });
});
