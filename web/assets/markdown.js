// A small part of Markdown, as elements: paragraphs, headings, lists, tables, code, bold, emphasis, links.

import { h } from './dom.js';

/** @param {string} source */
export function markdown(source) {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const root = h('div', { class: 'prose' });
  let at = 0;
  const take = (/** @type {RegExp} */ pattern) => {
    const taken = [];
    while (at < lines.length && pattern.test(lines[at])) taken.push(lines[at++]);
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at];
    if (/^\s*$/.test(line)) at += 1;
    else if (/^```/.test(line)) root.append(codeBlock());
    else if (/^#{1,6}\s/.test(line)) { root.append(h('h3', null, inline(line.replace(/^#+\s+/, '').replace(/\s+#+$/, '')))); at += 1; }
    else if (/^\s*\|.*\|\s*$/.test(line)) root.append(table(take(/^\s*\|.*\|\s*$/)));
    else if (/^\s*[-*+]\s+/.test(line)) root.append(h('ul', null, items(take(/^(\s*[-*+]\s+|\s{2,}\S)/), /^\s*[-*+]\s+/)));
    else if (/^\s*\d+[.)]\s+/.test(line)) root.append(h('ol', null, items(take(/^(\s*\d+[.)]\s+|\s{2,}\S)/), /^\s*\d+[.)]\s+/)));
    else root.append(h('p', null, inline(take(/^(?!\s*$|```|#{1,6}\s|\s*\|.*\|\s*$|\s*[-*+]\s+|\s*\d+[.)]\s+).*/).join(' ') || lines[at++])));
  }
  return root;

  function codeBlock() {
    at += 1;
    const body = take(/^(?!```)/);
    at += 1;
    return h('pre', { tabindex: 0 }, h('code', null, body.join('\n')));
  }
}

/** @param {string[]} lines @param {RegExp} mark */
function items(lines, mark) {
  /** @type {string[]} */
  const found = [];
  for (const line of lines) {
    if (mark.test(line)) found.push(line.replace(mark, ''));
    else found[found.length - 1] += ` ${line.trim()}`;
  }
  return found.map((text) => h('li', null, inline(text)));
}

/** @param {string[]} lines */
function table(lines) {
  const rows = lines.map((line) => line.trim().slice(1, -1).split('|').map((cell) => cell.trim()));
  const hasHead = rows[1]?.every((cell) => /^:?-+:?$/.test(cell));
  const body = hasHead ? rows.slice(2) : rows;
  return h('table', null,
    hasHead && h('thead', null, h('tr', null, rows[0].map((cell) => h('th', { scope: 'col' }, inline(cell))))),
    h('tbody', null, body.map((row) => h('tr', null, row.map((cell) => h('td', null, inline(cell)))))));
}

const SPAN = /(`+)(.+?)\1|\*\*(.+?)\*\*|\*(.+?)\*|\[([^\]]+)\]\(((?:https?:|mailto:|tel:|\/)[^)\s]*)\)/;

/** @param {string} text @returns {import('./dom.js').Child[]} */
function inline(text) {
  const found = SPAN.exec(text);
  if (!found) return [text.replace(/\\([\\`*_[\]|#.-])/g, '$1')];
  const [whole, , code, bold, emphasis, label, href] = found;
  const span = code !== undefined ? h('code', null, code)
    : bold !== undefined ? h('strong', null, inline(bold))
      : emphasis !== undefined ? h('em', null, inline(emphasis))
        : h('a', { href, rel: 'noreferrer' }, inline(label));
  return [...inline(text.slice(0, found.index)), span, ...inline(text.slice(found.index + whole.length))];
}
