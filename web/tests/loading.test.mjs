// The first load of every page: its own module only, and at most 40 kB of script (gzip).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PAGES, createFixture } from './fixture.mjs';
import { Person, Server, launch, skip } from './support.mjs';

const LIMIT = 40_000;

describe('the first load', { skip }, () => {
  /** @type {Server} */ let server;
  let browser;
  before(async () => {
    [server, browser] = await Promise.all([Server.start(), launch()]);
    await createFixture(server);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const [login, path] of PAGES) {
    test(`${path} as ${login ?? 'guest'}`, async (context) => {
      const person = await Person.enter(browser, server, { login });
      /** @type {Map<string, Promise<Buffer>>} */
      const scripts = new Map();
      person.page.on('response', (response) => {
        const { pathname } = new URL(response.url());
        if (pathname.endsWith('.js')) scripts.set(pathname, response.body());
      });
      await person.opens(path);
      await person.page.waitForLoadState('networkidle');
      await person.page.locator('.skeleton').waitFor({ state: 'detached' });
      const bodies = await Promise.all(scripts.values());
      const size = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
      context.diagnostic(`${size} bytes in ${scripts.size} scripts`);
      assert.ok(scripts.size > 5 && size <= LIMIT, `${size} bytes: ${[...scripts.keys()].join(' ')}`);
      await person.leaves();
    });
  }
});
