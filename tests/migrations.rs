//! The migrations of SQLite and PostgreSQL: both have the same names and create the same tables, columns and
//! nullability as the schema in the code, and each runs on a database with data.
//!
//! Every table gets one row after the migration that creates it. All ids are equal, so that every foreign key is valid.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use libtest_mimic::Trial;

use crate::postgres::Cluster;

/// Whether each column may be null, by table and column.
type Tables = BTreeMap<String, BTreeMap<String, bool>>;

/// Tables that a migration renames: the name before, the name after.
const RENAMED_TABLES: [(&str, &str); 1] = [("doorbell", "notification_generations")];

/// Words of columns that get their CHECK constraint in a later migration: table, column, word.
const WORDS_OF_LATER_CHECKS: [(&str, &str, &str); 1] = [("numbers", "state", "AVAILABLE")];

/// The id of every row.
const ID: &str = "0198f00dbeef70008000000000000001";

/// The tests of the migrations; those of PostgreSQL are ignored without a cluster.
pub fn trials(cluster: Option<&Cluster>, may_skip: bool) -> Vec<Trial> {
    let (for_schema, for_comparison, for_states) = (cluster.cloned(), cluster.cloned(), cluster.cloned());
    let is_skipped = cluster.is_none() && may_skip;
    vec![
        Trial::test("migrations::both_databases_have_the_same_migrations", both_databases_have_the_same_migrations),
        Trial::test("migrations::sqlite_migrates_data_to_the_schema_of_the_code", || {
            compare(&migrate_sqlite()?.tables, &tables_of_the_code())
        }),
        Trial::test("migrations::postgresql_migrates_data_to_the_schema_of_the_code", move || {
            let cluster = for_schema.ok_or(NOT_INSTALLED)?;
            compare(&migrate_postgresql(&cluster)?.tables, &tables_of_the_code())
        })
        .with_ignored_flag(is_skipped),
        Trial::test("migrations::both_databases_get_the_same_tables", move || {
            let cluster = for_comparison.ok_or(NOT_INSTALLED)?;
            compare(&migrate_postgresql(&cluster)?.tables, &migrate_sqlite()?.tables)
        })
        .with_ignored_flag(is_skipped),
        Trial::test("migrations::sqlite_refuses_an_unknown_number_state", sqlite_refuses_an_unknown_number_state),
        Trial::test("migrations::postgresql_refuses_an_unknown_number_state", move || {
            postgresql_refuses_an_unknown_number_state(&for_states.ok_or(NOT_INSTALLED)?)
        })
        .with_ignored_flag(is_skipped),
    ]
}

const NOT_INSTALLED: &str = "PostgreSQL is not installed";

type Outcome<T = ()> = Result<T, libtest_mimic::Failed>;

fn folder(dialect: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect)
}

/// The names of the migrations.
fn migration_names(dialect: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder(dialect))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn both_databases_have_the_same_migrations() -> Outcome {
    let (sqlite, postgresql) = (migration_names("sqlite"), migration_names("postgresql"));
    if sqlite == postgresql && !sqlite.is_empty() {
        return Ok(());
    }
    Err(format!("sqlite has {sqlite:?}, postgresql has {postgresql:?}").into())
}

fn compare(found: &Tables, expected: &Tables) -> Outcome {
    let mut differences = Vec::new();
    for table in found.keys().chain(expected.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (found, expected) = (found.get(table), expected.get(table));
        if found != expected {
            differences.push(format!("{table}:\n  {found:?}\n  {expected:?}"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// An `UPDATE` of the row of `numbers`, to a state that exists and to one that does not.
const KNOWN_STATE: &str = "UPDATE numbers SET state = 'PORT_OUT'";
const UNKNOWN_STATE: &str = "UPDATE numbers SET state = 'LOST'";

fn sqlite_refuses_an_unknown_number_state() -> Outcome {
    let mut conn = migrate_sqlite()?.conn;
    conn.batch_execute(KNOWN_STATE)?;
    let error = conn.batch_execute(UNKNOWN_STATE).err().ok_or("an unknown state was accepted")?;
    assert!(error.to_string().contains("CHECK constraint failed: state IN ("), "{error}");
    Ok(())
}

fn postgresql_refuses_an_unknown_number_state(cluster: &Cluster) -> Outcome {
    let url = migrate_postgresql(cluster)?.url;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(KNOWN_STATE).await?;
        let error = client.batch_execute(UNKNOWN_STATE).await.err().ok_or("an unknown state was accepted")?;
        assert!(format!("{error:?}").contains("numbers_state_check"), "{error:?}");
        Ok(())
    })
}

/// The tables that `schema.rs` declares.
fn tables_of_the_code() -> Tables {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/platform/src/store/schema.rs"))
            .unwrap();
    let mut tables = Tables::new();
    for block in text.split("diesel::table! {").skip(1) {
        let mut lines = block.lines().map(str::trim);
        let head = lines.find(|line| line.ends_with(") {")).unwrap();
        let columns = lines.take_while(|line| *line != "}").filter_map(|line| line.split_once(" -> "));
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind.starts_with("Nullable<"))).collect();
        tables.insert(head.split(' ').next().unwrap().to_owned(), columns);
    }
    assert!(tables.len() > 20, "schema.rs was not parsed");
    tables
}

/// A column, as either database describes it.
#[derive(QueryableByName, Clone, Debug)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table_name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    nullable: bool,
}

