// Decodes the text files that spreadsheets write.

/** @typedef {{ text: string, encoding: string }} DecodedText */

/** Begin of a ZIP archive, such as an `.xlsx` or `.ods` file. */
const ARCHIVE = [0x50, 0x4b, 0x03, 0x04];
/** @type {[number[], string][]} */
const MARKS = [
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/**
 * The text of a file in UTF-8, in UTF-16 with a byte order mark, or else in Windows-1252, in which every sequence of
 * bytes is a text. Null for a file that is no text.
 * @param {Blob} file
 * @returns {Promise<DecodedText | null>}
 */
export async function readText(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const beginsWith = (/** @type {number[]} */ mark) => mark.every((byte, at) => bytes[at] === byte);
  if (beginsWith(ARCHIVE)) return null;
  const [, marked] = MARKS.find(([mark]) => beginsWith(mark)) ?? [];
  if (!marked && bytes.includes(0)) return null;
  for (const encoding of marked ? [marked] : ['utf-8', 'windows-1252']) {
    const text = decoded(bytes, encoding);
    if (text !== null) return { text, encoding };
  }
  return null;
}

/** @param {Uint8Array} bytes @param {string} encoding */
function decoded(bytes, encoding) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
