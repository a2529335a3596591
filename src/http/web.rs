//! The pages: static files, embedded in release builds and read from `web/assets` in debug builds.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::http_error::HttpError;
use super::url_path::UrlPath;

/// The paths that answer with the document of the pages; its script shows the page that the path names.
///
/// Pages that act on an event stand below `/e/{event}`. The paths without an event are those of earlier versions: the
/// script adds the event.
const PAGES: [&str; 16] = [
    "/",
    "/e/{event}",
    "/e/{event}/{*rest}",
    "/signin",
    "/signup",
    "/verify",
    "/reset",
    "/setup",
    "/me",
    "/me/new",
    "/me/{number}",
    "/account",
    "/operate",
    "/operate/{*rest}",
    "/admin",
    "/admin/{*rest}",
];

/// The document of the pages.
const DOCUMENT: &str = "index.html";

/// The files of the pages.
#[derive(RustEmbed)]
#[folder = "web/assets"]
struct Assets;

/// Returns the routes of all pages.
pub fn pages<S: Clone + Send + Sync + 'static>() -> Router<S> {
    PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(document)))
}

/// Returns the routes of the files that pages load.
pub fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{*name}", get(asset))
}

async fn document(headers: HeaderMap) -> Response {
    respond(DOCUMENT, &headers)
}

async fn asset(UrlPath(name): UrlPath<String>, headers: HeaderMap) -> Response {
    respond(&name, &headers)
}

/// Responds with a file, or with 304 where the client has this version (RFC 9110, section 13.1.2).
///
/// `no-cache` lets clients keep a file and makes them revalidate it each time.
fn respond(name: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Assets::get(name) else {
        return HttpError::no_such_path().into_response();
    };
    let etag = etag(&file);
    if has_version(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let response_headers = [
        (header::CONTENT_TYPE, content_type(name).to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, etag),
    ];
    if let Some(script) = script_text(name, &file) {
        return (response_headers, without_comments(script)).into_response();
    }
    (response_headers, file.data.into_owned()).into_response()
}

/// Returns the text of a file that is a script.
fn script_text<'file>(name: &str, file: &'file EmbeddedFile) -> Option<&'file str> {
    name.ends_with(".js").then(|| std::str::from_utf8(&file.data).ok()).flatten()
}

/// Empties the lines of a script that are comments, which are a third of its compressed size.
///
/// The lines themselves stay, so line numbers in a browser are those of the source. A comment with code behind it stays.
fn without_comments(script: &str) -> String {
    let mut is_inside = false;
    let mut stripped = String::with_capacity(script.len());
    for line in script.lines() {
        let text = line.trim();
        let is_comment = is_inside || text.starts_with("//") || is_block_comment(text);
        if is_inside || text.starts_with("/*") {
            is_inside = !text.contains("*/");
        }
        if !is_comment {
            stripped.push_str(line);
        }
        stripped.push('\n');
    }
    stripped
}

/// Tells whether a line begins a block comment and has nothing behind it.
fn is_block_comment(line: &str) -> bool {
    line.starts_with("/*") && line.find("*/").is_none_or(|end| end + 2 == line.len())
}

/// Returns the entity tag of a file: the first half of its SHA-256.
fn etag(file: &EmbeddedFile) -> String {
    format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]))
}

/// Tells whether `If-None-Match` names an entity tag. A proxy that compresses turns it into a weak one.
fn has_version(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}

/// Returns the content type for a file name.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path as FilePath;

    use axum::body::Body;
    use axum::extract::Request;
    use tower::ServiceExt as _;

    use super::*;

    fn files_below(folder: &FilePath, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, found);
            } else {
                let within = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/web/assets")).unwrap();
                found.insert(within.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_is_embedded() {
        let mut present = BTreeSet::new();
        files_below(FilePath::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/assets")), &mut present);
        assert_eq!(present, Assets::iter().map(|name| name.into_owned()).collect());
        assert!(present.iter().all(|name| content_type(name) != "application/octet-stream"));
    }

    #[test]
    fn the_document_loads_only_existing_files() {
        let document = Assets::get(DOCUMENT).unwrap();
        let text = std::str::from_utf8(&document.data).unwrap();
        let loaded: Vec<_> = text.split('"').filter_map(|part| part.strip_prefix("/assets/")).collect();
        assert!(!loaded.is_empty());
        for name in loaded {
            assert!(Assets::get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn scripts_are_served_without_comments() {
        let script = "// A file.\n/**\n * A block.\n */\nconst a = /** @type {A} */ (b); // behind\n  /** One line. */\n\
                      /** @type {A} */ (c).d();\nconst e = 'https://example.org';\n";
        let served = "\n\n\n\nconst a = /** @type {A} */ (b); // behind\n\n/** @type {A} */ (c).d();\n\
                      const e = 'https://example.org';\n";
        assert_eq!(without_comments(script), served);
        for name in Assets::iter() {
            let file = Assets::get(&name).unwrap();
            let Some(source) = script_text(&name, &file) else { continue };
            assert_eq!(without_comments(source).lines().count(), source.lines().count(), "{name}");
        }
    }

    async fn get_path(path: &str, etag: Option<&str>) -> Response {
        let mut request = Request::builder().uri(path);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        pages::<()>().merge(files()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn pages_and_files_are_served_and_revalidated() {
        let pages = ["/", "/me/2342", "/operate/audit", "/e/demo", "/e/demo/me/2342", "/e/demo/admin/services/sip"];
        for path in pages.into_iter().chain(["/assets/app.js", "/assets/messages/de.json"]) {
            let response = get_path(path, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache", "{path}");
            let etag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
            assert_eq!(get_path(path, Some(&format!("W/{etag}"))).await.status(), StatusCode::NOT_MODIFIED);
        }
        for path in [
            "/nowhere",
            "/e/",
            "/assets/",
            "/assets/../index.html",
            "/assets/..%2F..%2FCargo.toml",
            "/assets/nothing.js",
        ] {
            assert_eq!(get_path(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
