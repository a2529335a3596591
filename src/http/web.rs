//! The pages: static files, embedded in the program. Debug builds read them from the source folder, so that a change shows
//! at once.

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};

/// The paths at which the shell answers; its script shows the page that the path names.
const PAGES: [&str; 14] = [
    "/",
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

/// The shell that every page starts from.
const SHELL: Asset = Asset { name: "index.html", embedded: include_bytes!("../../web/index.html") };

/// One file of `web/`.
struct Asset {
    /// Its path within `web/`.
    name: &'static str,
    embedded: &'static [u8],
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(Asset { name: concat!("assets/", $name), embedded: include_bytes!(concat!("../../web/assets/", $name)) }),*]
    };
}

/// Every file of `web/assets`; a test compares the folder.
const ASSETS: &[Asset] = assets![
    "app.css",
    "app.js",
    "csv.js",
    "elements.js",
    "icon.svg",
    "messages/de.json",
    "messages/en.json",
    "page.js",
    "pages/admin-config.js",
    "pages/admin-import.js",
    "pages/admin.js",
    "pages/desk.js",
    "pages/directory.js",
    "pages/numbers.js",
    "pages/person.js",
    "playground.css",
    "playground.js",
    "router.js",
    "schema.js",
    "server.js",
];

/// The routes of all pages.
pub fn pages<S: Clone + Send + Sync + 'static>() -> Router<S> {
    PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(shell)))
}

/// The routes of the files that pages load.
pub fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{*name}", get(asset))
}

async fn shell(headers: HeaderMap) -> Response {
    SHELL.answer(&headers)
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let found = ASSETS.iter().find(|asset| asset.name.strip_prefix("assets/") == Some(&*name));
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |asset| asset.answer(&headers))
}

impl Asset {
    /// The file, or that the browser's copy is still right. A copy is kept and asked for again each time.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let bytes = self.bytes();
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        // A proxy that compresses makes the tag weak.
        if known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)) {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
        }
        let told = [
            (header::CONTENT_TYPE, self.content_type().to_owned()),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
            (header::ETAG, etag),
        ];
        (told, bytes.into_owned()).into_response()
    }

    fn bytes(&self) -> Cow<'static, [u8]> {
        if cfg!(debug_assertions)
            && let Ok(bytes) = std::fs::read(format!("{}/web/{}", env!("CARGO_MANIFEST_DIR"), self.name))
        {
            return Cow::Owned(bytes);
        }
        Cow::Borrowed(self.embedded)
    }

    fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("json") => "application/json",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
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
                let within = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/web")).unwrap();
                found.insert(within.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_is_embedded() {
        let mut there = BTreeSet::new();
        files_below(FilePath::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/assets")), &mut there);
        assert_eq!(there, ASSETS.iter().map(|asset| asset.name.to_owned()).collect());
        assert!(ASSETS.iter().all(|asset| asset.content_type() != "application/octet-stream"));
    }

    #[test]
    fn the_shell_loads_only_what_is_there() {
        let shell = std::str::from_utf8(SHELL.embedded).unwrap();
        for named in shell.split('"').filter_map(|part| part.strip_prefix("/assets/")) {
            assert!(ASSETS.iter().any(|asset| asset.name == format!("assets/{named}")), "{named}");
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
    async fn a_page_and_its_files_are_served_and_kept() {
        for path in ["/", "/me/2342", "/operate/audit", "/assets/app.js"] {
            let answer = get_path(path, None).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let etag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
            assert_eq!(get_path(path, Some(&format!("W/{etag}"))).await.status(), StatusCode::NOT_MODIFIED);
        }
        for path in ["/nowhere", "/assets/", "/assets/../index.html", "/assets/nothing.js"] {
            assert_eq!(get_path(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
