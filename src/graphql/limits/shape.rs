//! The shape of a document, as if every fragment were written out.
//!
//! Each fragment is measured once, so the time is linear in the document even where spreads double at each level. Sums
//! saturate.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};

use super::{DocumentError, MAX_ALIASES, MAX_DEPTH, MAX_DIRECTIVES, MAX_INTROSPECTION_LISTS, MAX_SELECTIONS};

/// The lists by which introspection can be nested into itself.
const LISTS_OF_INTROSPECTION: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// The measures of a selection set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub depth: u64,
    pub aliases: u64,
    pub directives: u64,
    pub selections: u64,
    /// The maximal number of introspection lists on one path.
    introspection_lists: u64,
}

impl Shape {
    const fn combine(self, other: Self) -> Self {
        Self {
            depth: if self.depth > other.depth { self.depth } else { other.depth },
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            selections: self.selections.saturating_add(other.selections),
            introspection_lists: if self.introspection_lists > other.introspection_lists {
                self.introspection_lists
            } else {
                other.introspection_lists
            },
        }
    }

    /// # Errors
    /// [`DocumentError::TooComplex`] naming the first limit that is exceeded.
    pub fn check(self) -> Result<(), DocumentError> {
        DocumentError::require_at_most("selections", MAX_SELECTIONS, self.selections)?;
        DocumentError::require_at_most("depth", MAX_DEPTH, self.depth)?;
        DocumentError::require_at_most("aliases", MAX_ALIASES, self.aliases)?;
        DocumentError::require_at_most("directives", MAX_DIRECTIVES, self.directives)
    }
}

/// Measures the selection sets of one document.
pub(super) struct Shapes<'a> {
    document: &'a ExecutableDocument,
    /// `None` while the fragment is being measured: meeting it again is a cycle.
    fragments: HashMap<&'a str, Option<Shape>>,
}

impl<'a> Shapes<'a> {
    pub fn new(document: &'a ExecutableDocument) -> Self {
        Self { document, fragments: HashMap::new() }
    }

    /// # Errors
    /// [`DocumentError::Invalid`] for a cycle of fragments or a repeated directive, [`DocumentError::TooComplex`] for
    /// introspection with nested lists.
    pub fn selection_set(&mut self, set: &'a SelectionSet) -> Result<Shape, DocumentError> {
        let mut total = Shape::default();
        for selection in &set.items {
            let mut shape = match &selection.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let mut inner = self.selection_set(&field.node.selection_set.node)?;
                    if name == "__schema" || name == "__type" {
                        DocumentError::require_at_most(
                            "introspection",
                            MAX_INTROSPECTION_LISTS,
                            inner.introspection_lists,
                        )?;
                        inner.depth = 0;
                    }
                    inner.introspection_lists += u64::from(LISTS_OF_INTROSPECTION.contains(&name));
                    inner.depth = inner.depth.saturating_add(1);
                    inner.aliases = inner.aliases.saturating_add(u64::from(field.node.alias.is_some()));
                    inner
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, spread.node.fragment_name.pos)?
                }
            };
            shape.selections = shape.selections.saturating_add(1);
            shape.directives = shape.directives.saturating_add(directives(selection.node.directives())?);
            total = total.combine(shape);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a Name, pos: Pos) -> Result<Shape, DocumentError> {
        match self.fragments.get(name.as_str()) {
            Some(Some(shape)) => return Ok(*shape),
            Some(None) => {
                return Err(DocumentError::Invalid {
                    message: format!("Fragment `{name}` spreads itself."),
                    locations: vec![pos],
                });
            }
            None => {}
        }
        let document = self.document;
        // The validation reports a fragment that is not defined.
        let Some(fragment) = document.fragments.get(name) else { return Ok(Shape::default()) };
        self.fragments.insert(name, None);
        let mut shape = self.selection_set(&fragment.node.selection_set.node)?;
        shape.directives = shape.directives.saturating_add(directives(&fragment.node.directives)?);
        self.fragments.insert(name, Some(shape));
        Ok(shape)
    }

    /// Measures the fragments that no operation spreads: the validation visits them too.
    ///
    /// # Errors
    /// As [`Self::selection_set`], and [`DocumentError::TooComplex`] for too many selections. The other limits concern
    /// operations.
    pub fn unused_fragments(&mut self) -> Result<(), DocumentError> {
        let document = self.document;
        for (name, fragment) in &document.fragments {
            DocumentError::require_at_most(
                "selections",
                MAX_SELECTIONS,
                self.fragment(name, fragment.pos)?.selections,
            )?;
        }
        Ok(())
    }
}

/// The number of directives at one place.
///
/// # Errors
/// [`DocumentError::Invalid`] for a repeated directive.
pub(super) fn directives(directives: &[Positioned<Directive>]) -> Result<u64, DocumentError> {
    for (index, directive) in directives.iter().enumerate() {
        if directives[..index].iter().any(|earlier| earlier.node.name.node == directive.node.name.node) {
            let message = format!("Directive `@{}` is repeated in one place.", directive.node.name.node);
            return Err(DocumentError::Invalid { message, locations: vec![directive.pos] });
        }
        // Longer lists exceed the limit anyway; without the end the comparison above would be quadratic.
        if index as u64 > MAX_DIRECTIVES {
            break;
        }
    }
    Ok(directives.len() as u64)
}
