// Every page, light and dark, at three widths: nothing for axe to find, nothing foreign, nothing in the console, nothing too wide.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import AxeBuilder from '@axe-core/playwright';
import { PAGES, furnish } from './house.mjs';
import { HERE, Person, Server, launch, skip } from './support.mjs';

const ASSETS = join(HERE, '../assets');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];

test('all scripts together are at most 60 kB, compressed', async () => {
  const names = (await readdir(ASSETS, { recursive: true })).filter((name) => name.endsWith('.js'));
  let size = 0;
  for (const name of names) size += gzipSync(await readFile(join(ASSETS, name))).length;
  assert.ok(names.length > 10 && size <= 60_000, `${size} bytes`);
});

test('both languages say everything, with the same places for values', async () => {
  const [en, de] = await Promise.all(
    ['en', 'de'].map(async (language) => JSON.parse(await readFile(join(ASSETS, `messages/${language}.json`), 'utf8'))),
  );
  assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en)) {
    const places = (text) => [...new Set(text.match(/\{\w+\}/g))].sort();
    // An error may leave the server's English sentence out where it has its own.
    if (!/^(error|violation)\./.test(key)) assert.deepEqual(places(de[key]), places(en[key]), key);
  }
  const sources = (await readdir(ASSETS, { recursive: true })).filter(
    (name) => name.endsWith('.js') && !name.startsWith('messages'),
  );
  for (const name of sources) {
    const source = await readFile(join(ASSETS, name), 'utf8');
    for (const [, plural, key] of source.matchAll(/\bt(n?)\('([\w.]+)'/g))
      assert.ok((plural ? `${key}.other` : key) in en, `${name}: ${key}`);
  }
});

test('both languages have a sentence of their own for every rule that the server names', async () => {
  const de = JSON.parse(await readFile(join(ASSETS, 'messages/de.json'), 'utf8'));
  const source = join(HERE, '../../src');
  const names = new Set();
  for (const file of (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.rs'))) {
    for (const [, named, other] of (await readFile(join(source, file), 'utf8')).matchAll(
      /(?:\brule|\bweak|\brefused)\(\s*"(\w+\.\w+)"|\("(parameter\.\w+)"/g,
    ))
      names.add(named ?? other);
  }
  assert.ok(names.size > 25, `${names.size} rules found`);
  for (const name of names) assert.ok(de[`error.${name}`] && !de[`error.${name}`].includes('{message}'), name);
});

describe('every page', { skip }, () => {
  /** @type {Server} */ let server;
  let browser;
  before(async () => {
    server = await Server.start();
    await furnish(server);
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
          found.push(...person.troubles);
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

  test('dialogs too: nothing for axe to find in them', async () => {
    const admin = await Person.enter(browser, server, { login: 'admin', width: 320 });
    for (const [path, button] of [
      ['/admin', 'New event'],
      ['/admin/events/demo', 'New range'],
      ['/admin/keys', 'New key'],
      ['/admin/permissions', 'New permission'],
      ['/admin/services/sip', 'New template'],
      ['/operate/numbers/2342', 'Bar'],
      ['/operate/numbers/2342', 'Swap numbers'],
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
