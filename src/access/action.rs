//! Every mutation, and the least that somebody must be to ask for it.

use super::{ApiKeyScope, Role};
use crate::text_enum;

text_enum! {
    /// A mutation or a command, under the name by which the audit and the API know it.
    pub enum Action {
        RegisterAccount = "registerAccount",
        VerifyEmail = "verifyEmail",
        ResendVerification = "resendVerification",
        SignIn = "signIn",
        RequestPasswordReset = "requestPasswordReset",
        ResetPassword = "resetPassword",
        CompleteSetup = "completeSetup",
        SignOut = "signOut",
        RevokeSession = "revokeSession",
        RevokeAllSessions = "revokeAllSessions",
        Reauthenticate = "reauthenticate",
        DeleteAccount = "deleteAccount",
        UpdateProfile = "updateProfile",
        ChangeEmail = "changeEmail",
        ChangePassword = "changePassword",
        ReadCredentials = "readCredentials",
        ExportMyData = "exportMyData",
        RegisterExtension = "registerExtension",
        UpdateExtension = "updateExtension",
        RenumberExtension = "renumberExtension",
        RotateSecret = "rotateSecret",
        DeleteExtension = "deleteExtension",
        InviteToGroup = "inviteToGroup",
        AcceptGroupInvitation = "acceptGroupInvitation",
        UpdateGroupMember = "updateGroupMember",
        DeclineGroupInvitation = "declineGroupInvitation",
        LeaveGroup = "leaveGroup",
        RemoveGroupMember = "removeGroupMember",
        ReleaseHold = "releaseHold",
        AssignExtension = "assignExtension",
        TransferExtension = "transferExtension",
        SwapNumbers = "swapNumbers",
        ImportExtensions = "importExtensions",
        SetCallPermissions = "setCallPermissions",
        BanAccount = "banAccount",
        UnbanAccount = "unbanAccount",
        BarNumber = "barNumber",
        UnbarNumber = "unbarNumber",
        ReserveNumber = "reserveNumber",
        ReleaseReservation = "releaseReservation",
        SetRole = "setRole",
        CreateEvent = "createEvent",
        UpdateEvent = "updateEvent",
        CreateNumberRange = "createNumberRange",
        UpdateNumberRange = "updateNumberRange",
        DeleteNumberRange = "deleteNumberRange",
        CreateServiceType = "createServiceType",
        UpdateServiceType = "updateServiceType",
        CreateCallPermission = "createCallPermission",
        UpdateCallPermission = "updateCallPermission",
        DeleteCallPermission = "deleteCallPermission",
        SaveTemplate = "saveTemplate",
        DeleteTemplate = "deleteTemplate",
        CreateApiKey = "createApiKey",
        RevokeApiKey = "revokeApiKey",
        CreateFeedConsumer = "createFeedConsumer",
        UpdateFeedConsumer = "updateFeedConsumer",
        DeleteFeedConsumer = "deleteFeedConsumer",
        PauseFeedConsumer = "pauseFeedConsumer",
        SaveWebHook = "saveWebHook",
        RotateWebHookSecret = "rotateWebHookSecret",
        DeleteWebHook = "deleteWebHook",
        ReplayWebHook = "replayWebHook",
        AcknowledgeProvisioning = "acknowledgeProvisioning",
        WriteBackParameters = "writeBackParameters",
        CreateSoftphoneLink = "createSoftphoneLink",
        CreateDeskPhoneLink = "createDeskPhoneLink",
        RevokeDeviceLink = "revokeDeviceLink",
        JoinGroup = "joinGroup",
        FetchDeviceDocument = "system.fetchDeviceDocument",
        SettleNumbers = "system.settleNumbers",
        Demo = "system.demo",
        CreateAdmin = "system.createAdmin",
        RotateKey = "system.rotateKey",
    }
}

/// The least that somebody must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Requirement {
    /// Anybody, signed in or not.
    Guest,
    /// A signed-in person of this role.
    Person(Role),
    /// A key with this scope.
    Key(ApiKeyScope),
    /// A signed-in person of this role, or a key with this scope.
    PersonOrKey(Role, ApiKeyScope),
    /// The program itself.
    System,
}

impl Action {
    /// The least that somebody must be for it. What they may do it *to* is the rule's own question.
    pub const fn requirement(self) -> Requirement {
        use Action as A;
        match self {
            A::RegisterAccount
            | A::VerifyEmail
            | A::ResendVerification
            | A::SignIn
            | A::RequestPasswordReset
            | A::ResetPassword
            | A::CompleteSetup => Requirement::Guest,
            A::SignOut
            | A::RevokeSession
            | A::RevokeAllSessions
            | A::Reauthenticate
            | A::DeleteAccount
            | A::UpdateProfile
            | A::ChangeEmail
            | A::ChangePassword
            | A::ReadCredentials
            | A::ExportMyData
            | A::RegisterExtension
            | A::UpdateExtension
            | A::RenumberExtension
            | A::RotateSecret
            | A::DeleteExtension
            | A::InviteToGroup
            | A::AcceptGroupInvitation
            | A::UpdateGroupMember
            | A::DeclineGroupInvitation
            | A::RemoveGroupMember
            | A::ReleaseHold
            | A::CreateSoftphoneLink
            | A::CreateDeskPhoneLink
            | A::RevokeDeviceLink => Requirement::Person(Role::User),
            A::AssignExtension
            | A::TransferExtension
            | A::SwapNumbers
            | A::ImportExtensions
            | A::SetCallPermissions
            | A::BanAccount
            | A::UnbanAccount
            | A::BarNumber
            | A::UnbarNumber
            | A::ReserveNumber
            | A::ReleaseReservation
            | A::PauseFeedConsumer
            | A::ReplayWebHook => Requirement::Person(Role::Operator),
            A::SetRole
            | A::CreateEvent
            | A::UpdateEvent
            | A::CreateNumberRange
            | A::UpdateNumberRange
            | A::DeleteNumberRange
            | A::CreateServiceType
            | A::UpdateServiceType
            | A::CreateCallPermission
            | A::UpdateCallPermission
            | A::DeleteCallPermission
            | A::SaveTemplate
            | A::DeleteTemplate
            | A::CreateApiKey
            | A::RevokeApiKey
            | A::CreateFeedConsumer
            | A::UpdateFeedConsumer
            | A::DeleteFeedConsumer
            | A::SaveWebHook
            | A::RotateWebHookSecret
            | A::DeleteWebHook => Requirement::Person(Role::Admin),
            A::AcknowledgeProvisioning => Requirement::Key(ApiKeyScope::ReadConfig),
            A::WriteBackParameters => Requirement::Key(ApiKeyScope::WriteBack),
            A::LeaveGroup => Requirement::PersonOrKey(Role::User, ApiKeyScope::ManageGroups),
            A::JoinGroup => Requirement::Key(ApiKeyScope::ManageGroups),
            A::FetchDeviceDocument | A::SettleNumbers | A::Demo | A::CreateAdmin | A::RotateKey => Requirement::System,
        }
    }

    /// Whether a person under a NO_WRITE restriction may do it all the same: looking after one's own safety, and leaving.
    pub const fn allowed_while_restricted(self) -> bool {
        matches!(
            self,
            Self::SignOut | Self::RevokeSession | Self::RevokeAllSessions | Self::Reauthenticate | Self::ExportMyData
        )
    }
}
