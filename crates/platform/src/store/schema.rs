//! Tables after the last migration, for both databases. `tests/migrations.rs` compares them.

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    accounts (id) {
        id -> Uid,
        username -> Text,
        display_name -> Text,
        email -> Text,
        email_verified_at -> Nullable<BigInt>,
        password_hash -> Text,
        role -> Text,
        search -> Text,
        created_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    account_terms (term, account_id) {
        term -> Text,
        account_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    sessions (id) {
        id -> Uid,
        account_id -> Uid,
        token_hash -> Binary,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        reauthenticated_at -> BigInt,
        user_agent -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    mail_tokens (token_hash) {
        token_hash -> Binary,
        account_id -> Nullable<Uid>,
        purpose -> Text,
        email -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    sign_in_failures (id) {
        id -> Uid,
        login_hash -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    restrictions (id) {
        id -> Uid,
        target_kind -> Text,
        target_id -> Uid,
        source -> Text,
        effects -> Text,
        reason -> Text,
        created_at -> BigInt,
        created_by -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    events (id) {
        id -> Uid,
        slug -> Text,
        name -> Text,
        phase -> Text,
        starts_at -> Nullable<BigInt>,
        ends_at -> Nullable<BigInt>,
        time_zone -> Text,
        hold_seconds -> Integer,
        reserved_prefixes -> JsonDocument,
        next_slot -> Integer,
        created_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    service_types (id) {
        id -> Uid,
        slug -> Text,
        name -> Text,
        description -> Text,
        instructions -> Text,
        parameter_schema -> JsonDocument,
        schema_version -> Integer,
        behaviour -> Text,
        privileged -> Bool,
        group_capable -> Bool,
        quota -> Nullable<Integer>,
        member_limit -> Nullable<Integer>,
        retired -> Bool,
        settings -> JsonDocument,
        created_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    event_service_types (event_id, service_type_id) {
        event_id -> Uid,
        service_type_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    number_ranges (id) {
        id -> Uid,
        event_id -> Uid,
        first -> Text,
        last -> Text,
        label -> Text,
        privileged -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    range_service_types (range_id, service_type_id) {
        range_id -> Uid,
        service_type_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    call_permissions (id) {
        id -> Uid,
        slug -> Text,
        name -> Text,
        description -> Text,
        highlights_in_directory -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    templates (id) {
        id -> Uid,
        service_type_id -> Uid,
        name -> Text,
        content_type -> Text,
        format -> Text,
        source -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    api_keys (id) {
        id -> Uid,
        prefix -> Text,
        secret_hash -> Binary,
        label -> Text,
        scopes -> Text,
        all_events -> Bool,
        created_by -> Nullable<Uid>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    api_key_service_types (api_key_id, service_type_id) {
        api_key_id -> Uid,
        service_type_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    api_key_events (api_key_id, event_id) {
        api_key_id -> Uid,
        event_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    numbers (id) {
        id -> Uid,
        event_id -> Nullable<Uid>,
        number -> Text,
        state -> Text,
        account_id -> Nullable<Uid>,
        until -> Nullable<BigInt>,
        extension_id -> Nullable<Uid>,
        version -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    number_history (id) {
        id -> Uid,
        number_id -> Uid,
        at -> BigInt,
        from_state -> Text,
        to_state -> Text,
        account_id -> Nullable<Uid>,
        actor -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    extensions (id) {
        id -> Uid,
        event_id -> Uid,
        service_type_id -> Uid,
        owner_id -> Uid,
        slot -> Integer,
        number -> Text,
        label -> Text,
        visibility -> Text,
        parameters -> JsonDocument,
        secrets -> Nullable<Binary>,
        status -> JsonDocument,
        fallback_extension_id -> Nullable<Uid>,
        fallback_number -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    extension_permissions (extension_id, permission_id) {
        extension_id -> Uid,
        permission_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    extension_unique_values (scope_id, parameter, value) {
        scope_id -> Uid,
        parameter -> Text,
        value -> Text,
        extension_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    directory_terms (event_id, kind, term, extension_id) {
        event_id -> Uid,
        kind -> Text,
        term -> Text,
        number -> Text,
        extension_id -> Uid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    group_members (id) {
        id -> Uid,
        group_id -> Uid,
        member_id -> Uid,
        delay_seconds -> Integer,
        paused -> Bool,
        membership -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    feeds (id) {
        id -> Uid,
        event_id -> Uid,
        service_type_id -> Uid,
        epoch -> Uid,
        head -> BigInt,
        horizon -> BigInt,
        digest -> Binary,
        entry_count -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    feed_revisions (feed_id, revision) {
        feed_id -> Uid,
        revision -> BigInt,
        tag -> Binary,
        at -> BigInt,
        entries -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    feed_entries (entity_id) {
        entity_id -> Uid,
        feed_id -> Uid,
        revision -> BigInt,
        tag -> Binary,
        slot -> Integer,
        present -> Bool,
        entity_kind -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    feed_keys (id) {
        id -> Uid,
        entity_id -> Uid,
        feed_id -> Uid,
        number -> Text,
        parameters -> JsonDocument,
        from_revision -> BigInt,
        to_revision -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    feed_consumers (id) {
        id -> Uid,
        name -> Text,
        feed_id -> Uid,
        api_key_id -> Uid,
        created_revision -> BigInt,
        acknowledged -> Nullable<Text>,
        acknowledged_base -> Nullable<BigInt>,
        acknowledged_position -> Nullable<BigInt>,
        acknowledged_at -> Nullable<BigInt>,
        last_seen_at -> Nullable<BigInt>,
        paused -> Bool,
        created_at -> BigInt,
        verified_position -> Nullable<BigInt>,
        verified_at -> Nullable<BigInt>,
        verified -> Nullable<Bool>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    feed_web_hooks (consumer_id) {
        consumer_id -> Uid,
        url -> Text,
        secret -> Binary,
        created_at -> BigInt,
        attempts -> Integer,
        failing_since -> Nullable<BigInt>,
        next_at -> BigInt,
        last_error -> Nullable<Text>,
        claimed_until -> Nullable<BigInt>,
        delivered_at -> Nullable<BigInt>,
        dead_at -> Nullable<BigInt>,
        closed -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    feed_errors (consumer_id, entity_id) {
        consumer_id -> Uid,
        entity_id -> Uid,
        code -> Text,
        message -> Text,
        revision -> BigInt,
        at -> BigInt,
        entity_kind -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    number_waits (number_id, feed_id) {
        number_id -> Uid,
        feed_id -> Uid,
        revision -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    audit_events (seq) {
        seq -> BigInt,
        at -> BigInt,
        actor -> Text,
        via -> Text,
        action -> Text,
        entity -> Nullable<Text>,
        summary -> Text,
        request_id -> Nullable<Text>,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    audit_seals (position) {
        position -> BigInt,
        seq -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    jobs (id) {
        id -> Uid,
        kind -> Text,
        payload -> Binary,
        deduplication -> Nullable<Text>,
        run_at -> BigInt,
        attempts -> Integer,
        claimed_until -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        dead_at -> Nullable<BigInt>,
        priority -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    idempotency_records (actor, key) {
        actor -> Text,
        key -> Text,
        request_hash -> Binary,
        outcome -> JsonDocument,
        created_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    device_links (id) {
        id -> Uid,
        extension_id -> Uid,
        template_id -> Uid,
        account_id -> Uid,
        token_hash -> Binary,
        mac -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        used_at -> Nullable<BigInt>,
        fetched_at -> Nullable<BigInt>,
        created_by -> Nullable<Uid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::sql::*;

    notification_generations (topic) {
        topic -> Text,
        generation -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    sealed_keys (name) {
        name -> Text,
        sealed -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    account_terms,
    sessions,
    mail_tokens,
    sign_in_failures,
    restrictions,
    events,
    service_types,
    event_service_types,
    number_ranges,
    range_service_types,
    call_permissions,
    templates,
    api_keys,
    api_key_service_types,
    api_key_events,
    numbers,
    number_history,
    extensions,
    extension_permissions,
    extension_unique_values,
    directory_terms,
    group_members,
    feeds,
    feed_revisions,
    feed_entries,
    feed_keys,
    feed_consumers,
    feed_errors,
    feed_web_hooks,
    number_waits,
    device_links,
    audit_events,
    audit_seals,
    jobs,
    idempotency_records,
    notification_generations,
    sealed_keys,
);
