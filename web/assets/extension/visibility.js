// The visibility of a number in the directory.

import { t } from '../lib/i18n.js';

/** @typedef {import('../../types/api.js').DirectoryVisibility} DirectoryVisibility */

/** @type {DirectoryVisibility[]} */
const VISIBILITIES = ['PUBLIC', 'MEMBERS', 'STAFF', 'HIDDEN'];

/** Values, texts and explanations for a field. @returns {[DirectoryVisibility, string, string][]} */
export const visibilityChoices = () =>
  VISIBILITIES.map((value) => [value, t(`visibility.${value}`), t(`visibility.${value}.about`)]);