/// The CHECK constraints of a table, as the database prints them.
#[derive(QueryableByName)]
struct Checks {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table_name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

fn tables_of(columns: &[Column]) -> Tables {
    let mut tables = Tables::new();
    for column in columns {
        tables.entry(column.table_name.clone()).or_default().insert(column.name.clone(), column.nullable);
    }
    tables
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS table_name, c.name AS name, lower(c.type) AS kind, \
     c.\"notnull\" = 0 AS nullable \
     FROM sqlite_master m, pragma_table_info(m.name) c \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' \
     ORDER BY m.rootpage, c.cid";

/// A SQLite database after the last migration, with one row in every table.
struct MigratedSqlite {
    conn: SqliteConnection,
    tables: Tables,
}

/// A PostgreSQL database after the last migration, with one row in every table.
struct MigratedPostgresql {
    url: String,
    tables: Tables,
}

/// Runs the migrations one by one and inserts a row into each new table.
fn migrate_sqlite() -> Outcome<MigratedSqlite> {
    let mut conn = SqliteConnection::establish(":memory:")?;
    conn.batch_execute("PRAGMA foreign_keys = ON")?;
    let mut filled = Vec::new();
    for _ in migration_names("sqlite") {
        let source = FileBasedMigrations::from_path(folder("sqlite")).map_err(|error| error.to_string())?;
        conn.run_next_migration(source).map_err(|error| error.to_string())?;
        let columns: Vec<Column> = sql_query(SQLITE_COLUMNS).load(&mut conn)?;
        let checks: Vec<Checks> =
            sql_query("SELECT name AS table_name, sql AS text FROM sqlite_master WHERE type = 'table'")
                .load(&mut conn)?;
        fill(&columns, &checks, "", &mut filled, |insert| {
            conn.batch_execute(insert).map_err(|error| error.to_string())
        })?;
        for table in &filled {
            let rows: Vec<Text> = sql_query(format!("SELECT count(*) || '' AS text FROM {table}")).load(&mut conn)?;
            assert_eq!(rows[0].text, "1", "a migration lost the row of {table}");
        }
    }
    let broken: Vec<Text> = sql_query("SELECT \"table\" AS text FROM pragma_foreign_key_check").load(&mut conn)?;
    assert!(broken.is_empty(), "a foreign key of {:?} is broken", broken[0].text);
    let tables = tables_of(&sql_query(SQLITE_COLUMNS).load(&mut conn)?);
    Ok(MigratedSqlite { conn, tables })
}

const POSTGRESQL_COLUMNS: &str = "SELECT c.table_name, c.column_name, lower(c.data_type), c.is_nullable = 'YES' \
     FROM information_schema.columns c JOIN pg_class p ON p.relname = c.table_name AND p.relkind = 'r' \
     WHERE c.table_schema = 'public' AND left(c.table_name, 2) <> '__' ORDER BY p.oid, c.ordinal_position";

/// Runs the migrations one by one and inserts a row into each new table.
fn migrate_postgresql(cluster: &Cluster) -> Outcome<MigratedPostgresql> {
    let url = cluster.create_database();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let mut filled = Vec::new();
        for _ in migration_names("postgresql") {
            run_next_on_postgresql(&url).await?;
            let columns = postgresql_columns(&client).await?;
            let checks = "SELECT conrelid::regclass::text, string_agg(pg_get_constraintdef(oid), E'\\n') \
                          FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0 GROUP BY 1";
            let checks = client.query(checks, &[]).await?;
            let checks: Vec<Checks> =
                checks.iter().map(|row| Checks { table_name: row.get(0), text: row.get(1) }).collect();
            let mut inserts = Vec::new();
            // The audit's row needs the number that its seal refers to, not a generated one.
            fill(&columns, &checks, " OVERRIDING SYSTEM VALUE", &mut filled, |insert| {
                inserts.push(insert.to_owned());
                Ok(())
            })?;
            for insert in inserts {
                client.batch_execute(&insert).await.map_err(|error| format!("{insert}: {error:?}"))?;
            }
            for table in &filled {
                let rows: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await?.get(0);
                assert_eq!(rows, 1, "a migration lost the row of {table}");
            }
        }
        let tables = tables_of(&postgresql_columns(&client).await?);
        Ok(MigratedPostgresql { url: url.clone(), tables })
    })
}

