// Copies what /graphiql loads out of node_modules, if it is exactly what assets.json names.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';

const here = (/** @type {string} */ path) => new URL(path, import.meta.url);
const isNew = process.argv.includes('--pin');
const assets = JSON.parse(await readFile(here('assets.json'), 'utf8'));
await mkdir(here('assets/'), { recursive: true });
for (const asset of assets) {
  const bytes = await readFile(here(`node_modules/${asset.package}/${asset.path}`));
  const { version } = JSON.parse(await readFile(here(`node_modules/${asset.package}/package.json`), 'utf8'));
  const integrity = `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
  if (isNew) Object.assign(asset, { version, integrity });
  if (version !== asset.version || integrity !== asset.integrity)
    throw new Error(`${asset.package}/${asset.path} is not what assets.json names`);
  await writeFile(here(`assets/${asset.name}`), bytes);
  console.log(`${asset.name}  ${asset.package}@${version}`);
}
if (isNew) await writeFile(here('assets.json'), `${JSON.stringify(assets, null, 2)}\n`);
