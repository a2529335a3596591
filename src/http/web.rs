//! The pages, embedded in the program.

use axum::response::Html;

/// The first page.
pub async fn index() -> Html<&'static str> {
    Html(include_str!("../../web/index.html"))
}
