//! Parameters of an extension: merged with a patch, completed, validated, split by visibility and sealed.

use std::collections::HashMap;
use std::sync::Arc;

use platform::access::Permit;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::ExtensionId;
use platform::secrets::ComparisonKey;
use platform::store::types::JsonValue;
use platform::transaction::Tx;
use serde_json::Value;
use service_types::schema::{
    Audience, Editor, GenerationContext, Parameter, ParameterSchema, Parameters, Viewer, merge_patch,
};
use service_types::unique_values::{UniqueValue, comparison_key, unique_values};
use service_types::{ServiceType, compiled};

use crate::model::Extension;
use crate::{bulk_queries, queries, sealed};

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

/// A service type with its compiled schema.
pub struct CompiledServiceType {
    pub row: ServiceType,
    pub schema: Arc<ParameterSchema>,
    /// The key for comparing unique secrets, where the schema has any.
    comparison_key: Option<ComparisonKey>,
}

impl CompiledServiceType {
    /// Compiles the schema of a service type, or takes it from the cache.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(tx: &mut Tx<'_>, row: ServiceType) -> Result<Self, Error> {
        let schema = compiled(&row)?;
        let comparison_key = comparison_key(tx, &schema).await?;
        Ok(Self { row, schema, comparison_key })
    }

    /// Whether a parameter of the type is unique.
    pub fn has_unique(&self) -> bool {
        has_unique(&self.schema)
    }
}

/// A change of the parameters of an extension.
pub struct ParameterChange<'a> {
    pub values: NewValues,
    pub editor: Editor,
    /// The username of the extension's owner, for generated values.
    pub username: &'a str,
    /// Whether the extension is registered by this change. A person changes a secret of an existing one only after a
    /// recent sign-in.
    pub is_registration: bool,
}

/// The given values of a change.
pub enum NewValues {
    /// A merge patch (RFC 7396).
    Patch(Parameters),
    /// The parameters of a file's row. A parameter that the row omits or gives as null is removed, unless an export
    /// omits it too (secrets, and parameters for telephone systems only), the server generates it or telephone systems
    /// write it.
    Replacement(Parameters),
}

/// What follows from a change of parameters.
pub struct ChangedParameters {
    /// The secrets that were generated, by parameter.
    pub generated: Parameters,
    /// All unique values of the extension.
    pub unique_values: Vec<UniqueValue>,
}

/// Changes the parameters in the row with the editor's rights, then completes and validates the result. The caller
/// checks and stores the unique values.
///
/// # Errors
/// FEATURE_DENIED or SCHEMA_VIOLATION at each parameter concerned; [`AuthError::ReauthenticationRequired`] for a secret.
pub fn change(
    tx: &Tx<'_>,
    service_type: &CompiledServiceType,
    row: &mut Extension,
    change: ParameterChange<'_>,
) -> Result<ChangedParameters, Error> {
    let CompiledServiceType { schema, comparison_key, .. } = service_type;
    let current = all(tx, row)?;
    let source = GenerationContext { number: &row.number, username: change.username, rng: tx.rng() };
    let (values, generated) = match change.values {
        NewValues::Patch(patch) => merge(schema, current, patch, change.editor, &source)?,
        NewValues::Replacement(given) => replace(schema, current, given, change.editor, &source)?,
    };
    if !change.is_registration && changes_secret(schema, &all(tx, row)?, &values) && tx.actor().account().is_some() {
        tx.actor().demand_recent_sign_in(tx.now)?;
    }
    let (event, id) = (row.event_id, service_type.row.id);
    let unique_values = unique_values(schema, &values, event, id, comparison_key.as_ref())?;
    store(tx, schema, row, values)?;
    Ok(ChangedParameters { generated, unique_values })
}

/// Whether a secret parameter differs.
fn changes_secret(schema: &ParameterSchema, before: &Parameters, after: &Parameters) -> bool {
    let mut secrets = schema.parameters().iter().filter(|parameter| parameter.secret);
    secrets.any(|parameter| before.get(&parameter.name) != after.get(&parameter.name))
}

