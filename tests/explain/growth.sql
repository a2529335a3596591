-- Extensions of the account `user`, numbered from {first} to {last}, with labels that match searches for digits.
CREATE TEMP TABLE n AS
  WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) SELECT i FROM n;
INSERT INTO extensions
  (id, event_id, service_type_id, owner_id, slot, number, label, visibility, parameters, status, created_at, updated_at,
   version)
  SELECT unhex(printf('%032x', i + 4096)), events.id, service_types.id, accounts.id, i + 1000, '9' || (100000 + i),
    'Camp 2' || i, 'PUBLIC', '{}', '{}', 1, 1, 1
  FROM n, events, service_types, accounts
  WHERE events.slug = 'demo' AND service_types.slug = 'sip' AND accounts.username = 'user';
INSERT INTO numbers (id, event_id, number, state, account_id, extension_id, version)
  SELECT extensions.id, event_id, number, 'IN_SERVICE', owner_id, extensions.id, 1
  FROM n JOIN extensions ON extensions.id = unhex(printf('%032x', i + 4096));
INSERT INTO directory_terms (event_id, kind, term, number, extension_id)
  SELECT event_id, terms.kind, replace(terms.term, '{i}', i), number, extensions.id
  FROM n JOIN extensions ON extensions.id = unhex(printf('%032x', i + 4096)),
    (SELECT 'WORD' AS kind, 'camp' AS term UNION ALL SELECT 'WORD', '2{i}' UNION ALL SELECT 'KEYPAD', '2267'
     UNION ALL SELECT 'KEYPAD', '22672{i}') AS terms;
INSERT INTO group_members (id, group_id, member_id, delay_seconds, paused, membership, created_at)
  SELECT extensions.id, extensions.id, (SELECT id FROM extensions WHERE slot = 1001), 0, 0, 'PENDING', 1
  FROM n JOIN extensions ON extensions.id = unhex(printf('%032x', i + 4096)) WHERE i BETWEEN 2 AND 6;
DROP TABLE n;
