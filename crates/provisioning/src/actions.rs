//! Actions on feed consumers, web hooks and device links: the names that the audit and the API use, and what each requires.

use platform::access::{Action, ApiKeyScope, Requirement, Role};

pub const CREATE_FEED_CONSUMER: Action = Action::new("createFeedConsumer", Requirement::Person(Role::Admin));
pub const UPDATE_FEED_CONSUMER: Action = Action::new("updateFeedConsumer", Requirement::Person(Role::Admin));
pub const DELETE_FEED_CONSUMER: Action = Action::new("deleteFeedConsumer", Requirement::Person(Role::Admin));
pub const PAUSE_FEED_CONSUMER: Action = Action::new("pauseFeedConsumer", Requirement::Person(Role::Operator));
pub const SAVE_WEB_HOOK: Action = Action::new("saveWebHook", Requirement::Person(Role::Admin));
pub const ROTATE_WEB_HOOK_SECRET: Action = Action::new("rotateWebHookSecret", Requirement::Person(Role::Admin));
pub const DELETE_WEB_HOOK: Action = Action::new("deleteWebHook", Requirement::Person(Role::Admin));
pub const REPLAY_WEB_HOOK: Action = Action::new("replayWebHook", Requirement::Person(Role::Operator));
pub const ACKNOWLEDGE_PROVISIONING: Action = Action::new("acknowledgeProvisioning", Requirement::Key(ApiKeyScope::ReadConfig));
pub const CREATE_SOFTPHONE_LINK: Action = Action::new("createSoftphoneLink", Requirement::Person(Role::User));
pub const CREATE_DESK_PHONE_LINK: Action = Action::new("createDeskPhoneLink", Requirement::Person(Role::User));
pub const REVOKE_DEVICE_LINK: Action = Action::new("revokeDeviceLink", Requirement::Person(Role::User));
pub const FETCH_DEVICE_DOCUMENT: Action = Action::new("system.fetchDeviceDocument", Requirement::System);
