//! The templates that come with the demo: a ground to stand on for the systems that most events run.

use super::model::TemplateFormat;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// The slug of the demo's service type that it belongs to.
    pub service_type: &'static str,
    pub name: &'static str,
    pub content_type: &'static str,
    pub format: TemplateFormat,
    pub source: &'static str,
}

macro_rules! shipped {
    ($($service_type:literal $name:literal $format:ident $content_type:literal),+ $(,)?) => {
        /// All of them. Those of desk phones and Linphone are for one device, the others for a whole feed.
        pub const SHIPPED: &[Shipped] = &[$(Shipped {
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
