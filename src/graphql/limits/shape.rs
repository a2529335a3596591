//! A document's shape: what it would be with every fragment written out, computed without writing any out.
//!
//! Each fragment is measured once, so a document whose spreads double at each level costs as little as any other; sums saturate.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};

use super::{ALIASES, DEPTH, DIRECTIVES, INTROSPECTION_LISTS, Refused, SELECTIONS};

/// The lists by which introspection can be nested into itself.
const LISTS_OF_INTROSPECTION: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// The measures of a selection set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub depth: u64,
    pub aliases: u64,
    pub directives: u64,
    pub selections: u64,
    /// The most lists of introspection on one path.
    lists: u64,
}

impl Shape {
    const fn beside(self, other: Self) -> Self {
        Self {
            depth: if self.depth > other.depth { self.depth } else { other.depth },
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            selections: self.selections.saturating_add(other.selections),
            lists: if self.lists > other.lists { self.lists } else { other.lists },
        }
    }

    /// # Errors
    /// [`Refused::TooComplex`] naming the first limit that is exceeded.
    pub fn check(self) -> Result<(), Refused> {
        Refused::over("selections", SELECTIONS, self.selections)?;
        Refused::over("depth", DEPTH, self.depth)?;
        Refused::over("aliases", ALIASES, self.aliases)?;
        Refused::over("directives", DIRECTIVES, self.directives)
    }
}

/// Measures the selection sets of one document.
pub(super) struct Shapes<'a> {
    document: &'a ExecutableDocument,
    /// Nothing while the fragment is being measured: to meet it then is a cycle.
    fragments: HashMap<&'a str, Option<Shape>>,
}

impl<'a> Shapes<'a> {
    pub fn new(document: &'a ExecutableDocument) -> Self {
        Self { document, fragments: HashMap::new() }
    }

    /// # Errors
    /// [`Refused::Invalid`] for a cycle of fragments or a repeated directive, [`Refused::TooComplex`] for introspection that
    /// nests its lists.
    pub fn selection_set(&mut self, set: &'a SelectionSet) -> Result<Shape, Refused> {
        let mut total = Shape::default();
        for selection in &set.items {
            let mut shape = match &selection.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let mut inner = self.selection_set(&field.node.selection_set.node)?;
                    if name == "__schema" || name == "__type" {
                        Refused::over("introspection", INTROSPECTION_LISTS, inner.lists)?;
                        inner.depth = 0;
                    }
                    inner.lists += u64::from(LISTS_OF_INTROSPECTION.contains(&name));
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
            total = total.beside(shape);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a Name, pos: Pos) -> Result<Shape, Refused> {
        match self.fragments.get(name.as_str()) {
            Some(Some(shape)) => return Ok(*shape),
            Some(None) => {
                return Err(Refused::Invalid {
                    message: format!("Fragment `{name}` spreads itself."),
                    locations: vec![pos],
                });
            }
            None => {}
        }
        let document = self.document;
        // A fragment that is not defined is the validation's business.
        let Some(fragment) = document.fragments.get(name) else { return Ok(Shape::default()) };
        self.fragments.insert(name, None);
        let mut shape = self.selection_set(&fragment.node.selection_set.node)?;
        shape.directives = shape.directives.saturating_add(directives(&fragment.node.directives)?);
        self.fragments.insert(name, Some(shape));
        Ok(shape)
    }

    /// Measures the fragments that no operation spreads, too: the validation walks them all.
    ///
    /// # Errors
    /// As [`Self::selection_set`], and [`Refused::TooComplex`] for too many selections: the other limits are an operation's.
    pub fn unused_fragments(&mut self) -> Result<(), Refused> {
        let document = self.document;
        for (name, fragment) in &document.fragments {
            Refused::over("selections", SELECTIONS, self.fragment(name, fragment.pos)?.selections)?;
        }
        Ok(())
    }
}

/// The number of directives in one place.
///
/// # Errors
/// [`Refused::Invalid`] when one stands there twice.
pub(super) fn directives(directives: &[Positioned<Directive>]) -> Result<u64, Refused> {
    for (index, directive) in directives.iter().enumerate() {
        if directives[..index].iter().any(|earlier| earlier.node.name.node == directive.node.name.node) {
            let message = format!("Directive `@{}` is repeated in one place.", directive.node.name.node);
            return Err(Refused::Invalid { message, locations: vec![directive.pos] });
        }
        // Longer lists are refused by their number alone; this keeps the comparison above from being quadratic.
        if index as u64 > DIRECTIVES {
            break;
        }
    }
    Ok(directives.len() as u64)
}
