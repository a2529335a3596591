//! The signature of a delivery: the receiver verifies the sender and the body, and refuses old deliveries by the time
//! in it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use platform::clock::Timestamp;
use platform::secrets::Secret;

/// The name of the header.
pub const HEADER: &str = "Switchboard-Signature";

/// The value of the header: `t=<Unix time in seconds>,v1=<hex>`, where `v1` is HMAC-SHA256 (RFC 2104) over `t`, a dot
/// and the body, keyed with the text of the secret.
pub fn sign(secret: &Secret, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.seconds_since(Timestamp(0));
    // HMAC accepts keys of every length, so this does not fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return String::new() };
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_equals_that_of_openssl() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let signed = sign(&Secret::new("whsec_test"), Timestamp(1_700_000_000_000_000), b"{}");
        assert_eq!(signed, "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91");
        assert_ne!(signed, sign(&Secret::new("whsec_other"), Timestamp(1_700_000_000_000_000), b"{}"));
    }
}
