//! The codes that a top-level GraphQL error may carry.

use std::fmt;

/// The `extensions.code` of an error of the request itself. Expected failures of a mutation are in its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// A variable, an argument, a header or the body cannot be accepted as it is.
    BadUserInput,
    /// The request needs credentials and has none.
    Unauthenticated,
    /// The caller is not allowed to do this, or another site sent the cookie.
    Forbidden,
    /// Too many requests, or too much cost, in a short time.
    RateLimited,
    /// One of the limits of a single request is exceeded.
    QueryTooComplex,
    /// The body is larger than the server reads.
    PayloadTooLarge,
    /// The server cannot answer now: try again later.
    Unavailable,
    /// The server failed.
    Internal,
    /// The object of a query does not exist, or the caller may not know of it.
    NotFound,
    /// The caller must give the password again.
    ReauthenticationRequired,
    /// The idempotency key was used for another request.
    IdempotencyMismatch,
    /// The request names a persisted query. The server keeps none; the client sends the document instead.
    PersistedQueryNotSupported,
}

impl ErrorCode {
    const ALL: [Self; 14] = [
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::RateLimited,
        Self::QueryTooComplex,
        Self::PayloadTooLarge,
        Self::Unavailable,
        Self::Internal,
        Self::NotFound,
        Self::ReauthenticationRequired,
        Self::IdempotencyMismatch,
        Self::PersistedQueryNotSupported,
    ];

    /// The code as the API spells it, for example `BAD_USER_INPUT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::RateLimited => "RATE_LIMITED",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
            Self::NotFound => "NOT_FOUND",
            Self::ReauthenticationRequired => "REAUTHENTICATION_REQUIRED",
            Self::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
        }
    }

    /// Parses the name of a code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn every_code_reads_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.as_str()), Some(code));
        }
    }
}
