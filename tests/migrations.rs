//! Two folders of migrations that must come to the same: the same steps, the same tables, columns and nullability, as
//! the code believes them to be, and each step over a database with data in it.
//!
//! Every table has one row before each step that comes after it. All ids are one id, so that every reference holds.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use libtest_mimic::Trial;

use crate::postgres::Cluster;

/// Whether each column may be null, by table and column.
type Tables = BTreeMap<String, BTreeMap<String, bool>>;

/// The one id of all rows.
const ID: &str = "0198f00dbeef70008000000000000001";

/// The tests of the migrations; those of PostgreSQL are ignored without a cluster.
pub fn trials(cluster: Option<&Cluster>, may_skip: bool) -> Vec<Trial> {
    let (one, other) = (cluster.cloned(), cluster.cloned());
    let without = cluster.is_none() && may_skip;
    vec![
        Trial::test("migrations::both_folders_have_the_same_steps", the_same_steps),
        Trial::test("migrations::sqlite_steps_over_data", || compare(&sqlite_step_by_step()?, &written_in_code())),
        Trial::test("migrations::postgresql_steps_over_data", move || {
            let cluster = one.ok_or("PostgreSQL's binaries are missing")?;
            compare(&postgresql_step_by_step(&cluster)?, &written_in_code())
        })
        .with_ignored_flag(without),
        Trial::test("migrations::both_databases_come_to_the_same", move || {
            let cluster = other.ok_or("PostgreSQL's binaries are missing")?;
            compare(&postgresql_step_by_step(&cluster)?, &sqlite_step_by_step()?)
        })
        .with_ignored_flag(without),
    ]
}

type Outcome<T = ()> = Result<T, libtest_mimic::Failed>;

fn folder(dialect: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect)
}

fn steps(dialect: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder(dialect))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn the_same_steps() -> Outcome {
    let (sqlite, postgresql) = (steps("sqlite"), steps("postgresql"));
    if sqlite == postgresql && !sqlite.is_empty() {
        return Ok(());
    }
    Err(format!("sqlite has {sqlite:?}, postgresql has {postgresql:?}").into())
}

fn compare(found: &Tables, wanted: &Tables) -> Outcome {
    let mut differences = Vec::new();
    for table in found.keys().chain(wanted.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (left, right) = (found.get(table), wanted.get(table));
        if left != right {
            differences.push(format!("{table}:\n  {left:?}\n  {right:?}"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// The tables as `src/store/schema.rs` says them.
fn written_in_code() -> Tables {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/schema.rs")).unwrap();
    let mut tables = Tables::new();
    for block in text.split("diesel::table! {").skip(1) {
        let mut lines = block.lines().map(str::trim);
        let head = lines.find(|line| line.ends_with(") {")).unwrap();
        let columns = lines.take_while(|line| *line != "}").filter_map(|line| line.split_once(" -> "));
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind.starts_with("Nullable<"))).collect();
        tables.insert(head.split(' ').next().unwrap().to_owned(), columns);
    }
    assert!(tables.len() > 20, "the tables of the code were not found");
    tables
}

/// A column, as either database describes it.
#[derive(QueryableByName, Clone, Debug)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    tbl: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    col: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    nullable: bool,
}

/// What a table's columns may hold, as the database prints it.
#[derive(QueryableByName)]
struct Checks {
    #[diesel(sql_type = diesel::sql_types::Text)]
    tbl: String,
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
        tables.entry(column.tbl.clone()).or_default().insert(column.col.clone(), column.nullable);
    }
    tables
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS tbl, c.name AS col, lower(c.type) AS kind, c.\"notnull\" = 0 AS nullable \
     FROM sqlite_master m, pragma_table_info(m.name) c \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY m.rootpage, c.cid";

fn sqlite_step_by_step() -> Outcome<Tables> {
    let mut conn = SqliteConnection::establish(":memory:")?;
    conn.batch_execute("PRAGMA foreign_keys = ON")?;
    let mut filled = Vec::new();
    for _ in steps("sqlite") {
        let source = FileBasedMigrations::from_path(folder("sqlite")).map_err(|error| error.to_string())?;
        conn.run_next_migration(source).map_err(|error| error.to_string())?;
        let columns: Vec<Column> = sql_query(SQLITE_COLUMNS).load(&mut conn)?;
        let checks: Vec<Checks> =
            sql_query("SELECT name AS tbl, sql AS text FROM sqlite_master WHERE type = 'table'").load(&mut conn)?;
        fill(&columns, &checks, "", &mut filled, |insert| {
            conn.batch_execute(insert).map_err(|error| error.to_string())
        })?;
        for table in &filled {
            let rows: Vec<Text> = sql_query(format!("SELECT count(*) || '' AS text FROM {table}")).load(&mut conn)?;
            assert_eq!(rows[0].text, "1", "the row of {table} did not outlive a step");
        }
    }
    let broken: Vec<Text> = sql_query("SELECT \"table\" AS text FROM pragma_foreign_key_check").load(&mut conn)?;
    assert!(broken.is_empty(), "references of {:?} are broken", broken[0].text);
    Ok(tables_of(&sql_query(SQLITE_COLUMNS).load(&mut conn)?))
}

const POSTGRESQL_COLUMNS: &str = "SELECT c.table_name, c.column_name, lower(c.data_type), c.is_nullable = 'YES' \
     FROM information_schema.columns c JOIN pg_class p ON p.relname = c.table_name AND p.relkind = 'r' \
     WHERE c.table_schema = 'public' AND left(c.table_name, 2) <> '__' ORDER BY p.oid, c.ordinal_position";

fn postgresql_step_by_step(cluster: &Cluster) -> Outcome<Tables> {
    let url = cluster.database();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let mut filled = Vec::new();
        for _ in steps("postgresql") {
            next_on_postgresql(&url).await?;
            let columns = postgresql_columns(&client).await?;
            let checks = "SELECT conrelid::regclass::text, string_agg(pg_get_constraintdef(oid), E'\\n') \
                          FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0 GROUP BY 1";
            let checks = client.query(checks, &[]).await?;
            let checks: Vec<Checks> = checks.iter().map(|row| Checks { tbl: row.get(0), text: row.get(1) }).collect();
            let mut inserts = Vec::new();
            // The audit numbers its rows itself; a row with the number of its seal is wanted here.
            fill(&columns, &checks, " OVERRIDING SYSTEM VALUE", &mut filled, |insert| {
                inserts.push(insert.to_owned());
                Ok(())
            })?;
            for insert in inserts {
                client.batch_execute(&insert).await.map_err(|error| format!("{insert}: {error:?}"))?;
            }
            for table in &filled {
                let rows: i64 = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await?.get(0);
                assert_eq!(rows, 1, "the row of {table} did not outlive a step");
            }
        }
        Ok(tables_of(&postgresql_columns(&client).await?))
    })
}

