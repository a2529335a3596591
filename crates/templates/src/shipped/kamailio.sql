-- The subscriber table of Kamailio's auth_db, for calculate_ha1=0, password_column=ha1, use_domain=1.
-- For SQLite, PostgreSQL, MySQL and MariaDB.
BEGIN;
DELETE FROM subscriber WHERE domain = {{ service_type.settings.realm }};
{%- for x in extensions if x.active and x.digests.password is defined %}
INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ({{ x.number }}, {{ service_type.settings.realm }}, '', {{ x.digests.password.ha1 }}, {{ x.digests.password.ha1b }});
{%- endfor %}
COMMIT;
