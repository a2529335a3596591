//! E-mail addresses in the one form in which they are stored, compared and mailed to.

/// Maximum length of the part before the `@`, in bytes (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// Maximum length of an address, in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const MAX_BYTES: usize = 254;

/// Returns the address with its domain in A-labels and lower case (RFC 5890, section 2.3.2.1): `a@EXÄMPLE.org` and
/// `a@xn--exmple-cua.org` are the same mailbox. `None` if the text is not one address that any mail server can be
/// given:
///
/// - The part before the `@` is a dot-string (RFC 5321, section 4.1.2). A quoted one is not accepted by every server,
///   and one that is not ASCII needs a server with SMTPUTF8 (RFC 6531); browsers refuse both (HTML, section 4.10.5.1.5).
/// - The domain is a name, not the address of a host, which would be mailed to without a look-up in the DNS.
pub fn normalize_address(text: &str) -> Option<String> {
    // Checks the length before any other work, because the text may be as long as a request.
    if text.len() > 4 * MAX_BYTES {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    if local.len() > MAX_LOCAL_BYTES || !local.split('.').all(is_atom) {
        return None;
    }
    let address = format!("{local}@{}", normalize_domain(domain)?);
    // The parser that builds the envelope has the last word.
    (address.len() <= MAX_BYTES && address.parse::<lettre::Address>().is_ok()).then_some(address)
}

/// Returns whether `text` is one address that any mail server can be given; see [`normalize_address`].
pub fn is_address(text: &str) -> bool {
    normalize_address(text).is_some()
}

/// An atom (RFC 5322, section 3.2.3).
fn is_atom(text: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    !text.is_empty() && text.bytes().all(is_atext)
}

fn normalize_domain(text: &str) -> Option<String> {
    // The parser of hosts decodes percent signs and brackets.
    if text.contains(['%', '[', ':']) {
        return None;
    }
    let url::Host::Domain(domain) = url::Host::parse(text).ok()? else { return None };
    domain.split('.').all(is_label).then_some(domain)
}

/// A label of letters, digits and hyphens (RFC 1123, section 2.1).
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_domain_is_in_a_labels_and_lower_case() {
        for (text, normalized) in [
            ("a@example.org", "a@example.org"),
            ("Arthur.Dent+camp@SUB.Example.ORG", "Arthur.Dent+camp@sub.example.org"),
            ("user@exämple.org", "user@xn--exmple-cua.org"),
            ("user@EXÄMPLE.org", "user@xn--exmple-cua.org"),
            ("user@exa\u{308}mple.org", "user@xn--exmple-cua.org"),
            ("user@xn--exmple-cua.org", "user@xn--exmple-cua.org"),
            ("a@例子.广告", "a@xn--fsqu00a.xn--4rr70v"),
            ("switchboard@localhost", "switchboard@localhost"),
        ] {
            assert_eq!(normalize_address(text).as_deref(), Some(normalized), "{text}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_mailed_to() {
        for text in [
            "",
            "a",
            "a@",
            "@b",
            "a@b c",
            "Arthur <a@example.org>",
            "a@b.c,d@e.f",
            "a@example.org\r\nBcc: b@example.org",
            "\"a b\"@example.org",
            "a@b@example.org",
            "a..b@example.org",
            ".a@example.org",
            "zoë@example.org",
            "用户@例子.广告",
            "a@[192.0.2.1]",
            "a@192.0.2.1",
            "a@0x7f.1",
            "a@[IPv6:2001:db8::1]",
            "a@example.org.",
            "a@-example.org",
            "a@under_score.org",
            "a@ex%61mple.org",
            "a@example.org:25",
            "a@exa\u{200b}mple..org",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("a@{}.org", "a".repeat(64)),
            &format!("{}@example.org", "a".repeat(300_000)),
        ] {
            assert_eq!(normalize_address(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_address_fits_an_envelope_and_is_its_own_normal_form(text in "[a-zA-Z0-9.\"\\\\ @äß世\\-_%\\[\\]:+]{1,40}@?[a-zA-Z0-9.äß世\\-_%\\[\\]: ]{0,30}") {
            if let Some(address) = normalize_address(&text) {
                prop_assert_eq!(normalize_address(&address), Some(address.clone()));
                prop_assert!(address.is_ascii());
                let to: lettre::Address = address.parse().unwrap();
                prop_assert!(lettre::address::Envelope::new(None, vec![to.clone()]).is_ok());
                let message = lettre::Message::builder().to(lettre::message::Mailbox::new(None, to));
                let from = "switchboard@example.org".parse().unwrap();
                let message = message.from(from).body(String::new()).unwrap();
                prop_assert_eq!(message.envelope().to().len(), 1);
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = normalize_address(&text);
        }
    }
}
