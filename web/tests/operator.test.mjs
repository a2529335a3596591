// An operator's tasks.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('an operator', { skip }, () => {
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

  test('finds an available number and assigns it', async () => {
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate');
    await operator.page.keyboard.type('1234');
    await operator.sees(/is available/);
    await operator.click('Give it out', 'link');
    await operator.page.waitForURL('**/operate/numbers/1234');
    const form = operator.page.locator('form', { hasText: 'Assign 1234' });
    await form.getByLabel('Service').selectOption('SIP');
    await form.getByLabel('User name of the owner').fill('nobody-at-all');
    await form.getByLabel('Name in the directory').fill('Night Nurse');
    await operator.click('Assign 1234');
    await form
      .locator('.field', { has: operator.page.getByLabel('User name of the owner') })
      .locator('.problem p')
      .waitFor();
    await form.getByLabel('User name of the owner').fill('user');
    operator.clicks = 0;
    await operator.click('Assign 1234');
    await operator.sees('1234 belongs to user.');
    assert.equal(operator.clicks, 1);
    await operator.sees('Night Nurse');
    await operator.leaves();
  });

  test('finds accounts and numbers by a part of a name', async () => {
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate');
    await operator.page.keyboard.type('zebra');
    await operator.sees('Zebra Lounge');
    await operator.page.keyboard.press('Enter');
    await operator.page.waitForURL('**/operate/numbers/5001');
    await operator.opens('/operate?q=user');
    await operator.click(operator.page.locator('a[href="/e/demo/operate/accounts/user"]'), 'link');
    await operator.sees('user@example.org');
    await operator.leaves();
  });

  test('bars a number with a reason that its owner sees, and lifts the bar', async () => {
    const token = await server.signIn('user');
    await server.change(token, 'registerExtension', {
      event: 'demo',
      serviceType: 'dect',
      number: '4100',
      label: 'Noisy',
    });
    const operator = await Person.enter(browser, server, { login: 'operator' });
    const user = await Person.enter(browser, server, { login: 'user' });
    await operator.opens('/operate/numbers/4100');
    await operator.click('Bar');
    await operator.page.getByLabel('Reason').fill('It rings all night');
    await operator.click(operator.page.getByRole('dialog').getByRole('button', { name: 'Bar' }));
    await operator.sees('4100 is barred.');
    assert.equal(operator.clicks, 2);
    await user.opens('/me');
    await user.sees('It rings all night');
    await operator.click('Lift the bar');
    await operator.sees('4100 is no longer barred.');
    await user.opens('/me');
    await user.sees('4100');
    assert.equal(await user.page.getByText('It rings all night').count(), 0);
    await user.leaves();
    await operator.leaves();
  });

  test('bans an account, which sees the reason, and lifts the ban', async () => {
    const admin = await server.signIn('admin');
    await server.change(admin, 'registerAccount', {
      username: 'vogon',
      displayName: 'Vogon',
      email: 'vogon@example.org',
      password: 'poetry is pain',
    });
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate/accounts/vogon');
    await operator.click('Ban');
    await operator.page.getByLabel('Reason').fill('Read poems to everyone');
    await operator.click(operator.page.getByRole('dialog').getByRole('button', { name: 'Ban' }));
    await operator.sees('vogon is banned.');
    assert.equal(operator.clicks, 2);
    const vogon = await Person.enter(browser, server);
    await vogon.opens('/signin');
    await vogon.types('User name or e-mail', 'vogon');
    await vogon.types('Password', 'poetry is pain');
    await vogon.click('Sign in');
    await vogon.sees(/Read poems to everyone/);
    await operator.click('Lift the ban');
    await operator.sees('vogon is no longer banned.');
    await vogon.page.waitForTimeout(1500);
    await vogon.click('Sign in');
    await vogon.page.waitForURL('**/me');
    await vogon.leaves();
    await operator.opens('/operate/audit');
    await operator.sees('banAccount');
    await operator.leaves();
  });

  test('sees the progress of a telephone system and what it refused, without a reload', async () => {
    const admin = await server.signIn('admin');
    const { apiKey, secret } = await server.change(
      admin,
      'createApiKey',
      { label: 'registrar', scopes: ['READ_CONFIG'], serviceTypes: ['sip'], events: ['demo'] },
      'apiKey{id} secret',
    );
    await server.change(admin, 'createFeedConsumer', {
      name: 'Kamailio',
      event: 'demo',
      serviceType: 'sip',
      apiKey: apiKey.id,
    });
    const user = await server.signIn('user');
    const { extension } = await server.change(
      user,
      'registerExtension',
      { event: 'demo', serviceType: 'sip', number: '4200', label: 'Watched' },
      'extension{id}',
    );
    const operator = await Person.enter(browser, server, { login: 'operator' });
    const owner = await Person.enter(browser, server, { login: 'user' });
    await operator.opens('/operate/feeds');
    await operator.sees('Kamailio');
    await operator.sees(/behind/);
    await owner.opens('/me/4200');
    await owner.sees('On its way to Kamailio');
    const { provisioning } = await server.ask(
      '{provisioning(event:"demo",serviceType:"sip"){snapshot{head}}}',
      {},
      secret,
    );
    const said = { event: 'demo', serviceType: 'sip', consumer: 'Kamailio', cursor: provisioning.snapshot.head };
    await server.change(secret, 'acknowledgeProvisioning', {
      ...said,
      errors: [{ extensionId: extension.id, code: 'BAD_NAME', message: 'The display name is too long' }],
    });
    await operator.sees('Up to date');
    await operator.sees('The display name is too long');
    await operator.sees('1 record refused');
    await owner.sees('Refused by Kamailio');
    await server.change(user, 'updateExtension', { id: extension.id, label: 'W.' });
    await operator.sees(/behind/);
    const { provisioning: again } = await server.ask(
      '{provisioning(event:"demo",serviceType:"sip"){snapshot{head}}}',
      {},
      secret,
    );
    await server.change(secret, 'acknowledgeProvisioning', { ...said, cursor: again.snapshot.head });
    await owner.sees('Live on Kamailio');
    await operator.page.getByText('The display name is too long').waitFor({ state: 'detached' });
    await owner.leaves();
    await operator.leaves();
  });

  test('creates the address of a desk phone with one click', async () => {
    const token = await server.signIn('operator');
    await server.change(token, 'assignExtension', {
      event: 'demo',
      serviceType: 'deskphone',
      number: '1100',
      owner: 'user',
      label: 'Reception',
      parameters: { mac: '00:15:65:12:34:56', model: 'snom' },
    });
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate/numbers/1100');
    await operator.click('Make the address');
    const address = await operator.page.locator('.qr[role=status] .secret').innerText();
    assert.equal(operator.clicks, 1);
    assert.match(address, /\/001565123456$/);
    const answer = await fetch(`${address}.htm`);
    const document = await answer.text();
    assert.equal(answer.headers.get('content-type'), 'application/xml', 'the document of its model');
    assert.ok(document.includes('Reception') && document.includes('1100'), document);
    await operator.leaves();
    // Its owner sees no secret of it, and so gets no address.
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/me/1100');
    await user.sees('How to set it up');
    assert.equal(await user.page.getByRole('button', { name: 'Make the address' }).count(), 0);
    await user.leaves();
  });

  test('gives permissions', async () => {
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate/numbers/5000');
    await operator.click('External calls', 'checkbox');
    await operator.click(
      operator.page.locator('form', { hasText: 'Call permissions' }).getByRole('button', { name: 'Save' }),
    );
    await operator.sees('Saved.');
    await operator.opens('/operate/numbers/5000');
    assert.ok(await operator.page.getByLabel('External calls').isChecked());
    await operator.leaves();
  });

  test('reserves a number and releases it', async () => {
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate/numbers/2999');
    const form = operator.page.locator('form', { hasText: 'Only this person' });
    await form.getByLabel('User name of the owner').fill('user');
    await operator.click('Reserve');
    await operator.sees('2999 is kept for user.');
    await operator.opens('/operate/reservations');
    await operator.click('2999', 'link');
    await operator.click('Release the reservation');
    await operator.sees('2999 is released.');
    assert.equal(operator.clicks, 3);
    await operator.leaves();
  });

  test('renumbers, swaps and transfers numbers', async () => {
    const user = await server.signIn('user');
    for (const number of ['4300', '4301'])
      await server.change(user, 'registerExtension', {
        event: 'demo',
        serviceType: 'dect',
        number,
        label: `Was ${number}`,
      });
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate/numbers/4300');
    await operator.click('Swap numbers');
    await operator.types('The other number', '4301');
    await operator.click(operator.page.getByRole('dialog').getByRole('button', { name: 'Swap numbers' }));
    await operator.sees('The numbers are swapped.');
    await operator.sees('Was 4301');
    await operator.click('Change the number');
    await operator.types('New number', '4302');
    await operator.click(operator.page.getByRole('dialog').getByRole('button', { name: 'Change the number' }));
    await operator.page.waitForURL('**/operate/numbers/4302');
    await operator.click('Give to somebody else');
    await operator.page.getByRole('dialog').getByLabel('User name of the owner').fill('admin');
    await operator.click(operator.page.getByRole('dialog').getByRole('button', { name: 'Give to somebody else' }));
    await operator.sees('4302 has a new owner.');
    await operator.page.locator('a[href="/e/demo/operate/accounts/admin"]').waitFor();
    await operator.leaves();
  });
});
