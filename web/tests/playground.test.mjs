// GraphiQL from the local folder: queries and subscriptions without requests to other hosts.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { HERE, Person, Server, launch, skip } from './support.mjs';

const isInstalled = existsSync(join(HERE, '../playground/assets/graphiql.js'));
const why =
  skip ||
  (isInstalled || process.env.CI
    ? false
    : 'npm ci --prefix web/playground && npm run --prefix web/playground install-assets');

describe('GraphiQL', { skip: why }, () => {
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

  /** @param {Person} guest @param {string} query */
  async function run(guest, query) {
    await guest.page.locator('.graphiql-query-editor .CodeMirror').first().click();
    await guest.page.evaluate((text) => {
      /** @type {any} */ (document.querySelector('.graphiql-query-editor .CodeMirror')).CodeMirror.setValue(text);
    }, query);
    // GraphiQL reads what was typed a moment later.
    await guest.page.waitForTimeout(500);
    await guest.page.getByRole('button', { name: /Execute query/ }).click();
  }

  test('runs a query and a subscription', async () => {
    const guest = await Person.enter(browser, server, { width: 1280 });
    await guest.page.goto('/graphiql');
    await guest.page.locator('.graphiql-query-editor .CodeMirror').first().waitFor();
    const answer = guest.page.locator('.graphiql-response');
    await run(guest, '{ events { slug phase } }');
    await answer.getByText('"demo"').waitFor();
    await run(guest, 'subscription { directoryChanged(event: "demo") { name } }');
    await guest.page.getByRole('button', { name: /Stop query/ }).waitFor();
    await guest.page.waitForTimeout(500);
    const token = await server.signIn('user');
    await server.change(token, 'registerExtension', {
      event: 'demo',
      serviceType: 'dect',
      number: '3141',
      label: 'Pi',
      visibility: 'PUBLIC',
    });
    await answer.getByText('"directoryChanged"').waitFor();
    await answer.getByText('"Demo"').waitFor();
    assert.deepEqual(guest.problems, []);
    await guest.leaves();
  });
});
