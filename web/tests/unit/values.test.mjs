// Pure functions: relative times, merge patches, identifiers, nearest fields, addresses, idempotency keys.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOldAddress, parsePath } from '../../assets/address.js';
import { nearestField } from '../../assets/forms/nearest-field.js';
import { parameterNameFromTitle, slugFromName } from '../../assets/lib/slug.js';
import { fromLocalInput, relativeUnits, toLocalInput } from '../../assets/lib/time.js';
import { mergePatch } from '../../assets/schema/merge-patch.js';
import { canRegister, mayRead, mayWrite, parametersOf } from '../../assets/schema/parameters.js';
import { newIdempotencyKey } from '../../assets/transport/idempotency-key.js';

test('relative times use the largest fitting unit, up to a week', () => {
  const now = Date.parse('2026-08-20T12:00:00Z');
  assert.deepEqual(relativeUnits('2026-08-20T12:00:30Z', now), { unit: 'second', value: 30 });
  assert.deepEqual(relativeUnits('2026-08-20T11:58:00Z', now), { unit: 'minute', value: -2 });
  assert.deepEqual(relativeUnits('2026-08-20T15:00:00Z', now), { unit: 'hour', value: 3 });
  assert.deepEqual(relativeUnits('2026-08-18T12:00:00Z', now), { unit: 'day', value: -2 });
  assert.equal(relativeUnits('2026-08-01T12:00:00Z', now), null);
});

test('local times lead back to the same instant', () => {
  assert.equal(fromLocalInput(toLocalInput('2026-08-20T12:30:00Z')), '2026-08-20T12:30:00.000Z');
  assert.equal(toLocalInput(null), '');
  assert.equal(fromLocalInput(''), null);
});

test('merge patches follow RFC 7396', () => {
  assert.equal(mergePatch({ a: 1 }, { a: 1 }), undefined);
  assert.deepEqual(mergePatch({ a: 1, b: 2 }, { a: 1, c: 3 }), { b: null, c: 3 });
  assert.deepEqual(mergePatch({ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }), { a: { c: 3 } });
  assert.deepEqual(mergePatch({ a: [1, 2] }, { a: [2, 1] }), { a: [2, 1] });
  assert.deepEqual(mergePatch(undefined, { a: 1 }), { a: 1 });
  assert.equal(mergePatch('x', undefined), null);
  assert.equal(mergePatch(undefined, undefined), undefined);
});

test('short names drop marks and begin with a letter', () => {
  assert.equal(slugFromName('Köln Camp 2027'), 'koln-camp-2027');
  assert.equal(slugFromName('  37C3: the Größe! '), 'c3-the-grosse');
  assert.equal(slugFromName('日本'), '');
  assert.equal(slugFromName('x'.repeat(50)).length, 32);
  assert.equal(parameterNameFromTitle('Größe (cm)'), 'grosse_cm');
  assert.equal(parameterNameFromTitle('Flag colour'), 'flag_colour');
});

test('an error belongs to the field with the longest fitting path', () => {
  const fields = ['label', 'parameters', 'parameters/list', 'parameters/list/1'].map((path) => ({
    path: path.split('/'),
  }));
  const found = (/** @type {string} */ path) => nearestField(fields, path.split('/'))?.path.join('/');
  assert.equal(found('label'), 'label');
  assert.equal(found('parameters/list/1/port'), 'parameters/list/1');
  assert.equal(found('parameters/list/0'), 'parameters/list');
  assert.equal(found('parameters/other'), 'parameters');
  assert.equal(found('owner'), undefined);
  assert.equal(nearestField([{ path: [] }], ['a']), undefined);
});

test('addresses name their event in front of the path', () => {
  assert.deepEqual(parsePath('/e/demo/me/2342'), { slug: 'demo', path: '/me/2342' });
  assert.deepEqual(parsePath('/e/demo'), { slug: 'demo', path: '/' });
  assert.deepEqual(parsePath('/e/demo/'), { slug: 'demo', path: '/' });
  assert.deepEqual(parsePath('/account'), { slug: null, path: '/account' });
  assert.throws(() => parsePath('/e/%E0%A4%A/me'), URIError);
});

test('addresses of earlier versions name it as a parameter, or as what is configured', () => {
  const old = (/** @type {string} */ path, search = '') => Object.values(parseOldAddress(path, search)).join(' ');
  assert.equal(old('/me/new', '?number=1&event=koeln'), 'koeln /me/new ?number=1');
  assert.equal(old('/', '?event=koeln'), 'koeln / ');
  assert.equal(old('/admin/events/koeln'), 'koeln /admin/event ');
  assert.deepEqual(parseOldAddress('/admin/events', ''), { slug: null, path: '/admin', search: '' });
  assert.deepEqual(parseOldAddress('/me', ''), { slug: null, path: '/me', search: '' });
});

test('idempotency keys are UUIDs and differ', () => {
  const keys = Array.from({ length: 100 }, newIdempotencyKey);
  for (const key of keys) assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(keys).size, 100);
});

test('parameters are read in their order, with their annotations', () => {
  const schema = {
    $defs: { short: { type: 'string', maxLength: 4 } },
    required: ['b'],
    properties: {
      b: { $ref: '#/$defs/short', title: 'Second', 'x-order': 2 },
      a: { type: 'integer', 'x-order': 1, default: 3 },
      seen: { type: 'string', 'x-status': true },
      odd: { type: ['string', 'null'] },
    },
  };
  const parameters = parametersOf(schema);
  assert.deepEqual(
    parameters.map(({ name, kind, title }) => [name, kind, title]),
    [
      ['a', 'integer', 'a'],
      ['b', 'text', 'Second'],
      ['odd', 'json', 'odd'],
      ['seen', 'text', 'seen'],
    ],
  );
  const [, b, , seen] = parameters;
  assert.ok(mayWrite(b, false) && mayRead(seen, false) && !mayWrite(seen, true));
  assert.ok(canRegister(schema, false));
  assert.ok(!canRegister({ required: ['x'], properties: { x: { 'x-editable-by': 'OPERATOR' } } }, false));
});
