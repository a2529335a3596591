// Settings in localStorage. A browser may block it; the pages then work without remembering.

/** @param {string} name @returns {string | null} */
export function readSetting(name) {
  try {
    return localStorage.getItem(`switchboard.${name}`);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} value */
export function writeSetting(name, value) {
  try {
    localStorage.setItem(`switchboard.${name}`, value);
  } catch {
    // Blocked: the setting holds for this page only.
  }
}
