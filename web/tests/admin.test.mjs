// An admin's tasks: service types, ranges, keys, events, permissions, templates.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('an admin', { skip }, () => {
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

  test('creates a service type and sees its form while typing the schema', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    await admin.opens('/admin/services/new');
    await admin.page.getByLabel('Name', { exact: true }).fill('Semaphore');
    assert.equal(await admin.page.getByLabel('Short name').inputValue(), 'semaphore');
    const preview = admin.page.locator('.preview');
    await preview.getByText('one click registers').waitFor();
    await admin.types('New parameter', 'Flag colour');
    await admin.page.getByLabel('Kind').selectOption('One of several');
    await admin.click('Add it');
    await preview.getByText('Flag colour').waitFor();
    await admin.types('New parameter', 'Pass word');
    await admin.page.getByLabel('Kind').selectOption('Password, made by the server');
    await admin.click('Add it');
    await preview.getByText('Made for you').waitFor();
    const schema = admin.page.getByLabel('Parameters (JSON Schema)');
    const good = await schema.inputValue();
    await schema.fill(`${good} and more`);
    await admin.sees(/This is not JSON/);
    await schema.fill(good.replace('"A"', '"red"').replace('"B"', '"green"'));
    await preview.getByLabel(/Flag colour/).selectOption('green');
    admin.clicks = 0;
    await admin.click('Create');
    await admin.page.waitForURL('**/admin/services/semaphore');
    assert.equal(admin.clicks, 1);
    await admin.opens('/e/demo/admin/event');
    await admin.click('Semaphore', 'checkbox');
    await admin.click(
      admin.page.locator('form', { hasText: 'Reserved beginnings' }).getByRole('button', { name: 'Save' }),
    );
    await admin.sees('Saved.');
    const user = await Person.enter(browser, server, { login: 'user' });
    await user.opens('/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'Semaphore' }));
    await user.click(user.page.getByText('More settings'));
    await user.page.getByLabel(/Flag colour/).selectOption('red');
    await user.click('Register');
    await user.sees('Yours. Here is how to set it up.');
    await user.leaves();
    await admin.leaves();
  });

  test('sees which extensions a stricter schema would break, and repairs them with defaults', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    const token = await server.signIn('admin');
    await server.change(token, 'createServiceType', {
      slug: 'lamp',
      name: 'Lamp',
      parameterSchema: { type: 'object', properties: { colour: { type: 'string', title: 'Colour' } } },
    });
    await server.change(token, 'assignExtension', {
      event: 'demo',
      serviceType: 'lamp',
      number: '4567',
      owner: 'user',
      label: 'Lamp',
      parameters: {},
    });
    await admin.opens('/admin/services/lamp');
    await admin.page.getByLabel('Parameters (JSON Schema)').fill(
      JSON.stringify({
        type: 'object',
        required: ['colour'],
        properties: { colour: { type: 'string', title: 'Colour' } },
      }),
    );
    await admin.click('Save');
    await admin.sees('This would break 1 number. Nothing is changed.');
    await admin.sees('4567');
    await admin.types('Values for numbers that would break', '{"colour":"white"}');
    await admin.click('Save');
    await admin.sees('Saved.');
    assert.equal((await server.ask('{serviceType(slug:"lamp"){schemaVersion}}')).serviceType.schemaVersion, 2);
    await admin.leaves();
  });

  test('creates a range and sees how full it is', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 360 });
    await admin.opens('/e/demo/admin/event');
    await admin.click('New range');
    await admin.types('First number', '8000');
    await admin.types('Last number', '9499');
    await admin.page.getByRole('dialog').getByLabel('Label').fill('Overlapping');
    await admin.click('Create');
    await admin.page.locator('dialog .summary li').first().waitFor();
    await admin.types('First number', '9200');
    await admin.types('Last number', '9299');
    await admin.click('Create');
    await admin.sees('9200 – 9299');
    await admin.sees('0 of 100 taken, 100 free');
    await admin.leaves();
  });

  test('creates a key, sees it once, connects a telephone system, and revokes the key', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    await admin.opens('/admin/keys');
    await admin.click('New key');
    await admin.types('Label', 'DECT controller');
    await admin.click('DECT', 'checkbox');
    await admin.click('Create');
    const secret = await admin.page.locator('.secret').innerText();
    assert.match(secret, /^swb_/);
    await admin.click('I have kept it');
    assert.equal(admin.clicks, 4);
    const { provisioning } = await server.ask('{provisioning(event:"demo",serviceType:"dect"){digest}}', {}, secret);
    assert.match(provisioning.digest, /^[0-9a-f]{64}$/);
    await admin.click('Connect a system');
    await admin.page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('OMM');
    await admin.click('Create');
    await admin.sees('OMM');
    await admin.page.reload();
    await admin.sees('DECT controller');
    assert.ok(!(await admin.page.content()).includes(secret));
    await admin.click('Revoke DECT controller');
    await admin.click(admin.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }));
    await admin.sees(/Revoked/);
    await admin.leaves();
  });

  test('creates an event, an operator, a permission and a template', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    await admin.opens('/admin');
    await admin.click('New event');
    await admin.page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Winter Camp');
    await admin.page.getByRole('dialog').getByLabel('Copy from').selectOption('Demo');
    await admin.click('Create');
    await admin.page.waitForURL('**/e/winter-camp/admin/event');
    await admin.sees('2000 – 8999');
    await admin.opens('/admin/people');
    await admin.page.getByLabel('Role of user').selectOption('operator');
    await admin.sees('user is now operator.');
    await admin.opens('/admin/permissions');
    await admin.click('New permission');
    await admin.page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Satellite');
    await admin.click('Create');
    await admin.sees('Satellite');
    await admin.opens('/admin/services/dect');
    await admin.click('New template');
    await admin.page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('list.txt');
    await admin.page
      .getByRole('dialog')
      .getByLabel('Template', { exact: true })
      .fill('{% for extension in extensions %}{{ extension.numbr }}{% endfor %}');
    await admin.click('Save and preview');
    await admin.page.locator('dialog .problem p').first().waitFor();
    await admin.page
      .getByRole('dialog')
      .getByLabel('Template', { exact: true })
      .fill('{% for extension in extensions %}{{ extension.number }}\n{% endfor %}');
    await admin.click('Save and preview');
    await admin.page
      .locator('dialog pre')
      .getByText(/\d{3,}/)
      .waitFor();
    await admin.leaves();
  });
});

describe('the first admin', { skip }, () => {
  test('opens the link that the server printed, and creates the first account', async () => {
    const server = await Server.start({ isDemo: false });
    const browser = await launch();
    try {
      const link = /https?:\/\/\S+\/setup#token=[\w-]+/.exec(server.log)?.[0];
      assert.ok(link, server.log);
      const admin = await Person.enter(browser, server, { width: 360 });
      await admin.page.goto(link.replace(/^https?:\/\/[^/]+/, server.url));
      await admin.types('User name', 'zaphod');
      await admin.types('Your name', 'Zaphod');
      await admin.types('E-mail', 'zaphod@example.org');
      await admin.types('Password', 'two heads are better');
      await admin.click('Make the account');
      await admin.page.waitForURL('**/admin');
      await admin.sees(/There is no event yet/);
      await admin.leaves();
    } finally {
      await browser.close();
      await server.stop();
    }
  });
});
