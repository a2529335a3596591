//! The templates of the demo, for telephone systems that many events use.

use super::TemplateFormat;

/// A template of the demo.
#[derive(Clone, Copy, Debug)]
pub struct ShippedTemplate {
    /// The slug of the service type in the demo.
    pub service_type: &'static str,
    pub name: &'static str,
    pub content_type: &'static str,
    pub format: TemplateFormat,
    pub source: &'static str,
}

macro_rules! shipped {
    ($($service_type:literal $name:literal $format:ident $content_type:literal),+ $(,)?) => {
        /// The templates of the demo. Those for desk phones and Linphone render one device, the others a feed.
        pub const SHIPPED_TEMPLATES: &[ShippedTemplate] = &[$(ShippedTemplate {
            service_type: $service_type,
            name: $name,
            content_type: $content_type,
            format: TemplateFormat::$format,
            source: include_str!(concat!("shipped/", $name)),
        }),+];
    };
}

shipped! {
    "sip" "kamailio.sql" Sql "application/sql",
    "sip" "pjsip.conf" Ini "text/plain; charset=utf-8",
    "sip" "pjsip-md5.conf" Ini "text/plain; charset=utf-8",
    "sip" "freeswitch.xml" Xml "application/xml",
    "sip" "linphone.xml" Xml "application/xml",
    "cellular" "osmo-hlr.vty" Text "text/plain; charset=utf-8",
    "pager" "pagers.csv" Csv "text/csv; charset=utf-8; header=present",
    "pager" "dapnet.json" Json "application/json",
    "deskphone" "yealink.cfg" Text "text/plain; charset=utf-8",
    "deskphone" "snom.xml" Xml "application/xml",
    "deskphone" "grandstream.xml" Xml "application/xml",
    "deskphone" "cisco.xml" Xml "application/xml",
}
