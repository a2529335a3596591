//! Each version of a schema, compiled once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::ServiceType;
use super::schema::ParameterSchema;
use platform::error::InternalError;
use platform::ids::ServiceTypeId;

/// How many compiled schemas are kept; beyond that all are forgotten and compiled anew when needed.
const KEPT: usize = 1024;

type Compiled = HashMap<(ServiceTypeId, i32), Arc<ParameterSchema>>;

/// A function of its key: the schema of a version never changes.
static COMPILED: LazyLock<RwLock<Compiled>> = LazyLock::new(RwLock::default);

/// The service type's schema, compiled.
///
/// # Errors
/// When a stored schema does not compile, which saving it excludes.
pub fn compiled(service_type: &ServiceType) -> Result<Arc<ParameterSchema>, InternalError> {
    let key = (service_type.id, service_type.schema_version);
    if let Some(schema) = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(schema));
    }
    let schema = ParameterSchema::compile(&service_type.parameter_schema.0).map_err(|problems| {
        InternalError::new(format!("the stored schema of {} does not compile: {problems:?}", service_type.slug))
    })?;
    let schema = Arc::new(schema);
    let mut kept = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(key, Arc::clone(&schema));
    Ok(schema)
}
