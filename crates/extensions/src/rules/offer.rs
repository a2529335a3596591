//! The service types that a caller may register at an event, and their quotas.

use events::Event;
use platform::access::Permit;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::transaction::Tx;
use service_types::ServiceType;

use crate::queries;

/// The registrations of a service type that an event has room for, from the point of view of one caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// Staff register every service type, without a quota.
    Staff,
    User {
        /// Whether the event offers the service type.
        is_offered: bool,
        /// How many extensions of the type the owner has at the event; 0 for a type without a quota.
        owned: i64,
    },
}

impl Offer {
    /// Loads the offer for one registration.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(
        tx: &mut Tx<'_>,
        permit: &Permit,
        event: &Event,
        service_type: &ServiceType,
        owner: AccountId,
    ) -> Result<Self, Error> {
        if permit.is_staff() {
            return Ok(Self::Staff);
        }
        let is_offered = service_types::event_offers(tx.conn, event.id, service_type.id).await?;
        Ok(Self::User { is_offered, owned: count_owned(tx, owner, event, service_type).await? })
    }

    /// Checks a new extension of the service type. Existing extensions stay when their type is retired.
    pub fn check(self, service_type: &ServiceType) -> Vec<UserError> {
        let mut problems = Vec::new();
        if service_type.retired {
            problems.push(UserError::new(UserErrorKind::Conflict, "serviceType", "This service type is retired."));
        }
        let Self::User { is_offered, owned } = self else { return problems };
        if service_type.privileged {
            let message = "Only operators register this service type.";
            problems.push(UserError::new(UserErrorKind::ServiceTypePrivileged, "serviceType", message));
        } else if !is_offered {
            problems.push(UserError::invalid("serviceType", "This service type is not offered at this event."));
        }
        problems.extend(check_quota(service_type, owned, "serviceType").err());
        problems
    }
}

/// Counts the extensions of an owner that a quota limits; 0 for a type without a quota.
///
/// # Errors
/// When the database fails.
pub(super) async fn count_owned(
    tx: &mut Tx<'_>,
    owner: AccountId,
    event: &Event,
    service_type: &ServiceType,
) -> Result<i64, Error> {
    match service_type.quota {
        None => Ok(0),
        Some(_) => Ok(queries::count_of_owner(tx.conn, owner, event.id, service_type.id).await?),
    }
}

/// Refuses another extension of the type for an owner that has `owned` extensions and thereby the quota.
///
/// # Errors
/// QUOTA_EXCEEDED at `field`.
pub(super) fn check_quota(service_type: &ServiceType, owned: i64, field: &str) -> Result<(), UserError> {
    match service_type.quota {
        Some(limit) if owned >= i64::from(limit) => {
            let message = format!("At this event one user holds at most {limit} of these.");
            Err(UserError::new(UserErrorKind::QuotaExceeded { limit }, field, message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use platform::clock::Timestamp;
    use platform::ids::ServiceTypeId;
    use platform::store::types::JsonValue;
    use service_types::ServiceBehaviour;

    use super::*;

    fn service_type(privileged: bool, retired: bool) -> ServiceType {
        ServiceType {
            id: ServiceTypeId(uuid::Uuid::from_u128(1)),
            slug: "sip".to_owned(),
            name: "SIP".to_owned(),
            description: String::new(),
            instructions: String::new(),
            parameter_schema: JsonValue::default(),
            schema_version: 1,
            behaviour: ServiceBehaviour::Endpoint,
            privileged,
            group_capable: true,
            quota: Some(2),
            member_limit: None,
            retired,
            settings: JsonValue::default(),
            created_at: Timestamp(0),
        }
    }

    fn kinds(problems: Vec<UserError>) -> Vec<UserErrorKind> {
        assert!(problems.iter().all(|problem| problem.path == ["serviceType"]));
        problems.into_iter().map(|problem| problem.kind).collect()
    }

    #[test]
    fn a_user_learns_every_reason_of_a_refusal() {
        let user = |is_offered, owned| Offer::User { is_offered, owned };
        let quota = UserErrorKind::QuotaExceeded { limit: 2 };
        assert_eq!(kinds(user(true, 1).check(&service_type(false, false))), []);
        assert_eq!(kinds(user(false, 2).check(&service_type(false, false))), [UserErrorKind::Invalid, quota.clone()]);
        assert_eq!(
            kinds(user(false, 2).check(&service_type(true, true))),
            [UserErrorKind::Conflict, UserErrorKind::ServiceTypePrivileged, quota]
        );
    }

    #[test]
    fn staff_register_every_type_that_is_not_retired() {
        assert_eq!(kinds(Offer::Staff.check(&service_type(true, false))), []);
        assert_eq!(kinds(Offer::Staff.check(&service_type(true, true))), [UserErrorKind::Conflict]);
    }
}
