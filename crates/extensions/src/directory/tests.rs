//! Comparison of the database search with the search in memory.

use diesel::ExpressionMethods as _;
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

use super::listing::{self, DirectoryFilter, EntryCursor, TermKind};
use super::model::Audience;
use crate::search::{MatchRank, Query, SearchTerms};
use crate::visibility::Visibility;
use numbering::number::Number;
use platform::ids::{AccountId, EventId, ExtensionId, RestrictionId, ServiceTypeId};
use platform::query;
use platform::store::DatabaseUrl;
use platform::store::schema::{accounts, directory_terms, events, extensions, restrictions, service_types};
use platform::store::types::JsonValue;
use platform::store::{Conn, Store};

const LABELS: [&str; 12] = [
    "Zebra",
    "The Zebra desk",
    "Zebra zebra 42",
    "Žebras of 2342",
    "Crew 23",
    "23 42",
    "Yeast & zeal",
    "Desk",
    "本部 42",
    "9327 desk",
    "Straße 93",
    "Weapon 93272",
];

/// An extension that the test inserts.
struct Fixture {
    id: ExtensionId,
    number: String,
    label: String,
    visibility: Visibility,
}

fn fixtures() -> Vec<Fixture> {
    let fixture = |index: usize| Fixture {
        id: ExtensionId(Uuid::from_u128(1_000 + index as u128)),
        number: (2_300 + (index * 37) % 97).to_string(),
        label: LABELS[index % LABELS.len()].to_owned(),
        visibility: Visibility::ALL[(index / 3) % 4],
    };
    (0..90).map(fixture).collect()
}

const EVENT: EventId = EventId(Uuid::from_u128(1));
const TYPE: ServiceTypeId = ServiceTypeId(Uuid::from_u128(2));
const OWNER: AccountId = AccountId(Uuid::from_u128(3));

async fn fill(conn: &mut Conn) -> diesel::QueryResult<()> {
    let empty = || JsonValue(serde_json::json!({}));
    query!(conn, |c| diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(OWNER),
            accounts::username.eq("o"),
            accounts::display_name.eq("o"),
            accounts::email.eq("o"),
            accounts::password_hash.eq(""),
            accounts::role.eq("USER"),
            accounts::search.eq(""),
            accounts::created_at.eq(0)
        ))
        .execute(c)
        .await)?;
    query!(conn, |c| diesel::insert_into(events::table)
        .values((
            events::id.eq(EVENT),
            events::slug.eq("camp"),
            events::name.eq("Camp"),
            events::phase.eq("OPEN"),
            events::time_zone.eq("UTC"),
            events::hold_seconds.eq(0),
            events::reserved_prefixes.eq(JsonValue(serde_json::json!([]))),
            events::next_slot.eq(1),
            events::created_at.eq(0)
        ))
        .execute(c)
        .await)?;
    query!(conn, |c| diesel::insert_into(service_types::table)
        .values((
            service_types::id.eq(TYPE),
            service_types::slug.eq("sip"),
            service_types::name.eq("SIP"),
            service_types::description.eq(""),
            service_types::instructions.eq(""),
            service_types::parameter_schema.eq(empty()),
            service_types::schema_version.eq(1),
            service_types::behaviour.eq("ENDPOINT"),
            service_types::privileged.eq(false),
            service_types::group_capable.eq(true),
            service_types::retired.eq(false),
            service_types::settings.eq(empty()),
            service_types::created_at.eq(0)
        ))
        .execute(c)
        .await)?;
    for (slot, fixture) in (0..).zip(fixtures()) {
        query!(conn, |c| diesel::insert_into(extensions::table)
            .values((
                extensions::id.eq(fixture.id),
                extensions::event_id.eq(EVENT),
                extensions::service_type_id.eq(TYPE),
                extensions::owner_id.eq(OWNER),
                extensions::slot.eq(slot),
                extensions::number.eq(&fixture.number),
                extensions::label.eq(&fixture.label),
                extensions::visibility.eq(fixture.visibility),
                extensions::parameters.eq(empty()),
                extensions::status.eq(empty()),
                extensions::created_at.eq(0),
                extensions::updated_at.eq(0),
                extensions::version.eq(1)
            ))
            .execute(c)
            .await)?;
        let terms = SearchTerms::of_label(&fixture.label);
        let terms = terms
            .words
            .iter()
            .map(|term| (TermKind::Word, term))
            .chain(terms.keypad.iter().map(|term| (TermKind::Keypad, term)));
        for (kind, term) in terms {
            query!(conn, |c| diesel::insert_into(directory_terms::table)
                .values((
                    directory_terms::event_id.eq(EVENT),
                    directory_terms::kind.eq(kind.as_str()),
                    directory_terms::term.eq(term),
                    directory_terms::number.eq(&fixture.number),
                    directory_terms::extension_id.eq(fixture.id)
                ))
                .execute(c)
                .await)?;
        }
    }
    Ok(())
}

