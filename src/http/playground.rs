//! GraphiQL at `/graphiql`, from the local folder that `install-assets` fills, else from a CDN.
//!
//! `web/playground/assets.json` pins each file by version and hash, and the browser refuses every other file. The page
//! has its own content security policy, because GraphiQL inserts styles.

use std::path::{Path as FilePath, PathBuf};

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;

use super::http_error::HttpError;
use super::url_path::UrlPath;

/// The files that the page loads, in this order.
const ASSETS: &str = include_str!("../../web/playground/assets.json");

/// The source of files that are not installed.
const CDN: &str = "https://cdn.jsdelivr.net";

/// The folder of installed files, in the source folder.
const FOLDER: &str = "web/playground/assets";

/// A pinned file of an npm package.
#[derive(Deserialize)]
struct Pinned {
    /// The name in the local folder.
    name: String,
    package: String,
    version: String,
    /// The path within the package.
    path: String,
    /// Subresource integrity.
    integrity: String,
}

/// The page and its local files.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/graphiql", get(page)).route("/graphiql/{name}", get(file))
}

fn pinned() -> Vec<Pinned> {
    serde_json::from_str(ASSETS).unwrap_or_default()
}

/// The folder that holds all files: below the working directory, or below the source folder.
fn installed(pinned: &[Pinned]) -> Option<PathBuf> {
    [FilePath::new(FOLDER).to_owned(), FilePath::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)]
        .into_iter()
        .find(|folder| pinned.iter().all(|asset| folder.join(&asset.name).is_file()))
}

async fn page() -> Response {
    let pinned = pinned();
    let is_installed = installed(&pinned).is_some();
    let policy = policy(&pinned, is_installed);
    let head = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (head, document(&pinned, is_installed)).into_response()
}

/// The content security policy: this server's own files, and exactly the pinned files of the CDN where they are loaded
/// from there. Another file of the CDN would run with the rights of the page, too.
fn policy(pinned: &[Pinned], is_installed: bool) -> String {
    let sources = |is_style: bool| -> String {
        let wanted = pinned.iter().filter(|asset| !is_installed && asset.is_style() == is_style);
        wanted.map(|asset| format!(" {}", asset.url(false))).collect()
    };
    let (scripts, styles) = (sources(false), sources(true));
    format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'{styles}; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

impl Pinned {
    fn is_style(&self) -> bool {
        self.name.ends_with(".css")
    }

    /// Where the page loads the file from.
    fn url(&self, is_installed: bool) -> String {
        let Self { name, package, version, path, .. } = self;
        if is_installed { format!("/graphiql/{name}") } else { format!("{CDN}/npm/{package}@{version}/{path}") }
    }
}

fn document(pinned: &[Pinned], is_installed: bool) -> String {
    let mut head = String::new();
    let mut scripts = String::new();
    for asset in pinned {
        let (url, integrity) = (asset.url(is_installed), &asset.integrity);
        let checked = format!("integrity=\"{integrity}\" crossorigin=\"anonymous\"");
        if asset.is_style() {
            head.push_str(&format!("<link rel=\"stylesheet\" href=\"{url}\" {checked}>\n"));
        } else {
            scripts.push_str(&format!("<script defer src=\"{url}\" {checked}></script>\n"));
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>API playground · Switchboard</title>\n\
         <link rel=\"icon\" href=\"/assets/icon.svg\" type=\"image/svg+xml\">\n{head}\
         <link rel=\"stylesheet\" href=\"/assets/playground.css\">\n{scripts}\
         <script type=\"module\" src=\"/assets/playground.js\"></script>\n</head>\n<body>\n<main id=\"playground\"></main>\n\
         <div id=\"unreachable\" hidden><h1>API playground</h1><p>GraphiQL is not installed here, and cannot be reached at {CDN}. \
         With Node.js, in the source folder:</p><pre>npm ci --prefix web/playground\nnpm run --prefix web/playground install-assets</pre>\
         <p>Any GraphQL client can use <code>/graphql</code> meanwhile.</p></div>\n</body>\n</html>\n"
    )
}

async fn file(UrlPath(name): UrlPath<String>) -> Response {
    let pinned = pinned();
    // Only pinned names are served, so no path leads out of the folder.
    let found =
        pinned.iter().find(|asset| asset.name == name).and_then(|asset| Some(installed(&pinned)?.join(&asset.name)));
    let Some(path) = found else { return HttpError::no_such_path().into_response() };
    let content_type =
        if name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    match tokio::fs::read(path).await {
        Ok(bytes) => {
            ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], bytes).into_response()
        }
        Err(_) => HttpError::no_such_path().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use tower::ServiceExt as _;

    use super::*;

    #[test]
    fn every_file_is_pinned_by_version_and_hash() {
        let pinned = pinned();
        assert_eq!(pinned.len(), 5);
        assert!(pinned.iter().all(|asset| asset.integrity.starts_with("sha384-") && !asset.version.is_empty()));
    }

    #[test]
    fn installed_files_are_loaded_from_this_server_only() {
        let local = document(&pinned(), true);
        assert!(!local.contains("src=\"https:") && !local.contains("href=\"https:"), "{local}");
        let remote = document(&pinned(), false);
        assert_eq!(remote.matches("=\"https://cdn.jsdelivr.net/npm/").count(), 5);
        assert_eq!(remote.matches("integrity=\"sha384-").count(), 5);
    }

    #[test]
    fn the_policy_names_the_pinned_files_only() {
        let pinned = pinned();
        assert!(!policy(&pinned, true).contains("https:"));
        let remote = policy(&pinned, false);
        let sources: Vec<_> = remote.split([' ', ';']).filter(|source| source.starts_with("https:")).collect();
        assert_eq!(sources.len(), 5);
        for source in sources {
            assert!(document(&pinned, false).contains(&format!("=\"{source}\"")), "{source}");
        }
    }

    #[tokio::test]
    async fn the_page_has_its_own_policy_and_only_pinned_files_are_served() {
        let get = |path: &str| routes::<()>().oneshot(Request::builder().uri(path).body(Body::empty()).unwrap());
        let page = get("/graphiql").await.unwrap();
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe-eval"),
            "{policy}"
        );
        for path in ["/graphiql/assets.json", "/graphiql/..%2Fassets.json", "/graphiql/nothing.js"] {
            assert_eq!(get(path).await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
