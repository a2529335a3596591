// A search box that searches while the reader types.

import { debounce } from '../lib/debounce.js';
import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';

/**
 * @param {{ label: string, placeholder?: string, value?: string, delay: number, isSmall?: boolean,
 *   onSearch: (search: string) => void, onEnter?: (search: string) => void }} options
 */
export function searchBox({ label, placeholder, value = '', delay, isSmall, onSearch, onEnter }) {
  const input = h('input', {
    type: 'search',
    class: isSmall ? 'searchbox small' : 'searchbox',
    placeholder: placeholder ?? label,
    'aria-label': label,
    autocomplete: 'off',
    spellcheck: 'false',
    enterkeyhint: 'search',
    value,
  });
  const searchText = () => input.value.trim();
  const search = debounce(delay, () => onSearch(searchText()));
  input.addEventListener('input', search);
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !onEnter || !searchText()) return;
    search.cancel();
    onEnter(searchText());
  });
  const node = h('div', { class: 'search' }, icon('search'), input);
  return { node, input, text: searchText };
}

/** Writes the search into the address without leaving the page. @param {string} search */
export function showSearchInAddress(search) {
  const address = search ? `${location.pathname}?q=${encodeURIComponent(search)}` : location.pathname;
  history.replaceState(history.state, '', address);
}

/** The search in the address. */
export const searchInAddress = () => new URLSearchParams(location.search).get('q') ?? '';
