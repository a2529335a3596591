// Two open events: every page acts on the event of its address.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('with two open events', { skip }, () => {
  /** @type {Server} */ let server;
  let browser, admin;
  before(async () => {
    [server, browser] = await Promise.all([Server.start(), launch()]);
    admin = await server.signIn('admin');
    const event = { slug: 'koeln', name: 'Köln Camp', phase: 'OPEN', timeZone: 'UTC', copyFrom: 'demo' };
    await server.change(admin, 'createEvent', event);
    await server.change(admin, 'updateEvent', { slug: 'koeln', phase: 'OPEN' });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Waits until the header shows an event. @param {Person} person @param {string} name */
  async function seesHeaderEvent(person, name) {
    await person.page.waitForFunction(
      (wanted) => document.querySelector('.event select')?.selectedOptions[0].textContent === wanted,
      name,
    );
  }
  /** @param {Person} person */
  const path = (person) => new URL(person.page.url()).pathname + new URL(person.page.url()).search;

  test('the front page asks which one is meant, and remembers it', async () => {
    const guest = await Person.enter(browser, server, { width: 1280 });
    await guest.opens('/');
    await guest.sees('Which event?');
    await guest.click('Köln Camp', 'link');
    await guest.page.waitForURL('**/e/koeln');
    await seesHeaderEvent(guest, 'Köln Camp');
    await guest.sees('Nobody is listed yet.');
    await guest.opens('/');
    await seesHeaderEvent(guest, 'Köln Camp');
    await guest.leaves();
  });

  test('a shared link registers a number in its event', async () => {
    const user = await Person.enter(browser, server, { login: 'user', width: 1280 });
    await user.opens('/?event=koeln');
    assert.equal(path(user), '/e/koeln');
    await seesHeaderEvent(user, 'Köln Camp');
    await user.types('Name, number or keypad letters', 'x');
    await user.page.waitForURL('**/e/koeln?q=x');
    await user.click('My numbers', 'link');
    await user.page.waitForURL('**/e/koeln/me');
    await user.click('Get a number', 'link');
    await user.click(user.page.locator('label.type', { hasText: 'DECT' }));
    await user.types('Your number', '4400');
    await user.click('Register');
    await user.page.waitForURL('**/e/koeln/me/4400');
    await seesHeaderEvent(user, 'Köln Camp');
    const token = await server.signIn('user');
    const data = await server.ask('{extension(event:"koeln",number:"4400"){event{slug}}}', {}, token);
    assert.equal(data.extension.event.slug, 'koeln');
    await user.leaves();
  });

  test('the choice in the header leads to the same page of the other event', async () => {
    const user = await Person.enter(browser, server, { login: 'user', width: 1280 });
    await user.opens('/e/koeln/me/4400');
    await user.page.getByLabel('Event', { exact: true }).selectOption('Demo');
    await user.page.waitForURL('**/e/demo/me');
    await seesHeaderEvent(user, 'Demo');
    await user.sees('In other events');
    await user.click(user.page.locator('a.cover', { hasText: '4400' }));
    await user.page.waitForURL('**/e/koeln/me/4400');
    await seesHeaderEvent(user, 'Köln Camp');
    await user.leaves();
  });

  test('operators and admins act on the event of the address', async () => {
    const person = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    await person.opens('/e/koeln/operate/numbers/4400');
    await person.click('Bar');
    await person.page.getByLabel('Reason').fill('In this event only');
    await person.click(person.page.getByRole('dialog').getByRole('button', { name: 'Bar' }));
    await person.sees('4400 is barred.');
    const state = async (/** @type {string} */ event) =>
      (await server.ask(`{number(event:"${event}",number:"4400"){restrictions{source}}}`, {}, admin)).number;
    assert.equal((await state('koeln')).restrictions.length, 1);
    assert.equal((await state('demo')).restrictions.length, 0);
    await person.click('Admin', 'link');
    await person.page.waitForURL('**/e/koeln/admin');
    await person.click('Keys and systems', 'link');
    await person.sees('Telephone systems of Köln Camp');
    await person.click('Import', 'link');
    await person.sees(/Numbers for Köln Camp/);
    await seesHeaderEvent(person, 'Köln Camp');
    await person.click('Events', 'link');
    await person.click('Demo', 'link');
    await person.page.waitForURL('**/e/demo/admin/event');
    await seesHeaderEvent(person, 'Demo');
    await person.leaves();
  });

  test('addresses of earlier versions lead to those with the event', async () => {
    const person = await Person.enter(browser, server, { login: 'admin', width: 1280 });
    await person.opens('/e/koeln');
    for (const [old, present] of [
      ['/me', '/e/koeln/me'],
      ['/me/new?number=4500', '/e/koeln/me/new?number=4500'],
      ['/me/4400?event=demo', '/e/demo/me/4400'],
      ['/operate', '/e/demo/operate'],
      ['/operate/numbers/4400?event=koeln', '/e/koeln/operate/numbers/4400'],
      ['/operate/audit', '/e/koeln/operate/audit'],
      ['/admin', '/e/koeln/admin'],
      ['/admin/events', '/e/koeln/admin'],
      ['/admin/events/demo', '/e/demo/admin/event'],
      ['/admin/services/sip', '/e/demo/admin/services/sip'],
    ]) {
      await person.opens(old);
      assert.equal(path(person), present, old);
    }
    await person.leaves();
  });

  test('an event that does not exist is a page of its own', async () => {
    const guest = await Person.enter(browser, server);
    await guest.opens('/e/nowhere');
    await guest.sees('There is no such event, or it is not for your account.');
    await guest.click(guest.page.locator('main').getByRole('link', { name: 'Directory' }));
    await guest.sees('Which event?');
    await guest.leaves();
  });
});
