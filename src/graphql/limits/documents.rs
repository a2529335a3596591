//! Documents that have been parsed and measured, and the ones worth keeping.

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
use super::{NESTING, ROOT_FIELDS, Refused, TOKENS, scan};

/// A document that keeps every limit that does not depend on who asks.
#[derive(Debug)]
pub struct Prepared {
    document: ExecutableDocument,
    operations: Vec<Operation>,
    pub(super) plan: Plan,
    valid: AtomicBool,
}

/// One operation of a document.
#[derive(Debug)]
pub struct Operation {
    /// Nothing for an anonymous operation.
    pub name: Option<Name>,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// The fields of the root type, fragments written out, `__typename` left out.
    pub root_fields: Vec<Name>,
    pub(super) steps: Vec<Step>,
}

impl Prepared {
    /// Scans, parses and measures a document.
    ///
    /// # Errors
    /// [`Refused`] with the first limit or rule that it breaks.
    pub fn new(text: &str, types: &TypeTable) -> Result<Self, Refused> {
        let scanned = scan(text);
        Refused::over("tokens", TOKENS, scanned.tokens as u64)?;
        Refused::over("nesting", NESTING, scanned.nesting as u64)?;
        let mut document = async_graphql::parser::parse_query(text).map_err(|error| {
            let error = ServerError::from(error);
            Refused::Parse { message: error.message, locations: error.locations }
        })?;
        check_shape(&document)?;
        inline_subscription_roots(&mut document);
        let (operations, plan) = plan(&document, types)?;
        Ok(Self { document, operations, plan, valid: AtomicBool::new(false) })
    }

    /// The operation that a request means (GraphQL, October 2021, section 6.1, `GetOperation`).
    ///
    /// # Errors
    /// [`Refused::Invalid`] when there is none of that name, or several and no name.
    pub fn operation(&self, name: Option<&str>) -> Result<&Operation, Refused> {
        let refuse = |message: String| Refused::Invalid { message, locations: Vec::new() };
        match (name, self.operations.as_slice()) {
            (None, [operation]) => Ok(operation),
            (None, _) => Err(refuse("The document has several operations: `operationName` must say which.".to_owned())),
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

    /// Whether the schema has found the document valid before, whatever its variables.
    pub fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Relaxed)
    }

    /// Remembers that the schema has found the document valid.
    pub fn set_valid(&self) {
        self.valid.store(true, Ordering::Relaxed);
    }
}

fn check_shape(document: &ExecutableDocument) -> Result<(), Refused> {
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

fn plan(document: &ExecutableDocument, types: &TypeTable) -> Result<(Vec<Operation>, Plan), Refused> {
    let mut planner = Planner::new(document, types);
    let mut operations = Vec::new();
    for (name, operation) in document.operations.iter() {
        let definition = &operation.node;
        let mut root_fields = Vec::new();
        collect_root(document, &definition.selection_set.node, &mut root_fields);
        Refused::over("rootFields", ROOT_FIELDS, root_fields.len() as u64)?;
        if definition.ty == OperationType::Subscription && (root_fields.len() != 1 || root_fields[0].starts_with("__"))
        {
            let message = "A subscription must select exactly one field of the root.".to_owned();
            return Err(Refused::Invalid { message, locations: vec![operation.pos] });
        }
        let direct =
            matches!(definition.selection_set.node.items.as_slice(), [Positioned { node: Selection::Field(_), .. }]);
        if definition.ty == OperationType::Subscription && !direct {
            let message = "A subscription must select its field directly, not by a fragment.".to_owned();
            return Err(Refused::Invalid { message, locations: vec![operation.pos] });
        }
        root_fields.retain(|field| *field != "__typename");
        let sign_ins = root_fields.iter().filter(|field| **field == "signIn").count() as u64;
        Refused::over("signIn", 1, if definition.ty == OperationType::Mutation { sign_ins } else { 0 })?;
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

/// The fields of a root, fragments written out. The shape has been checked: there are no cycles, and the end is near.
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

/// The library overlooks a subscription's field inside a fragment at the root and ends the stream without a word, so inline
/// fragments are dissolved here. (A named one cannot be: it would become unused, which is an error; it is refused.)
fn inline_subscription_roots(document: &mut ExecutableDocument) {
    let dissolve = |operation: &mut Positioned<OperationDefinition>| {
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
        DocumentOperations::Single(operation) => dissolve(operation),
        DocumentOperations::Multiple(operations) => operations.values_mut().for_each(dissolve),
    }
}

/// The most documents kept.
const ENTRIES: usize = 1_000;
/// The most text kept, in bytes; a parsed document takes some twenty times its text.
const TEXT: usize = 1 << 20;
/// The longest text worth keeping, in bytes.
const LONGEST: usize = 16 << 10;

/// Documents by their text, bounded in number and size. When it is full, the oldest that has not been asked for since its last
/// turn goes (second chance).
#[derive(Debug, Default)]
pub struct DocumentCache {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Arc<str>, Entry>,
    turns: VecDeque<Arc<str>>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    prepared: Arc<Prepared>,
    asked_for: AtomicBool,
}

impl DocumentCache {
    /// The prepared document of a text: kept, or prepared now.
    ///
    /// Mutations that hold a string literal are not kept: it may be somebody's password.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn get(&self, text: &str, types: &TypeTable) -> Result<Arc<Prepared>, Refused> {
        if let Some(entry) = self.kept.read().unwrap_or_else(PoisonError::into_inner).entries.get(text) {
            entry.asked_for.store(true, Ordering::Relaxed);
            return Ok(Arc::clone(&entry.prepared));
        }
        let prepared = Arc::new(Prepared::new(text, types)?);
        let may_hold_a_secret =
            text.contains('"') && prepared.operations.iter().any(|operation| operation.kind == OperationType::Mutation);
        if text.len() <= LONGEST && !may_hold_a_secret {
            self.keep(text, &prepared);
        }
        Ok(prepared)
    }

    fn keep(&self, text: &str, prepared: &Arc<Prepared>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.entries.contains_key(text) {
            return;
        }
        while kept.entries.len() >= ENTRIES || kept.bytes + text.len() > TEXT {
            let Some(oldest) = kept.turns.pop_front() else { break };
            match kept.entries.get(&oldest) {
                Some(entry) if entry.asked_for.swap(false, Ordering::Relaxed) => kept.turns.push_back(oldest),
                _ => {
                    kept.bytes -= oldest.len();
                    kept.entries.remove(&oldest);
                }
            }
        }
        let key: Arc<str> = text.into();
        kept.bytes += key.len();
        kept.turns.push_back(Arc::clone(&key));
        kept.entries.insert(key, Entry { prepared: Arc::clone(prepared), asked_for: AtomicBool::new(false) });
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        (kept.entries.len(), kept.bytes)
    }
}
