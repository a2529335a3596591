// Splits CSV (RFC 4180, also with semicolons or tabs) into batches of rows. The server validates the content.

/** @typedef {{ line: number, text: string, cells: string[] }} Row `line` is its first line in the file, from 1 */
/**
 * @typedef {{ csv: string, size: number, lineOf: (line: number) => number }} Batch
 *   `lineOf` maps a line of the batch to a line of the file
 */

const SEPARATORS = [',', ';', '\t'];
/** The line by which Excel declares the separator. */
const DECLARATION = /^sep=([,;\t])[,;\t]*$/;

/**
 * Returns the rows of a file without blank lines and rows of empty cells. The first is the header.
 * @param {string} csv
 * @returns {Row[]}
 */
export function records(csv) {
  const source = csv.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  /** @type {Row[]} */
  const rows = [];
  /** @type {string | undefined} */
  let separator;
  let line = 1;
  let start = 0;
  while (start < source.length) {
    const end = endOf(source, start);
    const text = source.slice(start, end);
    const declared = line === 1 ? DECLARATION.exec(text)?.[1] : undefined;
    if (declared) separator = declared;
    else if (text.trim() !== '') {
      separator ??= separatorOf(text);
      const cells = cellsOf(text, separator);
      if (cells.some((cell) => cell.trim() !== '')) rows.push({ line, text, cells });
    }
    line += text.split('\n').length;
    start = end + 1;
  }
  return rows;
}

/**
 * The end of the row that begins at `start`: a line break outside quotation marks.
 * @param {string} source
 * @param {number} start
 */
function endOf(source, start) {
  let isQuoted = false;
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === '"') isQuoted = !isQuoted;
    else if (source[at] === '\n' && !isQuoted) return at;
  }
  return source.length;
}

/** The separator by which a header has the most cells. @param {string} header */
function separatorOf(header) {
  const counts = SEPARATORS.map((separator) => cellsOf(header, separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))];
}

/** @param {string} text @param {string} separator */
const cellsOf = (text, separator) =>
  [...`${separator}${text}`.matchAll(new RegExp(`${separator}(?:"((?:[^"]|"")*)"|([^${separator}]*))`, 'g'))].map(
    ([, quoted, plain]) => (quoted === undefined ? plain : quoted.replaceAll('""', '"')),
  );

/**
 * Splits rows into files of at most `size` rows, each with the header.
 * @param {Row[]} rows with the header
 * @param {number} size
 * @returns {Batch[]}
 */
export function batches(rows, size) {
  const [head, ...body] = rows;
  /** @type {Batch[]} */
  const found = [];
  for (let at = 0; at < body.length; at += size) {
    const part = [head, ...body.slice(at, at + size)];
    // Line 1 is the header; a row may hold several lines.
    const starts = part.map(() => 0);
    let line = 1;
    part.forEach((row, index) => {
      starts[index] = line;
      line += row.text.split('\n').length;
    });
    found.push({
      csv: part.map((row) => row.text).join('\n'),
      size: part.length - 1,
      lineOf: (given) => {
        const index = starts.findLastIndex((start) => start <= given);
        return part[index].line + given - starts[index];
      },
    });
  }
  return found;
}
