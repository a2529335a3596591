// Property test: for random schemas of the documented subset, the server accepts what a form sends, or its error is
// shown beside the right field.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Person, Server, launch, skip } from './support.mjs';

const RUNS = Number(process.env.FORM_RUNS ?? 60);

const bounds = (/** @type {string} */ low, /** @type {string} */ high, /** @type {fc.Arbitrary<number>} */ of) =>
  fc.option(
    fc.tuple(of, of).map(([a, b]) => ({ [low]: Math.min(a, b), [high]: Math.max(a, b) })),
    { nil: {} },
  );
const text = fc
  .tuple(
    bounds('minLength', 'maxLength', fc.nat(12)),
    fc.constantFrom(
      {},
      { pattern: '^[a-z]+$' },
      { pattern: '^\\d{2,4}$' },
      { format: 'email' },
      { format: 'uri' },
      { format: 'ipv4' },
      { format: 'date' },
      { format: 'date-time' },
      { format: 'hostname' },
    ),
  )
  .map(([length, form]) => ({ type: 'string', ...length, ...form }));
const integer = fc
  .tuple(
    bounds('minimum', 'maximum', fc.integer({ min: -20, max: 40 })),
    fc.constantFrom({}, {}, { multipleOf: 5 }, { exclusiveMinimum: 3 }),
  )
  .map(([range, more]) => ({ type: 'integer', ...range, ...more }));
const number = bounds('minimum', 'maximum', fc.integer({ min: -5, max: 5 })).map((range) => ({
  type: 'number',
  ...range,
}));
const boolean = fc.constantFrom({ type: 'boolean' }, { type: 'boolean', default: true });
const choice = fc.constantFrom(
  { type: 'string', enum: ['opus', 'PCMA/8000'] },
  { type: 'integer', enum: [512, 1200], default: 1200 },
  { enum: ['a', 2, true] },
  {
    oneOf: [
      { const: 'fast', title: 'As fast as it can' },
      { const: 'slow', title: 'Gently' },
    ],
  },
  { type: 'string', const: 'only' },
);
const secret = fc.constantFrom(
  { type: 'string', 'x-secret': true, 'x-generate': { kind: 'password', length: 20 } },
  { type: 'string', 'x-secret': true, minLength: 4 },
  { type: 'string', 'x-generate': { kind: 'digits', length: 6 } },
);
const simple = fc.oneof(text, integer, number, boolean, choice);
const list = fc
  .tuple(fc.oneof(text, integer, choice), bounds('minItems', 'maxItems', fc.nat(3)), fc.boolean())
  .map(([items, size, unique]) => ({ type: 'array', items, ...size, ...(unique ? { uniqueItems: true } : {}) }));
const nested = fc
  .tuple(fc.array(simple, { minLength: 1, maxLength: 3 }), fc.nat(7))
  .map(([of, needed]) => whole(of, needed, 'inner'));
const odd = fc.constantFrom(
  { anyOf: [{ type: 'string' }, { type: 'integer' }] },
  { type: ['string', 'null'] },
  { type: 'object', additionalProperties: { type: 'integer' } },
  { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
);
const elsewhere = fc.constantFrom(
  { type: 'string', readOnly: true },
  { type: 'string', 'x-editable-by': 'OPERATOR' },
  { type: 'string', 'x-status': true },
  { type: 'string', 'x-visible-to': 'OPERATOR', 'x-editable-by': 'OPERATOR' },
);
const property = fc.oneof(
  { weight: 6, arbitrary: simple },
  { weight: 2, arbitrary: list },
  { weight: 2, arbitrary: nested },
  { weight: 1, arbitrary: secret },
  { weight: 1, arbitrary: odd },
  { weight: 1, arbitrary: elsewhere },
);

/**
 * An object of parameters whose titles say where they are.
 * @param {any[]} of
 * @param {number} needed as bits
 * @param {string} stem
 * @returns {any}
 */
function whole(of, needed, stem) {
  const named = of.map(
    (schema, index) => /** @type {[string, any]} */ ([`${stem}${index}`, { ...schema, title: `${stem} ${index}` }]),
  );
  const isFree = (/** @type {any} */ schema) =>
    !schema.readOnly && !schema['x-status'] && schema['x-editable-by'] === undefined;
  const required = named
    .filter(([, schema], index) => isFree(schema) && (needed >> index) % 2 === 1)
    .map(([name]) => name);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(named),
    ...(required.length > 0 ? { required } : {}),
  };
}
const schemas = fc
  .tuple(fc.array(property, { minLength: 1, maxLength: 5 }), fc.nat(31))
  .map(([of, needed]) => whole(of, needed, 'field'));

