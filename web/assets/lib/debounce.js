// Delays a reaction until input pauses.

/**
 * Returns a function that calls `action` once, `delay` milliseconds after its last call.
 * @param {number} delay
 * @param {() => void} action
 */
export function debounce(delay, action) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const run = () => {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  };
  return Object.assign(run, { cancel: () => clearTimeout(timer) });
}
