//! The public schema is a committed file: a change of the API shows in review.

use libtest_mimic::Trial;

/// The tests of the schema.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("contract::the_printed_schema_is_committed", || {
        let printed = switchboard::app::core_schema().sdl();
        let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql"))?;
        if printed == committed {
            Ok(())
        } else {
            Err("schema.graphql is not what the code prints: `cargo run -- schema > schema.graphql`".into())
        }
    })]
}
