//! The objects that not every caller may read, and the paths to them.

use async_graphql::parser::types::{FieldDefinition, TypeKind};

use super::arguments::Schema;

/// An object type, and a path to an object of the user. A type has a row for each path that more callers can take.
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

/// Rows that show no caller a value, and why.
pub const EMPTY_ROWS: &[(&str, &str)] = &[
    ("Mutation.completeSetup", "its token exists only before the first account"),
    ("Account.restrictions (account)", "a banned account cannot sign in"),
    ("Account.restrictions (extension/owner)", "a banned account cannot sign in"),
    ("DeviceLink.mac", "a softphone's link has no MAC address"),
    ("DeviceLink.usedAt", "the link has not been used"),
    ("DeviceLink.fetchedAt", "the link has not been used"),
    ("Extension.deviceLinks (group)", "a group has no telephone"),
    ("Extension.members (extension)", "the extension is not a group"),
    ("Extension.credentials (group)", "a group has no secrets"),
    ("Extension.memberOf (group)", "the demo's groups do not nest"),
    ("Number.until (number)", "a number in service has no end; the held number shows the field"),
    ("Number.extension (held)", "a held number has no extension"),
    ("WebHook.failingSince", "the web hook has not been called"),
    ("WebHook.nextAttemptAt", "the web hook has not been called"),
    ("WebHook.lastError", "the web hook has not been called"),
    ("WebHook.deliveredAt", "the web hook has not been called"),
    ("WebHook.deadAt", "the web hook has not been called"),
    ("FeedExtension.members (sipFeed/snapshot/entries)", "the entries are not groups"),
    ("FeedExtension.secrets (groupFeed/snapshot/entries)", "a group has no secrets"),
    ("FeedExtension.digests (groupFeed/snapshot/entries)", "a group has no secrets"),
];

/// Objects that show all their fields to every caller that reaches them; the fields that lead to them have rows.
const UNRESTRICTED: &[(&str, &str)] = &[
    ("CallPermission", "part of the public configuration"),
    ("DirectoryEntry", "the directory selects the entries for the caller"),
    ("Event", "drafts are absent; other events are public"),
    ("ExtensionPreview", "part of the response to a dry run"),
    ("ExtensionViolation", "part of the response to a schema change by an admin"),
    ("FeedKeys", "part of a feed's page"),
    ("FeedMember", "part of a feed's entry"),
    ("FeedPage", "part of a feed"),
    ("FeedRemoval", "part of a feed's page"),
    ("FeedReset", "part of a feed"),
    ("FeedSnapshot", "part of a feed"),
    ("FeedUpsert", "part of a feed's page"),
    ("ImportFailure", "part of the response to an import by an operator"),
    ("NumberRange", "the ranges of an event are public"),
    ("PageInfo", "the position of a page"),
    ("RenderedDocument", "part of a feed"),
];

/// The name of a row, with the path if the object type has more than one.
pub fn row_name(object: &str, path: &[&str], field: &FieldDefinition) -> String {
    let paths = PATHS.iter().filter(|(other, _)| *other == object).count();
    if paths == 1 {
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
    let path: Vec<String> = path.iter().map(|step| short(step)).collect();
    format!("{object}.{} ({})", field.name.node, path.join("/"))
}

/// Asserts that every object type of the schema is in one of the lists, or is a root, an error or a part of another
/// type.
pub fn assert_every_type_is_listed(schema: &Schema) {
    let is_object = |kind: &TypeKind| matches!(kind, TypeKind::Object(_));
    let is_error = |kind: &TypeKind| match kind {
        TypeKind::Object(object) => object.implements.iter().any(|interface| interface.node == "UserError"),
        _ => false,
    };
    let is_listed = |name: &str| {
        matches!(name, "Query" | "Mutation" | "Subscription")
            || ["Connection", "Edge", "Payload"].iter().any(|end| name.ends_with(end))
            || PATHS.iter().any(|(object, _)| *object == name)
            || UNRESTRICTED.iter().any(|(object, _)| *object == name)
    };
    let unlisted: Vec<&str> = schema
        .types()
        .filter(|(name, definition)| is_object(&definition.kind) && !is_error(&definition.kind) && !is_listed(name))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        unlisted.is_empty(),
        "new object types: add each to PATHS or UNRESTRICTED in tests/permissions/objects.rs: {unlisted:?}"
    );
}
