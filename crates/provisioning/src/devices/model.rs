//! The row of a device link, and its addresses.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::clock::Timestamp;
use platform::ids::{AccountId, DeviceLinkId, ExtensionId, TemplateId};
use platform::store::schema::device_links;

/// A link from which one telephone fetches its configuration.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = device_links)]
pub struct DeviceLink {
    pub id: DeviceLinkId,
    pub extension_id: ExtensionId,
    pub template_id: TemplateId,
    /// The owner of the extension when the link was created. The link ends when the extension changes its owner.
    pub account_id: AccountId,
    pub token_hash: Vec<u8>,
    /// The MAC address of a desk phone: twelve hexadecimal digits in lower case; `None` for a softphone, whose link
    /// works once.
    pub mac: Option<String>,
    /// The account that created it: the document contains what this account may see at the time of the fetch. `None`
    /// for a link without an account: the document then contains what the owner may see.
    pub created_by: Option<AccountId>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// When the link of a softphone was used.
    pub used_at: Option<Timestamp>,
    /// When the document was last fetched, accurate to five minutes.
    pub fetched_at: Option<Timestamp>,
}

impl DeviceLink {
    /// Whether it is neither used nor expired.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }

    /// Whether the path after the token belongs to this device: none for a softphone; for a desk phone a file name that
    /// contains its MAC address, as telephones append it. The `.boot` file that Yealink telephones request first is no
    /// configuration.
    pub fn accepts_file(&self, file: Option<&str>) -> bool {
        match (&self.mac, file) {
            (None, None) => true,
            (Some(mac), Some(file)) => {
                let name = file.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
                let digits = name.replace([':', '-', '.'], "");
                (name.contains(mac) || digits.contains(mac)) && !name.ends_with(".boot")
            }
            _ => false,
        }
    }

    /// The MAC address in lower case with colons.
    pub fn mac_address(&self) -> Option<String> {
        let bytes: Vec<&str> =
            self.mac.as_deref()?.as_bytes().chunks(2).filter_map(|b| str::from_utf8(b).ok()).collect();
        Some(bytes.join(":"))
    }
}

/// The address of the document of a softphone.
pub fn softphone_address(public_url: &str, token: &str) -> String {
    format!("{public_url}/device/{token}")
}

/// The address of the document of a desk phone. Every path below it whose file name contains the MAC address gives it
/// too.
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
            created_by: None,
            created_at: Timestamp(0),
            expires_at: Some(Timestamp(10)),
            used_at: None,
            fetched_at: None,
        }
    }

    #[test]
    fn a_desk_phone_link_accepts_files_with_its_mac_address() {
        let phone = link(Some("001565123456"));
        for file in [
            "001565123456",
            "001565123456.cfg",
            "cfg001565123456.xml",
            "snom320-001565123456.htm",
            "x/00156512345-001565123456.XML",
            "00:15:65:12:34:56.cfg",
            "00-15-65-12-34-56.cfg",
            "snom320-00:15:65:12:34:56.htm",
            "0015.6512.3456",
        ] {
            assert!(phone.accepts_file(Some(file)), "{file}");
        }
        for file in ["", "y000000000065.cfg", "001565123457.cfg", "001565123456.boot", "001565123456/y000000000065.cfg"]
        {
            assert!(!phone.accepts_file(Some(file)), "{file}");
        }
        assert!(!phone.accepts_file(None));
        assert_eq!(phone.mac_address().as_deref(), Some("00:15:65:12:34:56"));
        assert!(link(None).accepts_file(None) && !link(None).accepts_file(Some("x")));
    }

    #[test]
    fn a_link_is_unusable_after_its_expiry_and_its_use() {
        assert!(link(None).is_usable(Timestamp(9)) && !link(None).is_usable(Timestamp(10)));
        assert!(!DeviceLink { used_at: Some(Timestamp(1)), ..link(None) }.is_usable(Timestamp(2)));
    }
}
