//! Caches the compiled version of each schema.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use platform::error::InternalError;
use platform::ids::ServiceTypeId;

use super::ServiceType;
use super::schema::ParameterSchema;

/// The maximum number of cached schemas. A full cache is cleared.
const MAX_CACHED: usize = 1024;

type Cache = HashMap<(ServiceTypeId, i32), Arc<ParameterSchema>>;

/// Never invalidated, because the schema of a version never changes.
static CACHE: LazyLock<RwLock<Cache>> = LazyLock::new(RwLock::default);

/// Compiles the service type's schema, or returns it from the cache.
///
/// # Errors
/// When the stored schema does not compile. Saving a schema excludes this.
pub fn compiled(service_type: &ServiceType) -> Result<Arc<ParameterSchema>, InternalError> {
    let key = (service_type.id, service_type.schema_version);
    if let Some(schema) = CACHE.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(schema));
    }
    let schema = ParameterSchema::compile(&service_type.parameter_schema.0).map_err(|problems| {
        InternalError::new(format!("the stored schema of {} does not compile: {problems:?}", service_type.slug))
    })?;
    let schema = Arc::new(schema);
    let mut cache = CACHE.write().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= MAX_CACHED {
        cache.clear();
    }
    cache.insert(key, Arc::clone(&schema));
    Ok(schema)
}
