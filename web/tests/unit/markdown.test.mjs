// The Markdown parser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMarkdown } from '../../assets/lib/markdown.js';

/** A compact notation of a tree: `p(text em(more))`. */
function notation(node) {
  return typeof node === 'string' ? node : `${node.tag}(${node.children.map(notation).join('')})`;
}
const parse = (source) => parseMarkdown(source).map(notation);

test('paragraphs end at an empty line', () => {
  assert.deepEqual(parse('one\ntwo\n\nthree'), ['p(one two)', 'p(three)']);
  assert.deepEqual(parse(''), []);
  assert.deepEqual(parse('windows\r\nlines\r\n\r\nend'), ['p(windows lines)', 'p(end)']);
});

test('headings of every level become h3', () => {
  assert.deepEqual(parse('# One #\n###### Six'), ['h3(One)', 'h3(Six)']);
  assert.deepEqual(parse('#none'), ['p(#none)']);
});

test('lists keep the lines that continue an item', () => {
  assert.deepEqual(parse('- one\n  more\n- two'), ['ul(li(one more)li(two))']);
  assert.deepEqual(parse('1. one\n2) two'), ['ol(li(one)li(two))']);
});

test('code is not parsed', () => {
  assert.deepEqual(parse('```\n**a**\n- b\n```\nend'), ['pre(code(**a**\n- b))', 'p(end)']);
  assert.deepEqual(parse('`**a**` and ``a`b``'), ['p(code(**a**) and code(a`b))']);
  assert.deepEqual(parse('```\nnever closed'), ['pre(code(never closed))']);
});

test('tables have a head where a rule follows the first row', () => {
  assert.deepEqual(parse('| a | b |\n|---|:-:|\n| 1 | *2* |'), [
    'table(thead(tr(th(a)th(b)))tbody(tr(td(1)td(em(2)))))',
  ]);
  assert.deepEqual(parse('| 1 | 2 |'), ['table(tbody(tr(td(1)td(2))))']);
});

test('emphasis nests, and a backslash escapes', () => {
  assert.deepEqual(parse('**bold *both***'), ['p(strong(bold *both)*)']);
  assert.deepEqual(parse('**bold `code`** end'), ['p(strong(bold code(code)) end)']);
  assert.deepEqual(parse('\\*plain\\*'.replaceAll('*', '_')), ['p(_plain_)']);
});

test('links lead to web, mail and telephone addresses and to paths only', () => {
  const [paragraph] = parseMarkdown('[call](tel:2342)');
  assert.deepEqual(paragraph.children[0].attributes, { href: 'tel:2342', rel: 'noreferrer' });
  assert.deepEqual(parse('[x](javascript:alert)'), ['p([x](javascript:alert))']);
  assert.deepEqual(parse('<b>text</b>'), ['p(<b>text</b>)']);
});
