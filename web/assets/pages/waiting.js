// Looks again while a telephone system has not yet made what was asked for.

/** @param {import('../page.js').Page} page @param {any[]} extensions @param {() => void} look */
export function whileWaiting(page, extensions, look) {
  const isWaiting = extensions.some((one) => one.provisioning.some((/** @type {any} */ system) => system.state === 'PENDING'));
  if (!isWaiting) return;
  const timer = setTimeout(look, 2000);
  page.onLeave(() => clearTimeout(timer));
}
