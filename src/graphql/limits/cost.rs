//! The cost of an operation: a plan is made once per document and evaluated with the variables of each request.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value, Variables};

use super::types::{DEFAULT_FIRST, FieldShape, TypeTable};
use super::{Charge, DocumentError, Tier};

/// The assumed size of a list of objects without `first`, such as the permissions of an extension or the members of a
/// group.
pub const PLAIN_LIST: u64 = 10;

/// What a field costs that reads more rows than it returns: about the work of this many fields, in an event with tens
/// of thousands of extensions.
pub const SCAN_COST: u64 = 300;

/// The types of pages of provisioning feeds.
const FEED_PAGES: [&str; 2] = ["FeedSnapshot", "FeedEvent"];
/// The field whose page is a grid of bare numbers. People may read larger pages of it. It looks for free numbers among
/// those in service.
const NUMBER_GRID: &str = "availableNumbers";
/// The field of a connection that counts all its elements.
const TOTAL: &str = "totalCount";
/// The argument by which a connection is searched.
const SEARCH: &str = "search";

/// The cost plans of one document's fragments.
#[derive(Debug, Default)]
pub(super) struct Plan {
    fragments: Vec<Vec<Step>>,
}

/// A step of a plan.
#[derive(Debug)]
pub(super) enum Step {
    /// A number of fields that does not depend on variables.
    Fields(u64),
    /// One field, and what is selected on each element of its list.
    List { size: Size, inner: Vec<Step> },
    /// One field with the argument `first`, and what is selected on it. Lists directly below it have that size.
    Page { first: First, inner: Vec<Step> },
    /// One page of a feed.
    Feed { first: First, inner: Vec<Step> },
    /// A selection that a variable includes or skips.
    If { variable: Name, included: bool, inner: Vec<Step> },
    /// A cost that applies where a variable has a value.
    Given { variable: Name, cost: u64 },
    /// A fragment's plan.
    Spread(usize),
}

#[derive(Debug)]
pub(super) enum Size {
    Fixed(u64),
    /// The size of the enclosing page.
    OfPage,
    /// The value of the list's own `first`.
    First(First),
    /// The length of the list in a variable.
    Length(Name),
}

/// The argument `first` of a field.
#[derive(Debug)]
pub(super) struct First {
    field: Name,
    bound: Bound,
    value: FirstValue,
}

#[derive(Debug)]
enum FirstValue {
    Literal(i64),
    /// The variable, and the value where it is absent or null.
    Variable(Name, i64),
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    Page,
    Grid,
    Feed,
}

impl Bound {
    const fn maximum(self, tier: Tier) -> i64 {
        match (self, tier) {
            (Self::Page, Tier::Guest | Tier::User) => 100,
            (Self::Feed, Tier::Key) => 5_000,
            _ => 1_000,
        }
    }
}

/// An argument of the document.
enum Argument {
    Literal(Value),
    Variable(Name),
}

/// Reads the value of an argument. It is a macro because the library does not export the type of the value.
macro_rules! read {
    ($value:expr) => {{
        let mut variable = None;
        let value = $value.node.clone().into_const_with(|name| {
            variable = Some(name);
            Ok::<_, std::convert::Infallible>(Value::Null)
        });
        match (value, variable) {
            (Ok(Value::Null), Some(name)) => Argument::Variable(name),
            (Ok(value), _) => Argument::Literal(value),
        }
    }};
}

/// The argument; null where it is absent.
fn argument(field: &Field, name: &str) -> Argument {
    field.get_argument(name).map_or(Argument::Literal(Value::Null), |value| read!(value))
}

/// What determines the size of the lists in a selection set.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ListContext {
    Plain,
    Page,
    Feed,
}

/// Makes the plan of one document.
pub(super) struct Planner<'a> {
    document: &'a ExecutableDocument,
    types: &'a TypeTable,
    plan: Plan,
    planned: HashMap<(&'a str, ListContext), usize>,
}

impl<'a> Planner<'a> {
    /// A planner for a document without cycles of fragments.
    pub fn new(document: &'a ExecutableDocument, types: &'a TypeTable) -> Self {
        Self { document, types, plan: Plan::default(), planned: HashMap::new() }
    }

    pub fn finish(self) -> Plan {
        self.plan
    }

    pub fn operation(&mut self, root: &str, set: &'a SelectionSet) -> Vec<Step> {
        self.selection_set(root, set, ListContext::Plain)
    }