async fn restrict(conn: &mut Conn, fixture: &Fixture, effects: &str) -> diesel::QueryResult<()> {
    query!(conn, |c| diesel::insert_into(restrictions::table)
        .values((
            restrictions::id.eq(RestrictionId(fixture.id.0)),
            restrictions::target_kind.eq("EXTENSION"),
            restrictions::target_id.eq(platform::store::types::Id(fixture.id.0)),
            restrictions::source.eq("ADMIN"),
            restrictions::effects.eq(effects),
            restrictions::reason.eq(""),
            restrictions::created_at.eq(0)
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Returns the numbers that the search in memory finds, by rank, then by number.
fn expected(query: Option<&Query>, audience: Audience, excluded: ExtensionId) -> Vec<String> {
    let mut found: Vec<_> = fixtures()
        .into_iter()
        .filter(|fixture| fixture.id != excluded && audience.visibilities().contains(&fixture.visibility))
        .filter_map(|fixture| {
            let number = Number::clean(&fixture.number).unwrap();
            let rank = query
                .map_or(Some(MatchRank::Number), |query| query.rank(&number, &SearchTerms::of_label(&fixture.label)));
            rank.map(|rank| (rank, fixture.number))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, number)| number).collect()
}

async fn listed(conn: &mut Conn, filter: &DirectoryFilter) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None::<EntryCursor>);
    loop {
        let page = listing::entries(conn, filter, after.as_ref(), 3).await.unwrap();
        let Some((key, _)) = page.last() else { return all };
        after = Some(key.to_string().parse().unwrap());
        all.extend(page.into_iter().map(|(_, entry)| entry.number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_and_the_search_in_memory_return_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&database(&folder)).await.unwrap();
    store
        .write(|conn| {
            Box::pin(async move {
                fill(conn).await?;
                let fixtures = fixtures();
                restrict(conn, &fixtures[0], "NO_CALLS").await?;
                Ok(restrict(conn, &fixtures[1], "NO_EXTERNAL_CALLS").await?)
            })
        })
        .await
        .unwrap();
    let excluded = fixtures()[0].id;
    let mut conn = store.read().await.unwrap();
    for search in [
        "",
        "2342",
        "23",
        "2",
        "93",
        "93272",
        "zeb",
        "zebra desk",
        "desk the z",
        "23 42",
        "本",
        "str",
        "!?",
        "nobody",
        "42",
    ] {
        for audience in [Audience::Guests, Audience::Members, Audience::Staff] {
            let query = Query::parse(search);
            let mut filter = DirectoryFilter { search: query.clone(), ..DirectoryFilter::all(EVENT, audience) };
            let expected = expected(query.as_ref(), audience, excluded);
            assert_eq!(listed(&mut conn, &filter).await, expected, "{search:?} for {audience:?}");
            assert_eq!(usize::try_from(listing::total(&mut conn, &filter).await.unwrap()).unwrap(), expected.len());
            filter.highlighted = Some(true);
            assert_eq!(listed(&mut conn, &filter).await, Vec::<String>::new());
            filter = DirectoryFilter { highlighted: Some(false), service_types: Some(vec![TYPE]), ..filter };
            assert_eq!(listed(&mut conn, &filter).await, expected);
            filter.service_types = Some(Vec::new());
            assert_eq!(listing::total(&mut conn, &filter).await.unwrap(), 0);
        }
    }
}

fn database(folder: &tempfile::TempDir) -> DatabaseUrl {
    DatabaseUrl::Sqlite(folder.path().join("directory.db"))
}
