DROP TABLE group_members;
DROP TABLE directory_terms;
DROP TABLE extension_unique_values;
DROP TABLE extension_permissions;
DROP TABLE extensions;
DROP TABLE number_history;
DROP TABLE numbers;
