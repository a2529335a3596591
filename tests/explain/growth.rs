//! No hot query reads rows times rows: its work is measured at two sizes, with labels that match the searches.
//!
//! SQLite tells how many rows a statement visits by `sqlite3_stmt_status` alone, which no safe interface offers. The test
//! measures the time of the processor that the thread of each statement spends instead: it does not depend on other
//! programs. PostgreSQL runs statements in processes of its own, so there the plans are compared only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::support::{Actor, Database, TestApp};

/// The numbers of extensions. Both are larger than what a connection caches.
const SIZES: [usize; 2] = [8_000, 32_000];
/// How often each query is measured; the least time counts.
const ROUNDS: usize = 3;
/// How much more than its answer the work of a query may grow: measurements differ by about a third.
const SLACK: f64 = 2.0;
/// Work below this is not compared.
const FLOOR: Duration = Duration::from_millis(8);

/// How the answer of a query grows with the number of extensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Growth {
    /// The answer is a page.
    Constant,
    /// The answer counts, or orders, everything that matches.
    Linear,
}

impl Growth {
    fn factor(self) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Linear => f64::from(u32::try_from(SIZES[1] / SIZES[0]).unwrap()),
        }
    }
}

/// The queries of guests, then those of the owner of all extensions, then those of an operator.
const QUERIES: [&[(&str, Growth)]; 3] = [
    &[
        ("{ directory(event: \"demo\") { nodes { number label } } }", Growth::Constant),
        ("{ directory(event: \"demo\") { totalCount } }", Growth::Linear),
        ("{ directory(event: \"demo\", search: \"2\") { totalCount } }", Growth::Linear),
        ("{ directory(event: \"demo\", search: \"2\") { nodes { number } } }", Growth::Linear),
        ("{ directory(event: \"demo\", search: \"camp 2\") { totalCount } }", Growth::Linear),
        ("{ directory(event: \"demo\", search: \"camp\") { nodes { number } } }", Growth::Linear),
    ],
    &[
        ("{ groupInvitations { id } }", Growth::Linear),
        ("{ viewer { extensions { nodes { number } } } }", Growth::Constant),
        ("{ availableNumbers(event: \"demo\", serviceType: \"sip\", first: 10) }", Growth::Constant),
        ("{ availableNumbers(event: \"demo\", serviceType: \"sip\", from: \"2000\", first: 1000) }", Growth::Constant),
    ],
    &[
        ("{ extensions(event: \"demo\") { nodes { number owner { username } } } }", Growth::Constant),
        ("{ extensions(event: \"demo\", search: \"2\") { totalCount } }", Growth::Linear),
        ("{ extensions(event: \"demo\", search: \"2\") { nodes { number } } }", Growth::Linear),
    ],
];

/// The time of the processor that statements took, by the URL of their database.
static SPENT: Mutex<Option<HashMap<String, Duration>>> = Mutex::new(None);

/// Adds the time of one statement.
pub fn add(url: &str, spent: Duration) {
    if let Some(total) = SPENT.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(|all| all.get_mut(url))
    {
        *total += spent;
    }
}

/// The time that the current thread has spent on the processor.
pub fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

fn reset(url: &str) -> Duration {
    let mut spent = SPENT.lock().unwrap_or_else(PoisonError::into_inner);
    spent.get_or_insert_default().insert(url.to_owned(), Duration::ZERO).unwrap_or_default()
}

pub async fn no_hot_query_grows_faster_than_its_answer(folder: Arc<tempfile::TempDir>, database: Database) {
    let app = TestApp::start(folder, database, None).await;
    let Database::Sqlite(file) = &app.database else { return };
    let url = file.display().to_string();
    let callers = [app.guest(), app.user().await, app.operator().await];
    fill(&app, 1, SIZES[0]).await;
    let small = measure(&callers, &url).await;
    fill(&app, SIZES[0] + 1, SIZES[1]).await;
    let large = measure(&callers, &url).await;
    let mut faults = Vec::new();
    for (((query, growth), small), large) in QUERIES.iter().copied().flatten().zip(small).zip(large) {
        let allowed = small.mul_f64(growth.factor() * SLACK).max(FLOOR);
        if large > allowed {
            faults.push(format!("{query}: {small:?} for {} rows, {large:?} for {} rows", SIZES[0], SIZES[1]));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The time of the statements of each query.
async fn measure(callers: &[Actor; 3], url: &str) -> Vec<Duration> {
    let mut measured = Vec::new();
    for (caller, queries) in callers.iter().zip(QUERIES) {
        for (query, _) in queries {
            let mut least = Duration::MAX;
            for _ in 0..ROUNDS {
                reset(url);
                let body = caller.execute(query, json!({})).await;
                assert!(body["errors"].is_null(), "{query}: {body}");
                least = least.min(reset(url));
            }
            measured.push(least);
        }
    }
    measured
}

/// Inserts extensions of one owner. Every label has the word `camp` and a word that begins with 2, as its digits on a
/// keypad do.
pub async fn fill(app: &TestApp, first: usize, last: usize) {
    let statements =
        include_str!("growth.sql").replace("{first}", &first.to_string()).replace("{last}", &last.to_string());
    app.execute_sql(&statements, "").await;
}
