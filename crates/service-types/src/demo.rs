//! The service types of the demo event, as JSON files that `createServiceType` accepts.

/// Slug and file of each type.
pub const DEMO_TYPES: [(&str, &str); 7] = [
    ("dect", include_str!("demo/dect.json")),
    ("sip", include_str!("demo/sip.json")),
    ("cellular", include_str!("demo/cellular.json")),
    ("pots", include_str!("demo/pots.json")),
    ("pager", include_str!("demo/pager.json")),
    ("group", include_str!("demo/group.json")),
    ("deskphone", include_str!("demo/deskphone.json")),
];
