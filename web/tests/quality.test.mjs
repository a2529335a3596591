// Every page, light and dark, at three widths: no axe violation, no request to another host, no console error, no
// horizontal overflow.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { PAGES, createFixture } from './fixture.mjs';
import { Person, Server, launch, skip } from './support.mjs';
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];

describe('every page', { skip }, () => {
  /** @type {Server} */ let server;
  let browser;
  before(async () => {
    server = await Server.start();
    await createFixture(server);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const scheme of /** @type {const} */ (['light', 'dark'])) {
    for (const width of [320, 360, 1280]) {
      test(`${scheme}, ${width} px`, { timeout: 600_000 }, async () => {
        const found = [];
        for (const login of [undefined, 'user', 'operator', 'admin']) {
          const person = await Person.enter(browser, server, {
            login,
            width,
            scheme,
            locale: width === 320 ? 'de-DE' : 'en-GB',
          });
          for (const [, path] of PAGES.filter(([who]) => who === login)) {
            await person.page.goto('about:blank');
            await person.opens(path);
            await person.page.waitForLoadState('networkidle');
            await person.page.locator('.skeleton').waitFor({ state: 'detached' });
            const { violations } = await new AxeBuilder({ page: person.page }).withTags(TAGS).analyze();
            for (const one of violations)
              found.push(`${path}: ${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`);
            const overflow = await person.page.evaluate(
              () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            if (overflow > 0) found.push(`${path}: ${overflow} px too wide`);
          }
          found.push(...person.problems);
          await person.context.close();
        }
        assert.deepEqual(found, []);
      });
    }
  }

  test('the policy allows no inline script or style, and the pages need none', async () => {
    const answer = await fetch(server.url);
    const policy = answer.headers.get('content-security-policy') ?? '';
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
    ])
      assert.ok(policy.includes(part), policy);
    assert.ok(!/unsafe|\*/.test(policy), policy);
    const shell = await answer.text();
    assert.doesNotMatch(shell, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/);
  });

  test('dialogs have no axe violation', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 320 });
    for (const [path, button] of [
      ['/e/demo/admin', 'New event'],
      ['/e/demo/admin/event', 'New range'],
      ['/e/demo/admin/keys', 'New key'],
      ['/e/demo/admin/permissions', 'New permission'],
      ['/e/demo/admin/services/sip', 'New template'],
      ['/e/demo/operate/numbers/2342', 'Bar'],
      ['/e/demo/operate/numbers/2342', 'Swap numbers'],
    ]) {
      await admin.opens(path);
      await admin.click(button);
      await admin.page.getByRole('dialog').waitFor();
      const { violations } = await new AxeBuilder({ page: admin.page }).withTags(TAGS).analyze();
      assert.deepEqual(
        violations.map(
          (one) => `${path} ${button} ${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`,
        ),
        [],
      );
    }
    await admin.leaves();
  });
});
