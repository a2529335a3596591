// Web hooks of a telephone system that does not answer.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Person, Server, launch, skip } from './support.mjs';

/** An HTTP server that records deliveries, or answers 503. */
class Receiver {
  static async listen() {
    const receiver = new Receiver();
    receiver.isAccepting = false;
    /** @type {any[]} */ receiver.calls = [];
    receiver.rejected = 0;
    receiver.server = createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      if (receiver.isAccepting) receiver.calls.push(JSON.parse(Buffer.concat(parts).toString()));
      else receiver.rejected += 1;
      response.writeHead(receiver.isAccepting ? 200 : 503, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise((resolve) => {
      receiver.server.listen(0, '127.0.0.1', () => resolve(undefined));
    });
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
    return receiver;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Waits until a condition holds. @param {() => boolean | Promise<boolean>} condition @param {string} failure */
async function until(condition, failure) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (await condition()) return;
    await pause(100);
  }
  assert.fail(failure);
}

describe('a web hook', { skip }, () => {
  /** @type {Server} */ let server;
  /** @type {Receiver} */ let receiver;
  let browser, consumer;
  before(async () => {
    [server, receiver, browser] = await Promise.all([
      Server.start({ flags: ['--web-hook-network', '127.0.0.0/8'] }),
      Receiver.listen(),
      launch(),
    ]);
    const admin = await server.signIn('admin');
    const { apiKey } = await server.change(
      admin,
      'createApiKey',
      { label: 'pager', scopes: ['READ_CONFIG'], serviceTypes: ['sip'], events: ['demo'] },
      'apiKey{id}',
    );
    ({ consumer } = await server.change(
      admin,
      'createFeedConsumer',
      { name: 'Pager gateway', event: 'demo', serviceType: 'sip', apiKey: apiKey.id },
      'consumer{id}',
    ));
    await server.change(admin, 'saveWebHook', { consumer: consumer.id, url: receiver.url });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    receiver?.close();
  });

  const state = async () => {
    const { feedConsumers } = await server.ask(
      '{feedConsumers{name webHook{state attempts nextAttemptAt}}}',
      {},
      await server.signIn('operator'),
    );
    return feedConsumers.find((one) => one.name === 'Pager gateway').webHook;
  };

  test('is shown as failing, and is delivered again on request', async () => {
    const operator = await Person.enter(browser, server, { login: 'operator' });
    // The next attempt is eight seconds away.
    await until(async () => (await state()).attempts >= 4, 'the web hook does not fail');
    await operator.opens('/operate/feeds');
    await operator.sees('Cannot be reached; it is tried again.');
    await operator.sees(/503/);
    const { nextAttemptAt } = await state();
    receiver.isAccepting = true;
    operator.clicks = 0;
    await operator.click('Deliver again');
    await operator.sees('Pager gateway is called again.');
    assert.equal(operator.clicks, 1);
    await until(() => receiver.calls.length > 0, 'there was no delivery');
    assert.ok(Date.now() < Date.parse(nextAttemptAt), 'the scheduled attempt was due already');
    await until(async () => (await state()).state === 'WORKING', 'the web hook is not working');
    await operator.page.getByText('Cannot be reached; it is tried again.').waitFor({ state: 'detached' });
    assert.equal(await operator.page.getByRole('button', { name: 'Deliver again' }).count(), 0);
    await operator.page.getByText('Up to date').waitFor({ timeout: 20_000 });
    await operator.leaves();
  });

  const noSqlite =
    spawnSync('sqlite3', ['-version']).status === 0 || process.env.CI
      ? false
      : 'no sqlite3 to change times in the database';
  test('is given up after a day, until an operator delivers it again', { skip: noSqlite }, async () => {
    receiver.isAccepting = false;
    const user = await server.signIn('user');
    await server.change(user, 'registerExtension', {
      event: 'demo',
      serviceType: 'sip',
      number: '4242',
      label: 'Late news',
    });
    await until(async () => (await state()).state === 'FAILING', 'the web hook does not fail');
    // Moves the recorded times a day back, so that the next attempt is due.
    await server.kill();
    const update = spawnSync(
      'sqlite3',
      [
        join(server.folder, 'data/switchboard.db'),
        'UPDATE feed_web_hooks SET failing_since = failing_since - 90000000000, next_at = next_at - 90000000000',
      ],
      { encoding: 'utf8' },
    );
    assert.equal(update.status, 0, update.stderr);
    await server.run();
    await until(async () => (await state()).state === 'DEAD', 'the web hook is not given up');
    const before = receiver.rejected;
    const operator = await Person.enter(browser, server, { login: 'operator' });
    await operator.opens('/operate/feeds');
    await operator.sees('Given up after a day.');
    assert.equal(receiver.rejected, before, 'there are no further attempts');
    receiver.isAccepting = true;
    const calls = receiver.calls.length;
    await operator.click('Deliver again');
    await operator.page.getByText('Given up after a day.').waitFor({ state: 'detached' });
    await until(() => receiver.calls.length > calls, 'there was no delivery');
    assert.ok(JSON.stringify(receiver.calls.slice(calls)).includes('4242'), 'the missed changes are delivered');
    await operator.page.getByText('Up to date').waitFor({ timeout: 20_000 });
    await operator.leaves();
  });
});