    fn selection_set(&mut self, parent: &str, set: &'a SelectionSet, context: ListContext) -> Vec<Step> {
        let mut steps = Vec::new();
        for selection in &set.items {
            let inner = match &selection.node {
                Selection::Field(field) => self.field(parent, &field.node, context),
                Selection::InlineFragment(fragment) => {
                    let on = fragment
                        .node
                        .type_condition
                        .as_ref()
                        .map_or(parent, |condition| condition.node.on.node.as_str());
                    self.selection_set(on, &fragment.node.selection_set.node, context)
                }
                Selection::FragmentSpread(spread) => {
                    self.spread(&spread.node.fragment_name.node, context).map(Step::Spread).into_iter().collect()
                }
            };
            conditioned(inner, selection.node.directives()).into_iter().for_each(|step| push(&mut steps, step));
        }
        steps
    }

    fn spread(&mut self, name: &'a str, context: ListContext) -> Option<usize> {
        if let Some(index) = self.planned.get(&(name, context)) {
            return Some(*index);
        }
        let document = self.document;
        let fragment = &document.fragments.get(name)?.node;
        let steps = self.selection_set(&fragment.type_condition.node.on.node, &fragment.selection_set.node, context);
        let index = self.plan.fragments.len();
        self.plan.fragments.push(steps);
        self.planned.insert((name, context), index);
        Some(index)
    }

    fn field(&mut self, parent: &str, field: &'a Field, context: ListContext) -> Vec<Step> {
        let name = field.name.node.as_str();
        if name == "__typename" {
            return Vec::new();
        }
        let set = &field.selection_set.node;
        let types = self.types;
        let Some(shape) = types.field(parent, name) else {
            // Introspection, where each field counts once, and fields that the validation refuses.
            return with_field(self.selection_set("", set, context));
        };
        if FEED_PAGES.contains(&shape.named.as_str()) {
            let inner = self.selection_set(&shape.named, set, ListContext::Feed);
            return vec![Step::Feed { first: first(field, shape, Bound::Feed), inner }];
        }
        if name == TOTAL {
            return vec![Step::Fields(1 + SCAN_COST)];
        }
        let mut steps: Vec<Step> = scan(name, field).into_iter().collect();
        self.sized_field(shape, field, context).into_iter().for_each(|step| push(&mut steps, step));
        steps
    }

    fn sized_field(&mut self, shape: &FieldShape, field: &'a Field, context: ListContext) -> Vec<Step> {
        let set = &field.selection_set.node;
        let types = self.types;
        let bound = if field.name.node == NUMBER_GRID { Bound::Grid } else { Bound::Page };
        let composite = types.is_composite(&shape.named);
        match (shape.list, shape.first.is_some()) {
            (true, true) => {
                let inner = if composite {
                    self.selection_set(&shape.named, set, ListContext::Plain)
                } else {
                    vec![Step::Fields(1)]
                };
                vec![Step::List { size: Size::First(first(field, shape, bound)), inner }]
            }
            (false, true) => {
                let inner = self.selection_set(&shape.named, set, ListContext::Page);
                vec![Step::Page { first: first(field, shape, bound), inner }]
            }
            (true, false) if composite => {
                let below = if context == ListContext::Feed { ListContext::Feed } else { ListContext::Plain };
                let inner = self.selection_set(&shape.named, set, below);
                vec![Step::List { size: plain_size(field, shape, context), inner }]
            }
            _ => {
                let below = if context == ListContext::Feed { ListContext::Feed } else { ListContext::Plain };
                with_field(self.selection_set(&shape.named, set, below))
            }
        }
    }
}

/// The cost of the rows that a field reads without returning them.
fn scan(name: &str, field: &Field) -> Option<Step> {
    if name == NUMBER_GRID {
        return Some(Step::Fields(SCAN_COST));
    }
    match argument(field, SEARCH) {
        Argument::Literal(Value::Null) => None,
        Argument::Literal(_) => Some(Step::Fields(SCAN_COST)),
        Argument::Variable(variable) => Some(Step::Given { variable, cost: SCAN_COST }),
    }
}

fn plain_size(field: &Field, shape: &FieldShape, context: ListContext) -> Size {
    match context {
        ListContext::Page => Size::OfPage,
        ListContext::Feed => Size::Fixed(1),
        ListContext::Plain if shape.by_ids => match argument(field, "ids") {
            Argument::Literal(Value::List(ids)) => Size::Fixed(ids.len() as u64),
            Argument::Variable(name) => Size::Length(name),
            Argument::Literal(_) => Size::Fixed(1),
        },
        ListContext::Plain => Size::Fixed(PLAIN_LIST),
    }
}

fn first(field: &Field, shape: &FieldShape, bound: Bound) -> First {
    let fallback = shape.first.unwrap_or(DEFAULT_FIRST);
    let value = match argument(field, "first") {
        Argument::Variable(name) => FirstValue::Variable(name, fallback),
        Argument::Literal(Value::Number(number)) => FirstValue::Literal(number.as_i64().unwrap_or(i64::MAX)),
        Argument::Literal(_) => FirstValue::Literal(fallback),
    };
    First { field: field.name.node.clone(), bound, value }
}

