//! The rows of device links.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::clock::Timestamp;
use platform::ids::{AccountId, DeviceLinkId, ExtensionId, TemplateId};
use platform::store::schema::device_links;

/// A link under which one telephone finds its configuration.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = device_links)]
pub struct DeviceLink {
    pub id: DeviceLinkId,
    pub extension_id: ExtensionId,
    pub template_id: TemplateId,
    /// Whose the extension was when the link was made: it ends when the extension goes to somebody else.
    pub account_id: AccountId,
    pub token_hash: Vec<u8>,
    /// Twelve hexadecimal digits in lower case for a desk phone; `None` for a softphone, whose link is good once.
    pub mac: Option<String>,
    /// Whether staff made it: then the document may hold what operators see, otherwise what the owner sees.
    pub by_staff: bool,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// When a softphone's link was used up.
    pub used_at: Option<Timestamp>,
    /// When the document was last fetched, to five minutes.
    pub fetched_at: Option<Timestamp>,
}

impl DeviceLink {
    /// Whether it is good now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }

    /// Whether `file` is what this device asks for: nothing for a softphone; for a desk phone a name with its MAC address
    /// in it, as telephones put it themselves. What a Yealink telephone asks for before, `.boot`, is not a configuration.
    pub fn is_for(&self, file: Option<&str>) -> bool {
        match (&self.mac, file) {
            (None, None) => true,
            (Some(mac), Some(file)) => {
                let name = file.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
                name.contains(mac) && !name.ends_with(".boot")
            }
            _ => false,
        }
    }

    /// The MAC address with colons.
    pub fn mac_address(&self) -> Option<String> {
        let bytes: Vec<&str> =
            self.mac.as_deref()?.as_bytes().chunks(2).filter_map(|b| str::from_utf8(b).ok()).collect();
        Some(bytes.join(":"))
    }
}

/// Where a softphone finds its document.
pub fn softphone_address(public_url: &str, token: &str) -> String {
    format!("{public_url}/device/{token}")
}

/// Where a desk phone finds its document: the address itself, and any file behind it that has the MAC address in its name.
pub fn desk_phone_address(public_url: &str, token: &str, mac: &str) -> String {
    format!("{public_url}/device/{token}/{mac}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn link(mac: Option<&str>) -> DeviceLink {
        DeviceLink {
            id: DeviceLinkId(Uuid::nil()),
            extension_id: ExtensionId(Uuid::nil()),
            template_id: TemplateId(Uuid::nil()),
            account_id: AccountId(Uuid::nil()),
            token_hash: Vec::new(),
            mac: mac.map(str::to_owned),
            by_staff: false,
            created_at: Timestamp(0),
            expires_at: Some(Timestamp(10)),
            used_at: None,
            fetched_at: None,
        }
    }

    #[test]
    fn a_desk_phone_asks_by_its_own_address() {
        let phone = link(Some("001565123456"));
        for file in [
            "001565123456",
            "001565123456.cfg",
            "cfg001565123456.xml",
            "snom320-001565123456.htm",
            "x/00156512345-001565123456.XML",
        ] {
            assert!(phone.is_for(Some(file)), "{file}");
        }
        for file in ["", "y000000000065.cfg", "001565123457.cfg", "001565123456.boot", "001565123456/y000000000065.cfg"]
        {
            assert!(!phone.is_for(Some(file)), "{file}");
        }
        assert!(!phone.is_for(None));
        assert_eq!(phone.mac_address().as_deref(), Some("00:15:65:12:34:56"));
        assert!(link(None).is_for(None) && !link(None).is_for(Some("x")));
    }

    #[test]
    fn a_link_ends() {
        assert!(link(None).is_open(Timestamp(9)) && !link(None).is_open(Timestamp(10)));
        assert!(!DeviceLink { used_at: Some(Timestamp(1)), ..link(None) }.is_open(Timestamp(2)));
    }
}
