//! Parameters of an extension: merged with a patch, completed, validated, split by visibility and sealed.

use platform::access::Permit;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::ExtensionId;
use platform::store::types::JsonValue;
use platform::transaction::Tx;
use serde_json::Value;
use service_types::ServiceType;
use service_types::schema::{
    Audience, Editor, GenerationContext, Parameter, ParameterSchema, Parameters, Viewer, merge_patch,
};
use service_types::unique_values::{UniqueValue, comparison_key, unique_values};

use crate::model::Extension;
use crate::{queries, sealed};

/// Parses the parameters of an input: a JSON object or nothing.
pub(super) fn parse_patch(given: Option<Value>) -> Result<Parameters, UserError> {
    match given {
        None | Some(Value::Null) => Ok(Parameters::new()),
        Some(Value::Object(patch)) => Ok(patch),
        Some(_) => Err(UserError::invalid("parameters", "Parameters are a JSON object.")),
    }
}

/// The public parameters of a row.
pub fn public(row: &Extension) -> Parameters {
    row.parameters.0.as_object().cloned().unwrap_or_default()
}

/// All parameters of a row, including secrets and status.
pub fn all(tx: &Tx<'_>, row: &Extension) -> Result<Parameters, Error> {
    let mut values = public(row);
    values.extend(sealed::open(tx.sealer(), row.id, row.secrets.as_deref())?);
    values.extend(row.status.0.as_object().cloned().unwrap_or_default());
    Ok(values)
}

/// Merges a patch into the current parameters with the editor's rights, then completes and validates the result. Returns all
/// parameters and the generated secrets among them.
///
/// # Errors
/// FEATURE_DENIED and SCHEMA_VIOLATION at the parameters concerned.
pub(super) fn merge(
    schema: &ParameterSchema,
    current: Parameters,
    patch: Parameters,
    editor: Editor,
    source: &GenerationContext<'_>,
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

/// Replaces the parameters by those of a file's row with the editor's rights, then completes and validates the result. A
/// parameter that the row omits or gives as null is removed, unless an export omits it too (secrets, and parameters for
/// telephone systems only), the server generates it or telephone systems write it.
///
/// # Errors
/// FEATURE_DENIED and SCHEMA_VIOLATION at the parameters concerned.
pub fn replace(
    schema: &ParameterSchema,
    current: Parameters,
    mut given: Parameters,
    editor: Editor,
    source: &GenerationContext<'_>,
) -> Result<Parameters, Error> {
    given.retain(|_, value| !value.is_null());
    let is_kept = |parameter: &Parameter| {
        parameter.secret
            || parameter.status
            || parameter.generate.is_some()
            || parameter.editable_by == Audience::Consumer
            || !parameter.is_visible_to(Viewer::Operator)
    };
    let removed =
        current.keys().filter(|name| !given.contains_key(*name) && !schema.parameter(name).is_some_and(is_kept));
    let mut patch = given.clone();
    patch.extend(removed.map(|name| (name.clone(), Value::Null)));
    let problems = schema.forbidden_writes(&patch, &current, editor);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut kept = current;
    kept.retain(|name, _| !patch.contains_key(name));
    Ok(merge(schema, kept, given, Editor::Import, source)?.0)
}

/// The values that parameters can be derived from.
#[derive(Clone, Copy)]
pub(super) struct DerivationSource<'a> {
    pub number: &'a str,
    pub username: &'a str,
}

impl<'a> DerivationSource<'a> {
    fn context(self, tx: &'a Tx<'_>) -> GenerationContext<'a> {
        GenerationContext { number: self.number, username: self.username, rng: tx.rng() }
    }
}

/// Updates the parameters that are derived from the number or the owner's username after a renumbering or a transfer. With
/// `rotate_secrets`, also rotates every generated secret and returns the new ones.
///
/// # Errors
/// SCHEMA_VIOLATION for a derived value that the schema does not permit.
pub(super) fn update_derived_parameters(
    tx: &Tx<'_>,
    schema: &ParameterSchema,
    row: &mut Extension,
    (old, new): (DerivationSource<'_>, DerivationSource<'_>),
    rotate_secrets: bool,
) -> Result<Parameters, Error> {
    let (old, new) = (old.context(tx), new.context(tx));
    let mut values = all(tx, row)?;
    let changed = schema.update_derived_parameters(&mut values, &old, &new);
    let secrets = if rotate_secrets { schema.rotate_all(&mut values, &new) } else { Parameters::new() };
    if changed.is_empty() && secrets.is_empty() {
        return Ok(secrets);
    }
    let problems = schema.validate(&Value::Object(values.clone()));
    if !problems.is_empty() {
        return Err(problems.into_iter().map(|problem| problem.at([] as [&str; 0])).collect::<Vec<_>>().into());
    }
    store(tx, schema, row, values)?;
    Ok(secrets)
}

/// Stores the parameters in the row, split by visibility, with sealed secrets.
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

/// Stores the unique values of an extension.
///
/// # Errors
/// ALREADY_EXISTS at a parameter whose value another extension has.
pub(super) async fn store_unique_values(
    tx: &mut Tx<'_>,
    permit: &Permit,
    schema: &ParameterSchema,
    row: &Extension,
    service_type: &ServiceType,
) -> Result<(), Error> {
    let values = all(tx, row)?;
    let key = comparison_key(tx, schema).await?;
    let unique = unique_values(schema, &values, row.event_id, service_type.id, key.as_ref())?;
    for value in &unique {
        check_unused(tx, row.id, value).await?;
    }
    let has_unique = schema.parameters().iter().any(|parameter| parameter.unique.is_some());
    if has_unique && let Some(taken) = queries::set_unique_values(tx.conn, permit, row.id, &unique).await? {
        return Err(already_exists(&taken).into());
    }
    Ok(())
}

async fn check_unused(tx: &mut Tx<'_>, id: ExtensionId, value: &UniqueValue) -> Result<(), Error> {
    match queries::holder_of_value(tx.conn, value).await? {
        Some(holder) if holder != id => Err(already_exists(&value.parameter).into()),
        _ => Ok(()),
    }
}

fn already_exists(parameter: &str) -> UserError {
    let problem = UserError::new(UserErrorKind::AlreadyExists, "parameters", "Another extension has this value.");
    problem.rule("parameter.taken").at(["parameters", parameter])
}
