//! Parsed and measured documents, and their cache.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError};

use super::cost::{Plan, Planner, Step};
use super::shape::{Shapes, directives};
use super::types::TypeTable;
use super::{DocumentError, MAX_NESTING, MAX_ROOT_FIELDS, MAX_TOKENS, escapes, scan};

/// A parsed document that keeps every limit that does not depend on the caller.
#[derive(Debug)]
pub struct PreparedDocument {
    document: ExecutableDocument,
    operations: Vec<Operation>,
    pub(super) plan: Plan,
    is_validated: AtomicBool,
}

/// One operation of a document.
#[derive(Debug)]
pub struct Operation {
    /// `None` for an anonymous operation.
    pub name: Option<Name>,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The fields of the root type with every fragment written out, without `__typename`.
    pub root_fields: Vec<Name>,
    pub(super) steps: Vec<Step>,
}

impl PreparedDocument {
    /// Scans, parses and measures a document.
    ///
    /// # Errors
    /// The first limit or rule that the document breaks.
    pub fn new(text: &str, types: &TypeTable) -> Result<Self, DocumentError> {
        let scanned = scan(text);
        DocumentError::require_at_most("tokens", MAX_TOKENS, scanned.tokens as u64)?;
        DocumentError::require_at_most("nesting", MAX_NESTING, scanned.nesting as u64)?;
        let text = escapes::decode(text);
        let mut document = async_graphql::parser::parse_query(text).map_err(|error| {
            let error = ServerError::from(error);
            DocumentError::Parse { message: error.message, locations: error.locations }
        })?;
        check_shape(&document)?;
        inline_subscription_roots(&mut document);
        let (operations, plan) = plan(&document, types)?;
        Ok(Self { document, operations, plan, is_validated: AtomicBool::new(false) })
    }

    /// The operation that a request executes (GraphQL, October 2021, section 6.1, `GetOperation`).
    ///
    /// # Errors
    /// [`DocumentError::Invalid`] when no operation has the name, or there is no name and more than one operation.
    pub fn operation(&self, name: Option<&str>) -> Result<&Operation, DocumentError> {
        let refuse = |message: String| DocumentError::Invalid { message, locations: Vec::new() };
        match (name, self.operations.as_slice()) {
            (None, [operation]) => Ok(operation),
            (None, _) => {
                Err(refuse("The document has several operations: `operationName` must name one of them.".to_owned()))
            }
            (Some(name), operations) => operations
                .iter()
                .find(|operation| operation.name.as_deref() == Some(name))
                .ok_or_else(|| refuse(format!("The document has no operation named `{name}`."))),
        }
    }

    pub(super) fn definition(&self, operation: &Operation) -> Option<&OperationDefinition> {
        match (&self.document.operations, &operation.name) {
            (DocumentOperations::Single(definition), _) => Some(&definition.node),
            (DocumentOperations::Multiple(definitions), Some(name)) => {
                definitions.get(name).map(|definition| &definition.node)
            }
            (DocumentOperations::Multiple(_), None) => None,
        }
    }

    /// The parsed document, for `Request::set_parsed_query`.
    pub const fn document(&self) -> &ExecutableDocument {
        &self.document
    }

    /// Whether the schema has validated the document. The validity does not depend on variables.
    pub fn is_validated(&self) -> bool {
        self.is_validated.load(Ordering::Relaxed)
    }

    /// Records that the schema has validated the document.
    pub fn set_validated(&self) {
        self.is_validated.store(true, Ordering::Relaxed);
    }
}

fn check_shape(document: &ExecutableDocument) -> Result<(), DocumentError> {
    let mut shapes = Shapes::new(document);
    for (_, operation) in document.operations.iter() {
        let mut shape = shapes.selection_set(&operation.node.selection_set.node)?;
        shape.directives = shape.directives.saturating_add(directives(&operation.node.directives)?);
        for variable in &operation.node.variable_definitions {
            shape.directives = shape.directives.saturating_add(directives(&variable.node.directives)?);
        }
        shape.check()?;
    }
    shapes.unused_fragments()
}

fn plan(document: &ExecutableDocument, types: &TypeTable) -> Result<(Vec<Operation>, Plan), DocumentError> {
    let mut planner = Planner::new(document, types);
    let mut operations = Vec::new();
    for (name, operation) in document.operations.iter() {
        let definition = &operation.node;
        let mut root_fields = Vec::new();
        collect_root(document, &definition.selection_set.node, &mut root_fields);
        DocumentError::require_at_most("rootFields", MAX_ROOT_FIELDS, root_fields.len() as u64)?;
        if definition.ty == OperationType::Subscription && (root_fields.len() != 1 || root_fields[0].starts_with("__"))
        {
            let message = "A subscription must select exactly one field of the root.".to_owned();
            return Err(DocumentError::Invalid { message, locations: vec![operation.pos] });
        }
        let direct =
            matches!(definition.selection_set.node.items.as_slice(), [Positioned { node: Selection::Field(_), .. }]);
        if definition.ty == OperationType::Subscription && !direct {
            let message = "A subscription must select its field directly, not by a fragment.".to_owned();
            return Err(DocumentError::Invalid { message, locations: vec![operation.pos] });
        }
        root_fields.retain(|field| *field != "__typename");
        if definition.ty == OperationType::Mutation {
            check_password_fields(&root_fields)?;
        }
        let root = match definition.ty {
            OperationType::Query => &types.query,
            OperationType::Mutation => &types.mutation,
            OperationType::Subscription => &types.subscription,
        };
        let steps = planner.operation(root, &definition.selection_set.node);
        operations.push(Operation { name: name.cloned(), kind: definition.ty, root_fields, steps });
    }
    Ok((operations, planner.finish()))
}

