//! The objects that not everybody may read, and where they are found.

use async_graphql::parser::types::FieldDefinition;

use super::arguments::Schema;

/// An object, and a path to one that belongs to the user. Where an object can be reached along a wider way, that way has rows too.
pub const PATHS: &[(&str, &[&str])] = &[
    ("Account", &["account(username: \"user\")"]),
    ("Account", &["extension(event: \"demo\", number: \"$shownNumber\")", "owner"]),
    ("Session", &["account(username: \"user\")", "sessions"]),
    ("Restriction", &["extension(event: \"demo\", number: \"$shownNumber\")", "restrictions"]),
    ("Extension", &["extension(event: \"demo\", number: \"$shownNumber\")"]),
    ("Extension", &["extension(event: \"demo\", number: \"$groupNumberShown\")"]),
    ("GroupMember", &["extension(event: \"demo\", number: \"$groupNumberShown\")", "members"]),
    ("GroupMember", &["extension(event: \"demo\", number: \"$shownNumber\")", "memberOf"]),
    ("DeviceLink", &["extension(event: \"demo\", number: \"$shownNumber\")", "deviceLinks"]),
    ("GroupMember", &["groupInvitations"]),
    ("ProvisioningStatus", &["extension(event: \"demo\", number: \"$shownNumber\")", "provisioning"]),
    ("Number", &["number(event: \"demo\", number: \"$shownNumber\")"]),
    ("Number", &["number(event: \"demo\", number: \"$heldNumber\")"]),
    ("NumberHistoryEntry", &["number(event: \"demo\", number: \"$shownNumber\")", "history", "nodes"]),
    ("ServiceType", &["serviceType(slug: \"sip\")"]),
    ("Template", &["serviceType(slug: \"sip\")", "templates"]),
    ("ApiKey", &["apiKeys"]),
    ("AuditEvent", &["auditEvents(first: 1)", "nodes"]),
    ("ProvisioningFeed", &["provisioning(event: \"demo\", serviceType: \"sip\")"]),
    ("FeedExtension", &["provisioning(event: \"demo\", serviceType: \"sip\")", "snapshot(first: 50)", "entries"]),
    ("FeedExtension", &["provisioning(event: \"demo\", serviceType: \"group\")", "snapshot(first: 50)", "entries"]),
    ("FeedConsumer", &["provisioning(event: \"demo\", serviceType: \"sip\")", "consumers"]),
    ("FeedError", &["provisioning(event: \"demo\", serviceType: \"sip\")", "consumers", "errors"]),
    ("FeedVerification", &["provisioning(event: \"demo\", serviceType: \"sip\")", "consumers", "verified"]),
    ("WebHook", &["provisioning(event: \"demo\", serviceType: \"sip\")", "consumers", "webHook"]),
];

/// Rows in which nobody is shown a value, and why.
pub const NOTHING_TO_SHOW: &[(&str, &str)] = &[
    ("Mutation.completeSetup", "its token exists only as long as there is no account"),
    ("Account.restrictions (account)", "who is banned cannot ask"),
    ("Account.restrictions (extension/owner)", "who is banned cannot ask"),
    ("DeviceLink.mac", "a softphone's link has none"),
    ("DeviceLink.usedAt", "nobody has fetched by it"),
    ("DeviceLink.fetchedAt", "nobody has fetched by it"),
    ("Extension.deviceLinks (group)", "a group has no telephone"),
    ("Extension.members (extension)", "it is no group"),
    ("Extension.credentials (group)", "a group has no secrets"),
    ("Extension.memberOf (group)", "the demo's groups do not nest"),
    ("Number.until (number)", "a number in service has no end; the held one has"),
    ("Number.extension (held)", "it is nobody's any more"),
    ("WebHook.failingSince", "it has not been called"),
    ("WebHook.nextAttemptAt", "it has not been called"),
    ("WebHook.lastError", "it has not been called"),
    ("WebHook.deliveredAt", "it has not been called"),
    ("WebHook.deadAt", "it has not been called"),
    ("FeedExtension.members (sipFeed/snapshot/entries)", "they are no groups"),
    ("FeedExtension.secrets (groupFeed/snapshot/entries)", "a group has no secrets"),
    ("FeedExtension.digests (groupFeed/snapshot/entries)", "a group has no secrets"),
];

/// Objects that are shown whole to whoever reaches them; what reaches them has rows of its own.
const OPEN: &[(&str, &str)] = &[
    ("CallPermission", "a name and what it allows: part of the configuration that everybody reads"),
    ("DirectoryEntry", "the directory itself decides who is listed to whom"),
    ("Event", "drafts are not found; what is found is for everybody"),
    ("ExtensionPreview", "told to whoever made the dry run, about their own extension"),
    ("ExtensionViolation", "told to the admin who changes a schema"),
    ("FeedKeys", "part of a feed's page"),
    ("FeedMember", "part of a feed's entry"),
    ("FeedPage", "part of a feed"),
    ("FeedRemoval", "part of a feed's page"),
    ("FeedReset", "part of a feed"),
    ("FeedSnapshot", "part of a feed"),
    ("FeedUpsert", "part of a feed's page"),
    ("ImportFailure", "told to the operator who imports"),
    ("NumberRange", "which numbers there are is for everybody"),
    ("PageInfo", "where a page stands"),
    ("RenderedDocument", "part of a feed"),
];

/// The row's name: with the path where an object has more than one.
pub fn row_name(object: &str, path: &[&str], field: &FieldDefinition) -> String {
    let others = PATHS.iter().filter(|(other, _)| *other == object).count();
    if others == 1 {
        return format!("{object}.{}", field.name.node);
    }
    let short = |step: &str| match step {
        step if step.contains("$shownNumber") => step.split('(').next().unwrap().to_owned(),
        step if step.contains("$groupNumberShown") => "group".to_owned(),
        step if step.contains("$heldNumber") => "held".to_owned(),
        step if step.contains("serviceType: \"group\"") => "groupFeed".to_owned(),
        step if step.contains("serviceType: \"sip\"") => "sipFeed".to_owned(),
        step => step.split('(').next().unwrap().to_owned(),
    };
    let way: Vec<String> = path.iter().map(|step| short(step)).collect();
    format!("{object}.{} ({})", field.name.node, way.join("/"))
}

/// Every object of the schema stands in one of the lists, or is a part of one by its kind.
pub fn demand_every_type(schema: &Schema) {
    let errors: Vec<&str> = schema
        .types()
        .filter(|(_, definition)| match &definition.kind {
            async_graphql::parser::types::TypeKind::Object(object) => {
                object.implements.iter().any(|interface| interface.node == "UserError")
            }
            _ => false,
        })
        .map(|(name, _)| name.as_str())
        .collect();
    let is_placed = |name: &str| {
        matches!(name, "Query" | "Mutation" | "Subscription")
            || ["Connection", "Edge", "Payload"].iter().any(|end| name.ends_with(end))
            || errors.contains(&name)
            || PATHS.iter().any(|(object, _)| *object == name)
            || OPEN.iter().any(|(object, _)| *object == name)
    };
    let unplaced: Vec<&str> = schema
        .types()
        .filter(|(name, definition)| super::is_object(&definition.kind) && !is_placed(name))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        unplaced.is_empty(),
        "new objects: put each into PATHS or OPEN in tests/permissions/objects.rs: {unplaced:?}"
    );
}
