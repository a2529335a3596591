//! From what somebody gives to what is stored: merged, completed, validated, split, sealed.

use serde_json::Value;

use super::super::model::Extension;
use super::super::{queries, sealed};
use super::marks::public;
use platform::access::Permit;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::ExtensionId;
use service_types::ServiceType;
use service_types::schema::{
    Audience, Editor, Parameter, ParameterSchema, Parameters, Source, Viewer, merge_patch,
};
use service_types::sealed::{UniqueValue, comparison_key, unique_values};
use platform::store::types::{Id, JsonValue};
use platform::transaction::Tx;

/// What is given as parameters must be an object.
pub(super) fn patch(given: Option<Value>) -> Result<Parameters, UserError> {
    match given {
        None | Some(Value::Null) => Ok(Parameters::new()),
        Some(Value::Object(patch)) => Ok(patch),
        Some(_) => Err(UserError::invalid("parameters", "Parameters are a JSON object.")),
    }
}

/// All parameters of a row, secrets too.
pub fn all(tx: &Tx<'_>, row: &Extension) -> Result<Parameters, Error> {
    let mut values = public(row);
    values.extend(sealed::open(tx.sealer(), row.id, row.secrets.as_deref())?);
    values.extend(row.status.0.as_object().cloned().unwrap_or_default());
    Ok(values)
}

/// Merges a patch into what is there, as far as the editor may, and completes and checks the result.
///
/// # Errors
/// FEATURE_DENIED and SCHEMA_VIOLATION at the parameters concerned.
pub(super) fn merge(
    schema: &ParameterSchema,
    current: Parameters,
    patch: Parameters,
    editor: Editor,
    source: &Source<'_>,
) -> Result<(Parameters, Parameters), Error> {
    let problems = schema.forbidden_writes(&patch, &current, editor);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut merged = Value::Object(current);
    merge_patch(&mut merged, &Value::Object(patch));
    let Value::Object(mut values) = merged else {
        return Err(UserError::invalid("parameters", "Parameters are a JSON object.").into());
    };
    let completed = schema.complete(&mut values, source);
    let problems = schema.validate(&Value::Object(values.clone()));
    if !problems.is_empty() {
        return Err(problems.into());
    }
    Ok((values, completed.secrets))
}

/// Makes the parameters those of a file's row, as far as the editor may, and completes and checks the result. What the row
/// leaves out (or gives as null) goes, save what an export leaves out too (secrets, and what only telephone systems read), what
/// the server makes and what telephone systems write.
///
/// # Errors
/// FEATURE_DENIED and SCHEMA_VIOLATION at the parameters concerned.
pub fn replace(
    schema: &ParameterSchema,
    current: Parameters,
    mut given: Parameters,
    editor: Editor,
    source: &Source<'_>,
) -> Result<Parameters, Error> {
    given.retain(|_, value| !value.is_null());
    let stays = |parameter: &Parameter| {
        parameter.secret
            || parameter.status
            || parameter.generate.is_some()
            || parameter.editable_by == Audience::Consumer
            || !parameter.is_visible_to(Viewer::Operator)
    };
    let gone = current.keys().filter(|name| !given.contains_key(*name) && !schema.parameter(name).is_some_and(stays));
    let mut patch = given.clone();
    patch.extend(gone.map(|name| (name.clone(), Value::Null)));
    let problems = schema.forbidden_writes(&patch, &current, editor);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut kept = current;
    kept.retain(|name, _| !patch.contains_key(name));
    Ok(merge(schema, kept, given, Editor::Import, source)?.0)
}

/// Lets copies of the number and of the owner's name follow a renumbering or a transfer. `rotated` makes every generated secret
/// anew; the answer is those that were made.
///
/// # Errors
/// SCHEMA_VIOLATION where the schema does not take what follows.
pub(super) fn follow(
    tx: &Tx<'_>,
    schema: &ParameterSchema,
    row: &mut Extension,
    (old, new): ((&str, &str), (&str, &str)),
    rotated: bool,
) -> Result<Parameters, Error> {
    let source = |(number, username)| Source { number, username, rng: tx.rng() };
    let mut values = all(tx, row)?;
    let changed = schema.follow(&mut values, &source(old), &source(new));
    let made = if rotated { schema.rotate_all(&mut values, &source(new)) } else { Parameters::new() };
    if changed.is_empty() && made.is_empty() {
        return Ok(made);
    }
    let problems = schema.validate(&Value::Object(values.clone()));
    if !problems.is_empty() {
        return Err(problems.into_iter().map(|problem| problem.at([] as [&str; 0])).collect::<Vec<_>>().into());
    }
    store(tx, schema, row, values)?;
    Ok(made)
}

/// Puts values into the row: split, secrets sealed.
pub(super) fn store(
    tx: &Tx<'_>,
    schema: &ParameterSchema,
    row: &mut Extension,
    values: Parameters,
) -> Result<(), Error> {
    let parts = schema.split(values);
    row.parameters = JsonValue(parts.public.into());
    row.status = JsonValue(parts.status.into());
    row.secrets = sealed::seal(tx.sealer(), row.id, &parts.secrets)?;
    Ok(())
}

/// Writes the unique values of an extension, if nobody else bears one.
///
/// # Errors
/// ALREADY_EXISTS at the parameter.
pub(super) async fn claim_unique(
    tx: &mut Tx<'_>,
    permit: &Permit,
    schema: &ParameterSchema,
    row: &Extension,
    service_type: &ServiceType,
) -> Result<(), Error> {
    let values = all(tx, row)?;
    let key = comparison_key(tx, schema).await?;
    let unique = unique_values(schema, &values, row.event_id, service_type.id, key.as_ref())?;
    let mut claims = Vec::with_capacity(unique.len());
    for UniqueValue { scope, parameter, value } in unique {
        refuse_bearer(tx, row.id, scope, &parameter, &value).await?;
        claims.push((scope, parameter, value));
    }
    let has_any = schema.parameters().iter().any(|parameter| parameter.unique.is_some());
    if has_any && let Some(taken) = queries::set_unique_values(tx.conn, permit, row.id, &claims).await? {
        return Err(taken_by_another(&taken).into());
    }
    Ok(())
}

async fn refuse_bearer(tx: &mut Tx<'_>, id: ExtensionId, scope: Id, parameter: &str, value: &str) -> Result<(), Error> {
    match queries::bearer_of(tx.conn, scope, parameter, value).await? {
        Some(bearer) if bearer != id => Err(taken_by_another(parameter).into()),
        _ => Ok(()),
    }
}

fn taken_by_another(parameter: &str) -> UserError {
    let problem = UserError::new(UserErrorKind::AlreadyExists, "parameters", "Another extension has this value.");
    problem.rule("parameter.taken").at(["parameters", parameter])
}