/// The mutations that hash a password, which takes far longer than any other field.
const PASSWORD_FIELDS: [&str; 8] = [
    "changeEmail",
    "changePassword",
    "completeSetup",
    "deleteAccount",
    "reauthenticate",
    "registerAccount",
    "resetPassword",
    "signIn",
];

/// Refuses more than one field that hashes a password.
///
/// # Errors
/// [`DocumentError::TooComplex`]; the limit is `signIn` where all of them are sign-ins, otherwise `passwordFields`.
fn check_password_fields(root_fields: &[Name]) -> Result<(), DocumentError> {
    let count = |names: &[&str]| root_fields.iter().filter(|field| names.contains(&field.as_str())).count() as u64;
    DocumentError::require_at_most("signIn", 1, count(&["signIn"]))?;
    DocumentError::require_at_most("passwordFields", 1, count(&PASSWORD_FIELDS))
}

/// Collects the fields of a root with every fragment written out. The shape has been checked, so there are no cycles
/// and few fields.
fn collect_root(document: &ExecutableDocument, set: &SelectionSet, fields: &mut Vec<Name>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fields.push(field.node.name.node.clone()),
            Selection::InlineFragment(fragment) => collect_root(document, &fragment.node.selection_set.node, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect_root(document, &fragment.node.selection_set.node, fields);
                }
            }
        }
    }
}

/// Replaces inline fragments at the root of a subscription by their fields: the library ends the stream of such a
/// subscription without an error. A named fragment would become unused, which is an error, so it is refused instead.
fn inline_subscription_roots(document: &mut ExecutableDocument) {
    let inline = |operation: &mut Positioned<OperationDefinition>| {
        if operation.node.ty == OperationType::Subscription {
            let items = &mut operation.node.selection_set.node.items;
            while let [Positioned { node: Selection::InlineFragment(fragment), .. }] = items.as_mut_slice() {
                if !fragment.node.directives.is_empty() {
                    break;
                }
                *items = std::mem::take(&mut fragment.node.selection_set.node.items);
            }
        }
    };
    match &mut document.operations {
        DocumentOperations::Single(operation) => inline(operation),
        DocumentOperations::Multiple(operations) => operations.values_mut().for_each(inline),
    }
}

/// The maximal number of cached documents.
const MAX_ENTRIES: usize = 1_000;
/// The maximal text of all cached documents, in bytes. A parsed document takes about twenty times its text.
const MAX_BYTES: usize = 1 << 20;
/// The maximal text of a cached document, in bytes.
const MAX_ENTRY_BYTES: usize = 16 << 10;

/// A cache of documents by their text, bounded in number and size. Replacement is second chance: the oldest entry that
/// was not used since its last turn is evicted.
#[derive(Debug, Default)]
pub struct DocumentCache {
    state: RwLock<CacheState>,
}

#[derive(Debug, Default)]
struct CacheState {
    entries: HashMap<Arc<str>, Entry>,
    queue: VecDeque<Arc<str>>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    document: Arc<PreparedDocument>,
    was_used: AtomicBool,
}

impl DocumentCache {
    /// The prepared document of a text, from the cache or prepared now.
    ///
    /// Mutations with a string literal are not cached: the literal may be a password.
    ///
    /// # Errors
    /// As [`PreparedDocument::new`].
    pub fn get(&self, text: &str, types: &TypeTable) -> Result<Arc<PreparedDocument>, DocumentError> {
        if let Some(entry) = self.state.read().unwrap_or_else(PoisonError::into_inner).entries.get(text) {
            entry.was_used.store(true, Ordering::Relaxed);
            return Ok(Arc::clone(&entry.document));
        }
        let document = Arc::new(PreparedDocument::new(text, types)?);
        let may_hold_a_secret =
            text.contains('"') && document.operations.iter().any(|operation| operation.kind == OperationType::Mutation);
        if text.len() <= MAX_ENTRY_BYTES && !may_hold_a_secret {
            self.insert(text, &document);
        }
        Ok(document)
    }

    fn insert(&self, text: &str, document: &Arc<PreparedDocument>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.entries.contains_key(text) {
            return;
        }
        while state.entries.len() >= MAX_ENTRIES || state.bytes + text.len() > MAX_BYTES {
            let Some(oldest) = state.queue.pop_front() else { break };
            match state.entries.get(&oldest) {
                Some(entry) if entry.was_used.swap(false, Ordering::Relaxed) => state.queue.push_back(oldest),
                _ => {
                    state.bytes -= oldest.len();
                    state.entries.remove(&oldest);
                }
            }
        }
        let key: Arc<str> = text.into();
        state.bytes += key.len();
        state.queue.push_back(Arc::clone(&key));
        state.entries.insert(key, Entry { document: Arc::clone(document), was_used: AtomicBool::new(false) });
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        (state.entries.len(), state.bytes)
    }
}