/// Merges a patch into the current parameters with the editor's rights, then completes and validates the result.
/// Returns all parameters and the generated secrets among them.
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

/// Replaces the parameters by those of a file's row; see [`NewValues::Replacement`].
fn replace(
    schema: &ParameterSchema,
    current: Parameters,
    mut given: Parameters,
    editor: Editor,
    source: &GenerationContext<'_>,
) -> Result<(Parameters, Parameters), Error> {
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
    merge(schema, kept, given, Editor::Import, source)
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

/// Updates the parameters that are derived from the number or the owner's username after a renumbering or a transfer.
/// With `rotate_secrets`, also rotates every generated secret and returns the new ones.
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

/// Stores the parameters in the row, split by visibility, with sealed secrets. Unchanged secrets keep their ciphertext,
/// so that an unchanged row compares equal.
pub(super) fn store(
    tx: &Tx<'_>,
    schema: &ParameterSchema,
    row: &mut Extension,
    values: Parameters,
) -> Result<(), Error> {
    let parts = schema.split(values);
    row.parameters = JsonValue(parts.public.into());
    row.status = JsonValue(parts.status.into());
    if sealed::open(tx.sealer(), row.id, row.secrets.as_deref())? != parts.secrets {
        row.secrets = sealed::seal(tx.sealer(), row.id, &parts.secrets)?;
    }
    Ok(())
}

/// Stores the unique values of an extension whose parameters changed.
///
/// # Errors
/// ALREADY_EXISTS at each parameter whose value another extension has.
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
    let problems = check_unique_values(tx, row.id, &unique).await?;
    if !problems.is_empty() {
        return Err(problems.into());
    }
    replace_unique_values(tx, permit, schema, row.id, &unique).await
}

fn has_unique(schema: &ParameterSchema) -> bool {
    schema.parameters().iter().any(|parameter| parameter.unique.is_some())
}

/// Replaces the unique values of an extension, after [`check_unique_values`].
///
/// # Errors
/// ALREADY_EXISTS at a parameter whose value an extension of another event got meanwhile.
pub(super) async fn replace_unique_values(
    tx: &mut Tx<'_>,
    permit: &Permit,
    schema: &ParameterSchema,
    id: ExtensionId,
    values: &[UniqueValue],
) -> Result<(), Error> {
    if !has_unique(schema) {
        return Ok(());
    }
    match queries::set_unique_values(tx.conn, permit, id, values).await? {
        None => Ok(()),
        Some(taken) => Err(already_exists(&taken).into()),
    }
}

/// Loads the extensions that have the unique values, and checks the values of one extension against them.
///
/// # Errors
/// When the database fails.
pub(super) async fn check_unique_values(
    tx: &mut Tx<'_>,
    id: ExtensionId,
    values: &[UniqueValue],
) -> Result<Vec<UserError>, Error> {
    let wanted: Vec<&UniqueValue> = values.iter().collect();
    let holders: HashMap<_, _> = bulk_queries::holders_of_values(tx.conn, &wanted).await?.into_iter().collect();
    Ok(taken_values(id, values, |value| holders.get(value).copied()))
}

/// Returns ALREADY_EXISTS at each parameter whose value another extension has. `holder_of` returns the extension with a
/// value.
pub fn taken_values(
    id: ExtensionId,
    values: &[UniqueValue],
    holder_of: impl Fn(&UniqueValue) -> Option<ExtensionId>,
) -> Vec<UserError> {
    let is_taken = |value: &&UniqueValue| holder_of(value).is_some_and(|holder| holder != id);
    values.iter().filter(is_taken).map(|value| already_exists(&value.parameter)).collect()
}

/// The error of a value that another extension has.
pub(crate) fn already_exists(parameter: &str) -> UserError {
    let problem = UserError::new(UserErrorKind::AlreadyExists, "parameters", "Another extension has this value.");
    problem.rule("parameter.taken").at(["parameters", parameter])
}
