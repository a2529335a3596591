//! The parameters of a path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::http_error::HttpError;

/// The parameters of a path, as [`Path`]. A path that is not UTF-8 names nothing: 404, with the JSON body of errors.
pub struct UrlPath<T>(pub T);

impl<S, T> FromRequestParts<S> for UrlPath<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Path(parameters) = Path::from_request_parts(parts, state).await.map_err(|_| HttpError::no_such_path())?;
        Ok(Self(parameters))
    }
}