async fn run_next_on_postgresql(url: &str) -> Outcome {
    use diesel_async::AsyncConnection as _;
    let conn = diesel_async::AsyncPgConnection::establish(url).await?;
    let source = FileBasedMigrations::from_path(folder("postgresql")).map_err(|error| error.to_string())?;
    let mut harness = diesel_async::AsyncMigrationHarness::new(conn);
    tokio::task::block_in_place(|| harness.run_next_migration(source).map(drop).map_err(|error| error.to_string()))?;
    Ok(())
}

async fn postgresql_columns(client: &tokio_postgres::Client) -> Outcome<Vec<Column>> {
    let rows = client.query(POSTGRESQL_COLUMNS, &[]).await?;
    let columns = rows.iter().map(|row| Column {
        table_name: row.get(0),
        name: row.get(1),
        kind: row.get(2),
        nullable: row.get(3),
    });
    Ok(columns.collect())
}

/// Inserts a row into every table that is new, in the order of their creation.
fn fill(
    columns: &[Column],
    checks: &[Checks],
    overriding: &str,
    filled: &mut Vec<String>,
    mut insert: impl FnMut(&str) -> Result<(), String>,
) -> Outcome {
    let mut tables: Vec<&str> = columns.iter().map(|column| column.table_name.as_str()).collect();
    tables.dedup();
    for (before, after) in RENAMED_TABLES {
        if tables.contains(&after) {
            filled.iter_mut().filter(|name| *name == before).for_each(|name| *name = after.to_owned());
        }
    }
    for table in tables {
        if filled.iter().any(|filled| filled == table) {
            continue;
        }
        let own: Vec<&Column> = columns.iter().filter(|column| column.table_name == table).collect();
        let names: Vec<&str> = own.iter().map(|column| column.name.as_str()).collect();
        let checks = checks.iter().find(|check| check.table_name == table).map_or("", |check| check.text.as_str());
        let values: Vec<String> = own.iter().map(|column| value(column, checks)).collect();
        // A migration can insert rows itself, as it does for the notification topics.
        let statement = format!(
            "INSERT INTO {table} ({}){overriding} SELECT {} WHERE NOT EXISTS (SELECT 1 FROM {table})",
            names.join(", "),
            values.join(", ")
        );
        insert(&statement).map_err(|error| format!("{statement}: {error}"))?;
        filled.push(table.to_owned());
    }
    Ok(())
}

/// A valid value of a column: the first word of its CHECK constraint, where it has one.
fn value(column: &Column, checks: &str) -> String {
    match column.kind.as_str() {
        "blob" => format!("x'{ID}'"),
        "uuid" => format!("'{ID}'::uuid"),
        "bytea" => format!("'\\x{ID}'::bytea"),
        "integer" | "bigint" | "smallint" => "1".to_owned(),
        "boolean" => "true".to_owned(),
        "json" | "jsonb" => "'{}'::jsonb".to_owned(),
        "text" => {
            let of_check = checks.lines().filter(|line| line.contains("CHECK")).find(|line| {
                let names = [format!("{} IN (", column.name), format!("({} = ANY", column.name)];
                names.iter().any(|name| line.contains(name.as_str()))
            });
            let of_later_check = WORDS_OF_LATER_CHECKS
                .iter()
                .find(|(table, name, _)| *table == column.table_name && *name == column.name)
                .map(|(_, _, word)| *word);
            let word = of_check.and_then(|line| line.split('\'').nth(1)).or(of_later_check).unwrap_or("{}");
            format!("'{word}'")
        }
        other => panic!("no value for the type {other} of {}.{}", column.table_name, column.name),
    }
}
