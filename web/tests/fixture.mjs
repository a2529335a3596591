// An event in use, for checks of every page.

/**
 * Numbers, groups, a telephone system that is behind and has refused something, a barred number, a ban.
 * @param {import('./support.mjs').Server} server
 */
export async function createFixture(server) {
  const [admin, user, operator] = [
    await server.signIn('admin'),
    await server.signIn('user'),
    await server.signIn('operator'),
  ];
  const { apiKey, secret } = await server.change(
    admin,
    'createApiKey',
    { label: 'Registrar in the dome', scopes: ['READ_DIGESTS'], serviceTypes: ['sip', 'dect'], events: ['demo'] },
    'apiKey{id} secret',
  );
  for (const [name, serviceType] of [
    ['Kamailio', 'sip'],
    ['DECT antennas', 'dect'],
  ])
    await server.change(admin, 'createFeedConsumer', { name, event: 'demo', serviceType, apiKey: apiKey.id });
  const register = async (token, number, serviceType, label, more = {}) =>
    (
      await server.change(
        token,
        'registerExtension',
        { event: 'demo', serviceType, number, label, visibility: 'PUBLIC', ...more },
        'extension{id}',
      )
    ).extension;
  const phone = await register(user, '2342', 'sip', 'Arthur Dent');
  await register(user, '4242', 'dect', 'Arthur in the field', { visibility: 'HIDDEN' });
  const pager = await register(user, '7243', 'pager', 'Arthur’s pager', { parameters: { ric: 4242 } });
  const group = await register(operator, '2000', 'group', 'Kitchen crew');
  await server.change(operator, 'inviteToGroup', { group: group.id, number: '2342', delaySeconds: 5 });
  for (const [serviceType, consumer] of [
    ['sip', 'Kamailio'],
    ['dect', 'DECT antennas'],
  ]) {
    const data = await server.ask(
      `{provisioning(event:"demo",serviceType:"${serviceType}"){snapshot{head}}}`,
      {},
      secret,
    );
    await server.change(secret, 'acknowledgeProvisioning', {
      event: 'demo',
      serviceType,
      consumer,
      cursor: data.provisioning.snapshot.head,
      errors:
        serviceType === 'sip'
          ? [{ extensionId: phone.id, code: 'DUPLICATE_AOR', message: 'The registrar has this address already.' }]
          : [],
    });
  }
  await register(user, '4243', 'dect', 'A second handset');
  await server.change(operator, 'barNumber', { event: 'demo', number: '7243', reason: 'It beeps all night' });
  await server.change(operator, 'registerAccount', {
    username: 'vogon',
    displayName: 'Vogon',
    email: 'vogon@example.org',
    password: 'poetry is pain',
  });
  await server.change(operator, 'banAccount', { username: 'vogon', reason: 'Poems over the loudspeakers' });
  await server.change(operator, 'reserveNumber', { event: 'demo', number: '2001', owner: 'user' });
  await server.change(admin, 'saveTemplate', {
    serviceType: 'sip',
    name: 'numbers.txt',
    format: 'TEXT',
    contentType: 'text/plain; charset=utf-8',
    source: '{% for extension in extensions %}{{ extension.number }} {{ extension.label }}\n{% endfor %}',
  });
  return { pager };
}

/** Every page, and the account that opens it. @type {[string | undefined, string][]} */
export const PAGES = [
  [undefined, '/'],
  [undefined, '/e/demo'],
  [undefined, '/e/nowhere'],
  [undefined, '/e/demo?q=nobody'],
  [undefined, '/signin'],
  [undefined, '/signup'],
  [undefined, '/verify'],
  [undefined, '/reset'],
  [undefined, '/reset#token=abc'],
  [undefined, '/setup'],
  [undefined, '/setup#token=abc'],
  ['user', '/e/demo/me'],
  ['user', '/e/demo/me/new'],
  ['user', '/e/demo/me/2342'],
  ['user', '/e/demo/me/7243'],
  ['user', '/e/demo/me/9999'],
  ['user', '/account'],
  ['user', '/e/demo/admin'],
  ['operator', '/e/demo/me/2000'],
  ['operator', '/e/demo/operate'],
  ['operator', '/e/demo/operate?q=2999'],
  ['operator', '/e/demo/operate?q=vogon'],
  ['operator', '/e/demo/operate/numbers/2342'],
  ['operator', '/e/demo/operate/numbers/2001'],
  ['operator', '/e/demo/operate/accounts/vogon'],
  ['operator', '/e/demo/operate/reservations'],
  ['operator', '/e/demo/operate/feeds'],
  ['operator', '/e/demo/operate/audit'],
  ['admin', '/e/demo/admin'],
  ['admin', '/e/demo/admin/event'],
  ['admin', '/e/demo/admin/services'],
  ['admin', '/e/demo/admin/services/sip'],
  ['admin', '/e/demo/admin/services/new'],
  ['admin', '/e/demo/admin/permissions'],
  ['admin', '/e/demo/admin/people'],
  ['admin', '/e/demo/admin/keys'],
  ['admin', '/e/demo/admin/import'],
];
