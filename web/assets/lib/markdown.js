// A small part of Markdown: paragraphs, headings, lists, tables, code, bold, emphasis, links.

import { h } from './dom.js';

/** @typedef {{ tag: Tag, attributes?: Record<string, string>, children: MarkdownNode[] }} MarkdownElement */
/** @typedef {string | MarkdownElement} MarkdownNode */
/**
 * @typedef {'p' | 'h3' | 'ul' | 'ol' | 'li' | 'pre' | 'code' | 'strong' | 'em' | 'a' | 'table' | 'thead' | 'tbody'
 *   | 'tr' | 'th' | 'td'} Tag
 */

const BLANK = /^\s*$/;
const FENCE = /^```/;
const HEADING = /^#{1,6}\s/;
const TABLE_ROW = /^\s*\|.*\|\s*$/;
const BULLET = /^\s*[-*+]\s+/;
const ORDINAL = /^\s*\d+[.)]\s+/;
const CONTINUATION = /^\s{2,}\S/;
const BLOCK_STARTS = [BLANK, FENCE, HEADING, TABLE_ROW, BULLET, ORDINAL];
const SPAN = /(`+)(.+?)\1|\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\(((?:https?:|mailto:|tel:|\/)[^)\s]*)\)/;

/** Renders Markdown as elements. @param {string} source */
export function markdown(source) {
  return h('div', { class: 'prose' }, parseMarkdown(source).map(toElement));
}

/** @param {MarkdownNode} node @returns {import('./dom.js').Child} */
function toElement(node) {
  if (typeof node === 'string') return node;
  return h(node.tag, node.attributes, node.children.map(toElement));
}

/** Parses Markdown into a tree. @param {string} source @returns {MarkdownElement[]} */
export function parseMarkdown(source) {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  /** @type {MarkdownElement[]} */
  const blocks = [];
  let at = 0;
  /** Consumes the lines that fulfil a condition. @param {(line: string) => boolean} accepts */
  const takeWhile = (accepts) => {
    const first = at;
    while (at < lines.length && accepts(lines[at])) at += 1;
    return lines.slice(first, at);
  };
  /** @param {RegExp} marker */
  const takeList = (marker) =>
    listItems(
      takeWhile((line) => marker.test(line) || CONTINUATION.test(line)),
      marker,
    );
  while (at < lines.length) {
    const line = lines[at];
    if (BLANK.test(line)) at += 1;
    else if (FENCE.test(line)) {
      at += 1;
      const code = takeWhile((one) => !FENCE.test(one)).join('\n');
      at += 1;
      blocks.push({ tag: 'pre', attributes: { tabindex: '0' }, children: [{ tag: 'code', children: [code] }] });
    } else if (HEADING.test(line)) {
      at += 1;
      blocks.push({ tag: 'h3', children: parseSpans(line.replace(/^#+\s+/, '').replace(/\s+#+$/, '')) });
    } else if (TABLE_ROW.test(line)) blocks.push(table(takeWhile((one) => TABLE_ROW.test(one))));
    else if (BULLET.test(line)) blocks.push({ tag: 'ul', children: takeList(BULLET) });
    else if (ORDINAL.test(line)) blocks.push({ tag: 'ol', children: takeList(ORDINAL) });
    else {
      const paragraph = takeWhile((one) => !BLOCK_STARTS.some((start) => start.test(one)));
      blocks.push({ tag: 'p', children: parseSpans(paragraph.join(' ')) });
    }
  }
  return blocks;
}

/** @param {string[]} lines @param {RegExp} marker @returns {MarkdownElement[]} */
function listItems(lines, marker) {
  /** @type {string[]} */
  const items = [];
  for (const line of lines) {
    if (marker.test(line)) items.push(line.replace(marker, ''));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return items.map((text) => ({ tag: 'li', children: parseSpans(text) }));
}

/** @param {string[]} lines @returns {MarkdownElement} */
function table(lines) {
  const rows = lines.map((line) => line.trim().slice(1, -1).split('|'));
  const cells = rows.map((row) => row.map((cell) => cell.trim()));
  const hasHead = cells[1]?.every((cell) => /^:?-+:?$/.test(cell)) ?? false;
  /** @param {string[]} row @param {'th' | 'td'} tag @returns {MarkdownElement} */
  const tableRow = (row, tag) => ({
    tag: 'tr',
    children: row.map((cell) => ({
      tag,
      ...(tag === 'th' ? { attributes: { scope: 'col' } } : {}),
      children: parseSpans(cell),
    })),
  });
  /** @type {MarkdownElement[]} */
  const head = hasHead ? [{ tag: 'thead', children: [tableRow(cells[0], 'th')] }] : [];
  const body = (hasHead ? cells.slice(2) : cells).map((row) => tableRow(row, 'td'));
  return { tag: 'table', children: [...head, { tag: 'tbody', children: body }] };
}

/** @param {string} text @returns {MarkdownNode[]} */
function parseSpans(text) {
  const found = SPAN.exec(text);
  if (!found) return text === '' ? [] : [text.replace(/\\([\\`*_[\]|#.-])/g, '$1')];
  const before = parseSpans(text.slice(0, found.index));
  const after = parseSpans(text.slice(found.index + found[0].length));
  return [...before, span(found), ...after];
}

/** @param {RegExpExecArray} match @returns {MarkdownElement} */
function span([, , code, bold, emphasis, label, href]) {
  if (code !== undefined) return { tag: 'code', children: [code] };
  if (bold !== undefined) return { tag: 'strong', children: parseSpans(bold) };
  if (emphasis !== undefined) return { tag: 'em', children: parseSpans(emphasis) };
  return { tag: 'a', attributes: { href, rel: 'noreferrer' }, children: parseSpans(label) };
}
