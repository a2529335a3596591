//! The smallest valid arguments of a field, built from the schema. `$name` is a placeholder for an object of
//! `fixtures.rs`.

use std::collections::BTreeMap;

use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, ServiceDocument, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};

/// Complete arguments of an input type or a field, where the required ones are not enough.
const COMPLETE: &[(&str, &str)] = &[
    (
        "AcknowledgeProvisioningInput",
        r#"{event: "demo", serviceType: "sip", consumer: "$ownConsumer", cursor: "$cursor"}"#,
    ),
    ("CreateDeskPhoneLinkInput", r#"{extension: "$extension", template: "linphone.xml", mac: "00:15:65:12:34:56"}"#),
    ("CreateSoftphoneLinkInput", r#"{extension: "$extension", template: "linphone.xml"}"#),
    ("BarNumberInput", r#"{event: "demo", number: "$number", reason: "r"}"#),
    ("ChangePasswordInput", r#"{currentPassword: "numberwang", newPassword: "battery staple"}"#),
    ("CreateNumberRangeInput", r#"{event: "demo", first: "9$nnn0", last: "9$nnn9", label: "r"}"#),
    ("ImportExtensionsInput", r#"{event: "demo", csv: "number,service_type,owner,label\n"}"#),
    ("RegisterExtensionInput", r#"{event: "demo", serviceType: "sip", number: "$number", label: "L"}"#),
    ("ReleaseHoldInput", r#"{event: "demo", number: "$held"}"#),
    ("ReleaseReservationInput", r#"{event: "demo", number: "$reserved"}"#),
    ("ReserveNumberInput", r#"{event: "demo", number: "$number", owner: "user"}"#),
    (
        "SaveTemplateInput",
        r#"{serviceType: "sip", name: "plain$nnn", contentType: "text/plain", format: TEXT, source: "x"}"#,
    ),
    ("SignInInput", r#"{login: "user", password: "numberwang"}"#),
    ("UnbarNumberInput", r#"{event: "demo", number: "$barred"}"#),
    ("Query.number", r#"(event: "demo", number: "$shownNumber")"#),
    ("Query.numbers", r#"(event: "demo")"#),
    ("Query.nodes", r#"(ids: ["$shown"])"#),
];

/// Values of required arguments. `Owner.name` takes precedence over `name`.
const VALUES: &[(&str, &str)] = &[
    ("AcceptGroupInvitationInput.id", r#""$invitation""#),
    ("AssignExtensionInput.owner", r#""user""#),
    ("BanAccountInput.username", r#""$account""#),
    ("CreateFeedConsumerInput.apiKey", r#""$key""#),
    ("DeclineGroupInvitationInput.id", r#""$invitation""#),
    ("DeleteCallPermissionInput.id", r#""$permission""#),
    ("DeleteExtensionInput.id", r#""$extension""#),
    ("DeleteFeedConsumerInput.id", r#""$consumer""#),
    ("DeleteNumberRangeInput.id", r#""$range""#),
    ("DeleteWebHookInput.consumer", r#""$hooked""#),
    ("DeleteTemplateInput.id", r#""$template""#),
    ("InviteToGroupInput.group", r#""$group""#),
    ("InviteToGroupInput.number", r#""$operatorsNumber""#),
    ("JoinGroupInput.groupNumber", r#""$groupNumber""#),
    ("JoinGroupInput.number", r#""$extensionNumber""#),
    ("LeaveGroupInput.id", r#""$membership""#),
    ("Query.account.username", r#""user""#),
    ("Query.event.slug", r#""demo""#),
    ("Query.extension.number", r#""$shownNumber""#),
    ("Query.node.id", r#""$shown""#),
    ("Query.serviceType.slug", r#""sip""#),
    ("PauseFeedConsumerInput.id", r#""$consumer""#),
    ("RemoveGroupMemberInput.id", r#""$memberOfMine""#),
    ("RenumberExtensionInput.id", r#""$extension""#),
    ("ResendVerificationInput.email", r#""$unverified""#),
    ("ResetPasswordInput.token", r#""$resetToken""#),
    ("ReplayWebHookInput.consumer", r#""$hooked""#),
    ("RotateWebHookSecretInput.consumer", r#""$hooked""#),
    ("RevokeApiKeyInput.id", r#""$key""#),
    ("RevokeDeviceLinkInput.id", r#""$link""#),
    ("RevokeSessionInput.id", r#""$session""#),
    ("RotateSecretInput.id", r#""$extension""#),
    ("SetCallPermissionsInput.id", r#""$extension""#),
    ("SetRoleInput.username", r#""$account""#),
    ("SwapNumbersInput.first", r#""$extension""#),
    ("SwapNumbersInput.second", r#""$extension""#),
    ("TransferExtensionInput.id", r#""$extension""#),
    ("TransferExtensionInput.owner", r#""other""#),
    ("UnbanAccountInput.username", r#""$banned""#),
    ("UpdateCallPermissionInput.id", r#""$permission""#),
    ("UpdateEventInput.slug", r#""demo""#),
    ("UpdateExtensionInput.id", r#""$extension""#),
    ("UpdateFeedConsumerInput.id", r#""$consumer""#),
    ("UpdateGroupMemberInput.id", r#""$membership""#),
    ("UpdateNumberRangeInput.id", r#""$range""#),
    ("UpdateServiceTypeInput.slug", r#""sip""#),
    ("VerifyEmailInput.token", r#""$verifyToken""#),
    ("WriteBackParametersInput.id", r#""$dect""#),
    ("WriteBackParametersInput.parameters", r#"{ipei: "12345678$nnn*"}"#),
    ("CompleteSetupInput.token", r#""nonsense""#),
    ("ProvisioningFeed.changes.since", r#""$cursor""#),
    ("ProvisioningFeed.rendered.template", r#""plain""#),
    ("consumer", r#""$consumer""#),
    ("contentType", r#""text/plain""#),
    ("displayName", r#""X""#),
    ("email", r#""$email""#),
    ("event", r#""demo""#),
    ("format", "TEXT"),
    ("label", r#""L""#),
    ("name", r#""$name""#),
    ("newPassword", r#""battery staple""#),
    ("number", r#""$number""#),
    ("parameter", r#""password""#),
    ("parameterSchema", r#"{type: "object"}"#),
    ("password", r#""numberwang""#),
    ("paused", "true"),
    ("permissions", r#"["orga"]"#),
    ("reason", r#""r""#),
    ("role", "USER"),
    ("scopes", "[READ_CONFIG]"),
    ("serviceType", r#""sip""#),
    ("serviceTypes", r#"["sip"]"#),
    ("slug", r#""$slug""#),
    ("source", r#""x""#),
    ("url", r#""https://example.org/hook""#),
    ("username", r#""$username""#),
];

/// The schema that the program prints.
pub struct Schema {
    types: BTreeMap<String, TypeDefinition>,
}

impl Schema {
    /// Parses the schema that the program prints.
    pub fn printed() -> Self {
        let sdl = switchboard::app::core_schema().sdl();
        let ServiceDocument { definitions } = async_graphql::parser::parse_schema(sdl).unwrap();
        let types = definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.to_string(), definition.node)),
            _ => None,
        });
        Self { types: types.collect() }
    }

    /// All types by name.
    pub fn types(&self) -> impl Iterator<Item = (&String, &TypeDefinition)> {
        self.types.iter()
    }

    /// The fields of an object type; none if the schema does not have it.
    pub fn fields(&self, object: &str) -> Vec<&FieldDefinition> {
        match self.types.get(object).map(|definition| &definition.kind) {
            Some(TypeKind::Object(object)) => object.fields.iter().map(|field| &field.node).collect(),
            _ => Vec::new(),
        }
    }

    /// The arguments of a field in parentheses, or nothing.
    pub fn arguments(&self, owner: &str, field: &FieldDefinition) -> String {
        let path = format!("{owner}.{}", field.name.node);
        if let Some((_, arguments)) = COMPLETE.iter().find(|(name, _)| *name == path) {
            return (*arguments).to_owned();
        }
        let required: Vec<String> = field
            .arguments
            .iter()
            .map(|argument| &argument.node)
            .filter(|argument| is_required(argument))
            .map(|argument| format!("{}: {}", argument.name.node, self.value(&path, argument)))
            .collect();
        if required.is_empty() { String::new() } else { format!("({})", required.join(", ")) }
    }

    fn value(&self, owner: &str, argument: &InputValueDefinition) -> String {
        let (name, kind) = (argument.name.node.as_str(), named(&argument.ty.node));
        if let Some((_, arguments)) = COMPLETE.iter().find(|(input, _)| *input == kind) {
            return (*arguments).to_owned();
        }
        let path = format!("{owner}.{name}");
        let value = VALUES.iter().find(|(key, _)| *key == path).or_else(|| VALUES.iter().find(|(key, _)| *key == name));
        if let Some((_, value)) = value {
            return (*value).to_owned();
        }
        match self.types.get(kind).map(|definition| &definition.kind) {
            Some(TypeKind::InputObject(input)) => {
                let fields: Vec<String> = input
                    .fields
                    .iter()
                    .map(|field| &field.node)
                    .filter(|field| is_required(field))
                    .map(|field| format!("{}: {}", field.name.node, self.value(kind, field)))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
            _ => panic!("a new argument needs a value in tests/permissions/arguments.rs: {path}"),
        }
    }

    /// The smallest selection of a field's type.
    pub fn selection(&self, field: &FieldDefinition) -> &'static str {
        let kind = named(&field.ty.node);
        let fields = match self.types.get(kind).map(|definition| &definition.kind) {
            Some(TypeKind::Object(object)) => &object.fields,
            Some(TypeKind::Union(_) | TypeKind::Interface(_)) => return "{ __typename }",
            _ => return "",
        };
        let has = |name: &str| fields.iter().any(|field| field.node.name.node == name);
        match (has("errors") && kind.ends_with("Payload"), has("nodes")) {
            (true, _) => "{ errors { code message } }",
            (_, true) => "{ nodes { __typename } }",
            _ => "{ __typename }",
        }
    }
}

fn is_required(argument: &InputValueDefinition) -> bool {
    !argument.ty.node.nullable && argument.default_value.is_none()
}

/// The name of a type without its list wrappers.
fn named(kind: &Type) -> &str {
    match &kind.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => named(inner),
    }
}