/** Runs in the page: fills the form with what people might type, sends it, and says where errors landed. */
async function fillAndSend({ schema, seed }) {
  const [{ SchemaForm }, { form }, { mutate }] = await Promise.all([
    import('/assets/schema/schema-form.js'),
    import('/assets/forms/form.js'),
    import('/assets/transport/http.js'),
  ]);
  let state = seed;
  const draw = (/** @type {number} */ below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const WORDS = [
    '',
    '',
    '5',
    '-3',
    '2.5',
    '1e3',
    '12',
    'abc',
    'zebra',
    'a@example.org',
    'https://example.org/',
    '10.0.0.1',
    '2026-08-20',
    '2026-08-20T09:30:00Z',
    'example.org',
    'Zoë 🦓',
    ' x ',
    'x'.repeat(70),
    '"quoted"',
    '{"a":1}',
    '[1]',
    'null',
    '0x10',
    'NaN',
  ];
  const parameters = new SchemaForm(schema, { isOperator: false });
  /** @type {any} */
  let payload = null;
  const element = form({
    fields: () => parameters.fields,
    body: parameters.nodes,
    submit: 'Send',
    send: async () => {
      payload = await mutate(
        'registerExtension',
        { event: 'demo', serviceType: 'random', label: 'Random', parameters: parameters.read(), dryRun: true },
        'preview{parameters}',
      );
      return payload;
    },
  });
  document.querySelector('main').replaceChildren(element);
  for (const button of element.querySelectorAll('.made button')) if (draw(3) === 0) button.click();
  for (const add of element.querySelectorAll('fieldset > button'))
    for (let more = draw(4); more > 0; more -= 1) add.click();
  for (const control of element.querySelectorAll('input, textarea, select')) {
    if (draw(3) === 0) continue;
    if (control instanceof HTMLSelectElement) control.selectedIndex = draw(control.length);
    else if (control.type === 'checkbox') control.checked = draw(2) === 0;
    else control.value = WORDS[draw(WORDS.length)];
  }
  element.requestSubmit();
  const waits = Date.now() + 5000;
  const isDone = () =>
    (payload !== null && element.querySelector('[type=submit]')) ||
    element.querySelector('.summary').childElementCount > 0;
  while (!isDone() && Date.now() < waits)
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  await new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
  const marked = [...element.querySelectorAll('[aria-invalid=true]')].map((control) => {
    const field = control.closest('.field');
    const group = control.closest('fieldset');
    const label = field.querySelector('.label')?.textContent ?? control.getAttribute('aria-label');
    return {
      said: `${group?.querySelector('legend')?.textContent ?? ''} / ${label ?? ''}`,
      text: field.querySelector('.problem').textContent,
    };
  });
  return { payload, marked, summary: element.querySelector('.summary').textContent, sent: parameters.read() };
}

describe('a form from a schema', { skip }, () => {
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

  test(
    `sends what is accepted, or shows the error where it belongs (${RUNS} schemas)`,
    { timeout: 600_000 },
    async () => {
      const admin = await server.signIn('admin');
      await server.change(admin, 'createServiceType', {
        slug: 'random',
        name: 'Random',
        parameterSchema: { type: 'object' },
      });
      const { event } = await server.ask('{event(slug:"demo"){serviceTypes{slug}}}', {}, admin);
      await server.change(admin, 'updateEvent', {
        slug: 'demo',
        serviceTypes: [...event.serviceTypes.map((one) => one.slug), 'random'],
      });
      const user = await Person.enter(browser, server, { login: 'user' });
      await user.opens('/me');
      const seen = { accepted: 0, refused: 0, local: 0 };
      await fc.assert(
        fc.asyncProperty(schemas, fc.nat(), async (schema, seed) => {
          await server.change(admin, 'updateServiceType', { slug: 'random', parameterSchema: schema });
          for (let round = 0; round < 3; round += 1) {
            const { payload, marked, summary, sent } = await user.page.evaluate(fillAndSend, {
              schema,
              seed: seed + round,
            });
            const details = JSON.stringify({ sent, payload, marked, summary });
            if (payload === null) {
              // Its own checks: each has said where.
              assert.ok(marked.length > 0 && marked.every((one) => one.text !== ''), details);
              seen.local += 1;
            } else if (payload.errors.length === 0) {
              assert.deepEqual(marked, [], details);
              seen.accepted += 1;
            } else {
              seen.refused += 1;
              for (const error of payload.errors) {
                assert.equal(error.path[0], 'parameters', details);
                const names = error.path
                  .slice(1)
                  .filter((step) => !/^\d+$/.test(step))
                  .map((step) => step.replace(/(\d+)$/, ' $1'));
                assert.ok(
                  names.length > 0 &&
                    marked.some((one) => names.every((name) => one.said.includes(name)) && one.text !== ''),
                  details,
                );
              }
            }
          }
        }),
        { numRuns: RUNS, ...(process.env.FORM_SEED ? { seed: Number(process.env.FORM_SEED) } : {}) },
      );
      assert.ok(seen.accepted >= RUNS / 6 && seen.refused >= RUNS / 6 && seen.local > 0, JSON.stringify(seen));
      await user.leaves();
    },
  );
});