async fn next_on_postgresql(url: &str) -> Outcome {
    use diesel_async::AsyncConnection as _;
    let conn = diesel_async::AsyncPgConnection::establish(url).await?;
    let source = FileBasedMigrations::from_path(folder("postgresql")).map_err(|error| error.to_string())?;
    let mut harness = diesel_async::AsyncMigrationHarness::new(conn);
    tokio::task::block_in_place(|| harness.run_next_migration(source).map(drop).map_err(|error| error.to_string()))?;
    Ok(())
}

async fn postgresql_columns(client: &tokio_postgres::Client) -> Outcome<Vec<Column>> {
    let rows = client.query(POSTGRESQL_COLUMNS, &[]).await?;
    let columns =
        rows.iter().map(|row| Column { tbl: row.get(0), col: row.get(1), kind: row.get(2), nullable: row.get(3) });
    Ok(columns.collect())
}

/// Puts a row into every table that has none yet, in the order in which they were made.
fn fill(
    columns: &[Column],
    checks: &[Checks],
    overriding: &str,
    filled: &mut Vec<String>,
    mut insert: impl FnMut(&str) -> Result<(), String>,
) -> Outcome {
    let mut tables: Vec<&str> = columns.iter().map(|column| column.tbl.as_str()).collect();
    tables.dedup();
    for table in tables {
        if filled.iter().any(|done| done == table) {
            continue;
        }
        let own: Vec<&Column> = columns.iter().filter(|column| column.tbl == table).collect();
        let names: Vec<&str> = own.iter().map(|column| column.col.as_str()).collect();
        let checks = checks.iter().find(|check| check.tbl == table).map_or("", |check| check.text.as_str());
        let values: Vec<String> = own.iter().map(|column| value(column, checks)).collect();
        // A step may bring rows of its own, as it does for the doorbell's topics.
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

/// A value that the column takes: its check's first word where it has one.
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
                let names = [format!("{} IN (", column.col), format!("({} = ANY", column.col)];
                names.iter().any(|name| line.contains(name.as_str()))
            });
            let word = of_check.and_then(|line| line.split('\'').nth(1)).unwrap_or("{}");
            format!("'{word}'")
        }
        other => panic!("a column of a kind that the test does not know: {other} in {}", column.tbl),
    }
}
