//! Expressions that tell SQLite how to run a statement. PostgreSQL's planner needs none of them.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Bool;
use diesel::sqlite::{Sqlite, SqliteConnection};

use crate::deadline;

#[diesel::declare_sql_function]
extern "SQL" {
    /// Returns true until the deadline of the running operation, then fails.
    #[sql_name = "within_deadline"]
    fn deadline_function() -> Bool;
}

/// What the SQL function returns for one row: true, or an error.
#[derive(Debug)]
struct Tick {
    is_over: bool,
}

impl ToSql<Bool, Sqlite> for Tick {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if self.is_over {
            return Err(deadline::PASSED.into());
        }
        out.set_value(1_i32);
        Ok(IsNull::No)
    }
}

/// How many rows of a statement are visited between two looks at the clock.
const ROWS_PER_CHECK: u32 = 64;

/// A condition that is always true. A SQLite statement that has it ends with an error when the operation's deadline
/// passes: SQLite evaluates it for each row of the statement's outer loop.
///
/// SQLite offers `sqlite3_progress_handler` for this, which diesel 2.3 does not expose. PostgreSQL statements are
/// cancelled by the store instead, so the condition is not part of them.
pub const fn within_deadline() -> WithinDeadline {
    WithinDeadline
}

/// The expression of [`within_deadline`].
#[derive(Clone, Copy, Debug, QueryId)]
pub struct WithinDeadline;

impl Expression for WithinDeadline {
    type SqlType = Bool;
}

impl<Table> AppearsOnTable<Table> for WithinDeadline {}

impl<Table> SelectableExpression<Table> for WithinDeadline {}

impl<GroupBy> ValidGrouping<GroupBy> for WithinDeadline {
    type IsAggregate = is_aggregate::Never;
}

impl QueryFragment<Sqlite> for WithinDeadline {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        pass.push_sql("within_deadline()");
        Ok(())
    }
}

impl QueryFragment<Pg> for WithinDeadline {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql("TRUE");
        Ok(())
    }
}

/// A column that SQLite does not look up in an index, for a condition that other conditions imply. SQLite then uses the
/// index of those; its statistics alone would not tell it (the unary `+` of its query planner).
pub const fn unindexed<E>(column: E) -> Unindexed<E> {
    Unindexed(column)
}

/// The expression of [`unindexed`].
#[derive(Clone, Copy, Debug, QueryId)]
pub struct Unindexed<E>(E);

impl<E: Expression> Expression for Unindexed<E> {
    type SqlType = E::SqlType;
}

impl<E, Table> AppearsOnTable<Table> for Unindexed<E>
where
    E: AppearsOnTable<Table>,
    Self: Expression,
{
}

impl<E, Table> SelectableExpression<Table> for Unindexed<E>
where
    E: SelectableExpression<Table>,
    Self: AppearsOnTable<Table>,
{
}

impl<E, GroupBy> ValidGrouping<GroupBy> for Unindexed<E>
where
    E: ValidGrouping<GroupBy>,
{
    type IsAggregate = E::IsAggregate;
}

impl<E> QueryFragment<Sqlite> for Unindexed<E>
where
    E: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        pass.push_sql("+");
        self.0.walk_ast(pass)
    }
}

impl<E> QueryFragment<Pg> for Unindexed<E>
where
    E: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }
}

/// Registers the function of [`within_deadline`] on a connection.
pub(super) fn register(conn: &mut SqliteConnection) -> QueryResult<()> {
    let mut visited = 0_u32;
    deadline_function_utils::register_nondeterministic_impl(conn, move || {
        visited = visited.wrapping_add(1);
        Tick { is_over: visited % ROWS_PER_CHECK == 1 && deadline::is_over() }
    })
}
