// German messages, also for errors of the server.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, Server, launch, skip } from './support.mjs';

describe('in German', { skip }, () => {
  /** @type {Server} */ let server;
  let browser;
  before(async () => {
    server = await Server.start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /**
   * What stands beside a field after the form was sent.
   * @param {Person} person
   * @param {string} label
   * @param {string} text
   * @param {string} submit
   */
  async function refused(person, label, text, submit) {
    const field = person.page.locator('.field', { has: person.page.getByLabel(label, { exact: true }) }).first();
    await field.getByLabel(label, { exact: true }).fill(text);
    await person.page.getByRole('button', { name: submit, exact: true }).click();
    const problem = field.locator('.problem > p');
    await problem.waitFor();
    const said = await problem.innerText();
    assert.ok(
      (await person.page.locator('.summary').filter({ visible: true }).innerText()).includes(`${label}: ${said}`),
      'the summary says it too',
    );
    return said;
  }

  test('errors stand beside the fields of an account', async () => {
    const guest = await Person.enter(browser, server, { locale: 'de-DE' });
    await guest.opens('/signup');
    await guest.types('Nutzername', 'zaphod');
    await guest.types('Dein Name', 'Zaphod');
    await guest.types('E-Mail', 'zaphod@example.org');
    const send = 'Konto anlegen';
    assert.equal(await refused(guest, 'Passwort', 'kurz', send), 'Ein Passwort hat mindestens 8 Zeichen.');
    assert.equal(
      await refused(guest, 'Passwort', 'password1', send),
      'Dieses Passwort gehört zu den häufigsten. Nimm ein anderes.',
    );
    assert.equal(
      await refused(guest, 'Passwort', 'zaphod2026', send),
      'Dieses Passwort lässt sich aus dem Namen erraten. Nimm ein anderes.',
    );
    await guest.types('Passwort', 'zwei Köpfe sind besser');
    assert.equal(await refused(guest, 'E-Mail', 'nirgends', send), 'Das ist keine E-Mail-Adresse.');
    await guest.types('E-Mail', 'zaphod@example.org');
    assert.equal(await refused(guest, 'Dein Name', ' ', send), 'Hier muss etwas stehen.');
    await guest.types('Dein Name', 'Zaphod');
    assert.equal(
      await refused(guest, 'Nutzername', 'Z!', send),
      '3 bis 32 Buchstaben a bis z, Ziffern, Punkte, Unterstriche oder Bindestriche.',
    );
    assert.equal(await refused(guest, 'Nutzername', 'user', send), 'Diesen Nutzernamen hat schon jemand.');
    await guest.leaves();
  });

  test('errors stand beside a number and its settings', async () => {
    const admin = await server.signIn('admin');
    await server.change(admin, 'createServiceType', {
      slug: 'telex',
      name: 'Telex',
      parameterSchema: {
        type: 'object',
        additionalProperties: false,
        required: ['code'],
        properties: {
          code: { type: 'string', title: 'Kennung', minLength: 3, maxLength: 5, 'x-unique': 'EVENT', 'x-order': 1 },
          speed: { type: 'integer', title: 'Baud', minimum: 50, maximum: 300, multipleOf: 10, 'x-order': 2 },
          mail: { type: 'string', title: 'Post', format: 'email', 'x-order': 3 },
          answer: { type: 'string', title: 'Antwort', pattern: '^[A-Z]+$', 'x-order': 4 },
        },
      },
    });
    await server.change(admin, 'updateEvent', { slug: 'demo', serviceTypes: ['telex', 'sip', 'group'] });
    await server.change(admin, 'barNumber', { event: 'demo', number: '4444', reason: 'Umbau' });
    await server.change(admin, 'registerExtension', {
      event: 'demo',
      serviceType: 'telex',
      number: '4500',
      label: 'Telex',
      parameters: { code: 'ABC' },
    });
    const user = await Person.enter(browser, server, { login: 'user', locale: 'de-DE' });
    await user.opens('/me/new');
    await user.click(user.page.locator('label.type', { hasText: 'Telex' }));
    await user.page.locator('summary', { hasText: 'Mehr Einstellungen' }).click();
    const [send, number, label] = ['Registrieren', 'Deine Nummer', 'Name im Telefonbuch'];
    assert.equal(await refused(user, 'Kennung', '', send), 'Das wird gebraucht.');
    assert.equal(await refused(user, 'Kennung', 'ab', send), 'Mindestens 3 Zeichen.');
    assert.equal(await refused(user, 'Kennung', 'abcdef', send), 'Höchstens 5 Zeichen.');
    assert.equal(await refused(user, 'Kennung', 'ABC', send), 'Diesen Wert hat schon eine andere Nummer.');
    await user.types('Kennung', 'XYZ');
    const optional = (/** @type {string} */ title) => `${title} (freiwillig)`;
    assert.equal(await refused(user, optional('Baud'), '10', send), 'Mindestens 50.');
    assert.equal(await refused(user, optional('Baud'), '400', send), 'Höchstens 300.');
    assert.equal(await refused(user, optional('Baud'), '75', send), 'Ein Vielfaches von 10.');
    await user.types(optional('Baud'), '');
    assert.equal(await refused(user, optional('Post'), 'nirgends', send), 'Das hat nicht die verlangte Form.');
    await user.types(optional('Post'), '');
    assert.equal(await refused(user, optional('Antwort'), 'klein', send), 'Das hat nicht die verlangte Form.');
    await user.types(optional('Antwort'), '');
    assert.equal(await refused(user, label, '', send), 'Hier muss etwas stehen.');
    await user.types(label, 'Fernschreiber');
    assert.equal(
      await refused(user, number, '1234', send),
      'Diese Nummer liegt in keinem Bereich, der dir offensteht.',
    );
    assert.equal(await refused(user, number, '1121', send), 'Solche Nummern werden nicht vergeben.');
    assert.equal(
      await refused(user, number, '23#2', send),
      'Eine Nummer besteht aus Ziffern, Leerzeichen, Bindestrichen und den Buchstaben A bis Z.',
    );
    assert.equal(await refused(user, number, '1234567890123456', send), 'Eine Nummer hat höchstens 15 Ziffern.');
    assert.equal(await refused(user, number, '4444', send), 'Diese Nummer ist gesperrt.');
    assert.equal(await refused(user, number, '4500', send), 'Diese Nummer ist vergeben.');
    await user.types(number, '4501');
    await user.click(send);
    await user.page.waitForURL('**/me/4501');
    assert.equal(
      await refused(user, 'Wenn niemand abhebt, weiter an', '4502', 'Speichern'),
      '4502 ist nicht in Betrieb.',
    );
    await user.leaves();
  });
});
