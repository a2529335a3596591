// Icons: outlines of 24 × 24 units, drawn with one stroke.

const OUTLINES = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5',
  book: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11',
  phone: 'M7 3h10a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-4 4-6 8-6s8 2 8 6',
  desk: 'M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v6H5a1 1 0 0 1-1-1zM20 14h-3v6h2a1 1 0 0 0 1-1z',
  gear: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 4v6M9 14v6',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  check: 'M5 13l5 5 9-11',
  plus: 'M12 5v14M5 12h14',
  back: 'M14 5l-7 7 7 7',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  enter: 'M14 4h5v16h-5M4 12h11M11 8l4 4-4 4',
};

/** @typedef {keyof typeof OUTLINES} IconName */

const SVG = 'http://www.w3.org/2000/svg';

/** Creates an icon. It is hidden from screen readers: a text beside it says the same. @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', OUTLINES[name]);
  svg.append(path);
  return svg;
}
