-- The rows of an event with a hundred thousand extensions. `explain.rs` replaces the names in braces: `numbers` and
-- `ten thousand` are WITH clauses of a table n(i), the others are expressions of i.
{ten thousand} INSERT INTO accounts
  (id, username, display_name, email, email_verified_at, password_hash, role, search, created_at)
  SELECT {id}, 'p' || i, 'Person ' || i, 'p' || i || '@example.org', 1, '', 'USER',
    'p' || i || ' person ' || i, 1 FROM n;
{numbers} INSERT INTO extensions
  (id, event_id, service_type_id, owner_id, slot, number, label, visibility, parameters, status, created_at, updated_at,
   version)
  SELECT {id}, {demo}, {sip}, {owner}, i + 1000, '9' || (100000 + i), 'Phone ' || i,
    CASE i % 3 WHEN 0 THEN 'HIDDEN' WHEN 1 THEN 'MEMBERS' ELSE 'PUBLIC' END, '{}', '{}', 1, 1, 1 FROM n;
{numbers} INSERT INTO numbers (id, event_id, number, state, account_id, extension_id, version)
  SELECT {id}, {demo}, '9' || (100000 + i), 'IN_SERVICE', {owner}, {id}, 1 FROM n;
{numbers} INSERT INTO number_history (id, number_id, at, from_state, to_state, actor)
  SELECT {id}, {id}, 1, 'AVAILABLE', 'IN_SERVICE', 'command' FROM n;
{numbers} INSERT INTO directory_terms (event_id, kind, term, number, extension_id)
  SELECT {demo}, 'WORD', 'phone', '9' || (100000 + i), {id} FROM n;
{numbers} INSERT INTO directory_terms (event_id, kind, term, number, extension_id)
  SELECT {demo}, 'KEYPAD', '74663', '9' || (100000 + i), {id} FROM n;
{numbers} INSERT INTO feed_revisions (feed_id, revision, tag, at, entries)
  SELECT f.id, f.head + i, {tag}, 1, 1 FROM n, feeds f WHERE f.service_type_id = {sip};
{numbers} INSERT INTO feed_entries (entity_id, entity_kind, feed_id, revision, tag, slot, present)
  SELECT {id}, 'Extension', f.id, f.head + i, {tag}, i + 1000, {yes} FROM n, feeds f WHERE f.service_type_id = {sip};
{numbers} INSERT INTO feed_keys (id, entity_id, feed_id, number, parameters, from_revision)
  SELECT {id}, {id}, f.id, '9' || (100000 + i), '{}', f.head + i FROM n, feeds f WHERE f.service_type_id = {sip};
UPDATE feeds SET head = head + 100000, entry_count = entry_count + 100000 WHERE service_type_id = {sip};
{ten thousand} INSERT INTO restrictions (id, target_kind, target_id, source, effects, reason, created_at)
  SELECT {id}, CASE i % 3 WHEN 0 THEN 'ACCOUNT' WHEN 1 THEN 'NUMBER' ELSE 'EXTENSION' END, {id},
    'BAR', 'NO_CALLS', 'x', 1 FROM n WHERE i < 2000;
{ten thousand} INSERT INTO sessions
  (id, account_id, token_hash, created_at, last_seen_at, expires_at, reauthenticated_at)
  SELECT {id}, {id}, {hash}, 1, 1, 9999999999999999, 1 FROM n;
{numbers} INSERT INTO extension_permissions (extension_id, permission_id)
  SELECT {id}, (SELECT id FROM call_permissions WHERE slug = 'external') FROM n;
{ten thousand} INSERT INTO extension_unique_values (scope_id, parameter, value, extension_id)
  SELECT {id}, 'mac', 'v' || i, {id} FROM n;
{ten thousand} INSERT INTO group_members (id, group_id, member_id, delay_seconds, paused, membership, created_at)
  SELECT {id}, {id}, {owner}, 0, {no}, 'ACTIVE', 1 FROM n;
{ten thousand} INSERT INTO jobs (id, kind, payload, run_at, attempts, created_at, dead_at)
  SELECT {id}, 'SEND_MAIL', {hash}, 1, 9, 1, 1 FROM n;
{ten thousand} INSERT INTO idempotency_records (actor, key, request_hash, outcome, created_at)
  SELECT 'account:' || i, 'k', {hash}, '{}', 9999999999999999 FROM n;
{ten thousand} INSERT INTO sign_in_failures (id, login_hash, at) SELECT {id}, {hash}, 1 FROM n;
{numbers} INSERT INTO audit_events (at, actor, via, action, entity, summary)
  SELECT 1, 'p' || (i % 10000), 'graphql', 'registerExtension', 'Extension:' || i, 'x' FROM n;
INSERT INTO audit_seals (position, seq, hash) SELECT row_number() OVER (ORDER BY seq), seq, {seal} FROM audit_events;