fn with_field(inner: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![Step::Fields(1)];
    inner.into_iter().for_each(|step| push(&mut steps, step));
    steps
}

/// Appends a step; adjacent constants are added up.
fn push(steps: &mut Vec<Step>, step: Step) {
    if let (Some(Step::Fields(total)), Step::Fields(more)) = (steps.last_mut(), &step) {
        *total = total.saturating_add(*more);
    } else {
        steps.push(step);
    }
}

/// Applies `@skip` and `@include`, now where they name no variable.
fn conditioned(mut steps: Vec<Step>, directives: &[Positioned<Directive>]) -> Vec<Step> {
    for directive in directives {
        let included = match directive.node.name.node.as_str() {
            "include" => true,
            "skip" => false,
            _ => continue,
        };
        match directive.node.get_argument("if").map(|value| read!(value)) {
            Some(Argument::Literal(Value::Boolean(value))) if value != included => return Vec::new(),
            Some(Argument::Variable(variable)) => steps = vec![Step::If { variable, included, inner: steps }],
            _ => {}
        }
    }
    steps
}

impl Plan {
    /// Evaluates the plan.
    ///
    /// # Errors
    /// [`DocumentError::Input`] when `first` is negative or above the maximum of the tier.
    pub fn charge(
        &self,
        steps: &[Step],
        definition: &OperationDefinition,
        variables: &Variables,
        tier: Tier,
    ) -> Result<Charge, DocumentError> {
        Evaluation { plan: self, definition, variables, tier }.charge(steps, 1)
    }
}

struct Evaluation<'a> {
    plan: &'a Plan,
    definition: &'a OperationDefinition,
    variables: &'a Variables,
    tier: Tier,
}

impl Evaluation<'_> {
    fn charge(&self, steps: &[Step], page: u64) -> Result<Charge, DocumentError> {
        let mut total = Charge::default();
        for step in steps {
            let charge = match step {
                Step::Fields(fields) => Charge { cost: *fields, feed_rows: 0 },
                Step::List { size, inner } => plus_one(times(self.charge(inner, 1)?, self.size(size, page)?)),
                Step::Page { first, inner } => plus_one(self.charge(inner, self.first(first)?)?),
                Step::Feed { first, inner } => {
                    let rows = self.first(first)?;
                    let inner = plus_one(self.charge(inner, 1)?);
                    Charge { cost: inner.cost, feed_rows: inner.feed_rows.saturating_add(rows) }
                }
                Step::If { variable, included, inner } => {
                    if self.boolean(variable) == Some(*included) {
                        self.charge(inner, page)?
                    } else {
                        Charge::default()
                    }
                }
                Step::Given { variable, cost } => {
                    let is_given = self.variable(variable).is_some_and(|value| *value != Value::Null);
                    Charge { cost: if is_given { *cost } else { 0 }, feed_rows: 0 }
                }
                Step::Spread(fragment) => match self.plan.fragments.get(*fragment) {
                    Some(steps) => self.charge(steps, page)?,
                    None => Charge::default(),
                },
            };
            total.cost = total.cost.saturating_add(charge.cost);
            total.feed_rows = total.feed_rows.saturating_add(charge.feed_rows);
        }
        Ok(total)
    }

    fn size(&self, size: &Size, page: u64) -> Result<u64, DocumentError> {
        Ok(match size {
            Size::Fixed(size) => *size,
            Size::OfPage => page,
            Size::First(first) => self.first(first)?,
            Size::Length(variable) => match self.variable(variable) {
                Some(Value::List(items)) => items.len() as u64,
                _ => 1,
            },
        })
    }

    fn first(&self, first: &First) -> Result<u64, DocumentError> {
        let value = match &first.value {
            FirstValue::Literal(value) => *value,
            FirstValue::Variable(name, fallback) => match self.variable(name) {
                Some(Value::Number(number)) => number.as_i64().unwrap_or(i64::MAX),
                _ => *fallback,
            },
        };
        let maximum = first.bound.maximum(self.tier);
        match u64::try_from(value) {
            Ok(size) if value <= maximum => Ok(size),
            _ => Err(DocumentError::Input {
                message: format!("`first` of `{}` must be from 0 to {maximum}.", first.field),
            }),
        }
    }

    fn boolean(&self, name: &Name) -> Option<bool> {
        match self.variable(name) {
            Some(Value::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    fn variable(&self, name: &Name) -> Option<&Value> {
        self.variables.get(name).or_else(|| {
            let definition =
                self.definition.variable_definitions.iter().find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|value| &value.node)
        })
    }
}

const fn plus_one(charge: Charge) -> Charge {
    Charge { cost: charge.cost.saturating_add(1), feed_rows: charge.feed_rows }
}

const fn times(charge: Charge, size: u64) -> Charge {
    Charge { cost: charge.cost.saturating_mul(size), feed_rows: charge.feed_rows.saturating_mul(size) }
}
