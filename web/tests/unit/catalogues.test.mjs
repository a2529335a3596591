// The message catalogues: complete in both languages, for the pages and for the rules of the server.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const ASSETS = join(REPOSITORY, 'web/assets');

/** @param {string} language @returns {Record<string, string>} */
const catalogue = (language) => JSON.parse(readFileSync(join(ASSETS, `messages/${language}.json`), 'utf8'));
const [en, de] = [catalogue('en'), catalogue('de')];

/** The texts of all files with an ending below a folder, by name. @param {string} folder @param {string} ending */
function textsBelow(folder, ending) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith(ending));
  return names.map((name) => ({ name: String(name), text: readFileSync(join(folder, String(name)), 'utf8') }));
}

test('both languages have the same keys, with the same placeholders', () => {
  assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
  const placeholders = (/** @type {string} */ text) => [...new Set(text.match(/\{\w+\}/g))].sort();
  for (const key of Object.keys(en)) {
    // A German error replaces the server's English sentence.
    if (!/^(error|violation)\./.test(key)) assert.deepEqual(placeholders(de[key]), placeholders(en[key]), key);
  }
});

test('every message of the scripts is in the catalogues', () => {
  for (const { name, text } of textsBelow(ASSETS, '.js')) {
    for (const [, plural, key] of text.matchAll(/\bt(n?)\(\s*'([\w.]+)'/g)) {
      assert.ok((plural ? `${key}.other` : key) in en, `${name}: ${key}`);
    }
  }
});

test('every rule of the server has a German sentence of its own', () => {
  const ruleKeys = Object.keys(en).filter((key) => /^error\.[a-z]+\.\w+$/.test(key));
  const domains = new Set(ruleKeys.map((key) => key.split('.')[1]));
  const folders = ['src', 'crates'].map((name) => join(REPOSITORY, name)).filter((folder) => existsSync(folder));
  const literals = folders
    .flatMap((folder) => textsBelow(folder, '.rs'))
    .flatMap(({ text }) => [...text.matchAll(/"(\w+)\.(\w+)"/g)]);
  const rules = new Set(
    literals.filter(([, domain]) => domains.has(domain)).map(([, domain, name]) => `${domain}.${name}`),
  );
  assert.ok(rules.size > 25, `${rules.size} rules found`);
  for (const rule of rules) {
    assert.ok(de[`error.${rule}`], rule);
    assert.ok(!de[`error.${rule}`].includes('{message}'), rule);
  }
});
