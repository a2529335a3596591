// The sources themselves: line lengths, file lengths, and the generated types.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tokenizer } from 'acorn';
import { OUTPUT, generate } from '../../scripts/api-types.mjs';

const WEB = join(dirname(fileURLToPath(import.meta.url)), '../..');
const sources = ['assets', 'scripts', 'tests']
  .flatMap((folder) => readdirSync(join(WEB, folder), { recursive: true }).map((name) => join(folder, name)))
  .filter((name) => /\.(js|mjs|css|html)$/.test(name));

test('lines have at most 120 columns, files at most 400 lines', () => {
  for (const name of sources) {
    const lines = readFileSync(join(WEB, name), 'utf8').split('\n');
    assert.ok(lines.length <= 400, `${name}: ${lines.length} lines`);
    for (const [index, line] of lines.entries()) assert.ok(line.length <= 120, `${name}:${index + 1}`);
  }
});

test('no line of a template literal looks like a comment: the server empties such lines', () => {
  for (const name of sources.filter((one) => one.startsWith('assets') && one.endsWith('.js'))) {
    const text = readFileSync(join(WEB, name), 'utf8');
    for (const token of tokenizer(text, { ecmaVersion: 'latest', sourceType: 'module' })) {
      if (token.type.label !== 'template') continue;
      for (const line of String(token.value).split('\n')) assert.doesNotMatch(line, /^\s*(\/\/|\/\*)/, name);
    }
  }
});

test('the types of the API are up to date, and every operation fits the schema', () => {
  assert.equal(readFileSync(OUTPUT, 'utf8'), generate(), 'run npm run --prefix web generate');
});
