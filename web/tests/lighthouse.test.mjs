// Lighthouse on the pages of guests: accessibility and best practices 100, performance at least 95.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch as launchChrome } from 'chrome-launcher';
import lighthouse from 'lighthouse';
import { CHROMIUM, Server, skip } from './support.mjs';

describe('Lighthouse', { skip }, () => {
  /** @type {Server} */ let server;
  let chrome;
  before(async () => {
    server = await Server.start();
    chrome = await launchChrome({
      chromePath: CHROMIUM,
      chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu'],
    });
  });
  after(async () => {
    await chrome?.kill();
    await server?.stop();
  });

  for (const path of ['/', '/signin', '/signup']) {
    test(path, { timeout: 180_000 }, async () => {
      // A busy machine is slow, never fast: the best of three counts.
      const best = { accessibility: 0, 'best-practices': 0, performance: 0 };
      const missed = new Set();
      for (let attempt = 0; attempt < 3 && (attempt === 0 || best.performance < 0.95); attempt += 1) {
        const { lhr } = await lighthouse(server.url + path, {
          port: chrome.port,
          onlyCategories: Object.keys(best),
          logLevel: 'error',
        });
        for (const name of Object.keys(best)) best[name] = Math.max(best[name], lhr.categories[name].score ?? 0);
        for (const audit of Object.values(lhr.audits))
          if (audit.score !== null && audit.score < 0.9)
            missed.add(`${audit.id}: ${audit.displayValue ?? audit.score}`);
      }
      assert.ok(
        best.accessibility === 1 && best['best-practices'] === 1 && best.performance >= 0.95,
        JSON.stringify({ best, missed: [...missed] }),
      );
    });
  }
});
