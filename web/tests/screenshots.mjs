// Takes the pictures of the README: `npm run --prefix web screenshots`.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFixture } from './fixture.mjs';
import { HERE, Person, Server, launch } from './support.mjs';

/**
 * @type {[string, string | undefined, string, number, number, 'light' | 'dark', string?][]}
 *   file, account, page, width, height, scheme, text of the label to click first
 */
const PICTURES = [
  ['directory', undefined, '/', 360, 640, 'light'],
  ['my-number', 'user', '/e/demo/me/2342', 360, 640, 'dark'],
  ['new-number', 'user', '/e/demo/me/new', 360, 640, 'light', 'soft phone'],
  ['desk', 'operator', '/e/demo/operate?q=arthur', 1000, 640, 'light'],
  ['service', 'admin', '/e/demo/admin/services/sip', 1000, 640, 'dark'],
];

const folder = process.argv[2] ?? join(HERE, '../../docs/pictures');
mkdirSync(folder, { recursive: true });
const server = await Server.start();
const browser = await launch();
try {
  await createFixture(server);
  for (const [name, login, path, width, height, scheme, first] of PICTURES) {
    const person = await Person.enter(browser, server, { login, width, scheme });
    await person.page.setViewportSize({ width, height });
    await person.opens(path);
    await person.page.waitForLoadState('networkidle');
    if (first) {
      await person.page.locator('label', { hasText: first }).click();
      await person.page.locator('.chips .chip').first().waitFor();
      await person.page.locator('.chips').first().scrollIntoViewIfNeeded();
      await person.page.mouse.wheel(0, 160);
      await person.page.waitForTimeout(300);
    }
    await person.page.screenshot({ path: join(folder, `${name}.jpeg`), type: 'jpeg', quality: 70 });
    await person.context.close();
    console.log(`${name}.jpeg  ${path}  ${width} px, ${scheme}`);
  }
} finally {
  await browser.close();
  await server.stop();
}
