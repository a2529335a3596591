//! Compiles a template and adds checks to its instructions.
//!
//! The engine limits the number of steps, but a step may double a text or a list. A check follows every instruction
//! that makes a larger value out of others; every pass of a loop checks the time; and text of the source is written by the
//! formatter, which counts it, also while it is captured. This uses the engine's internal representation
//! (`minijinja::machinery`), which has no stable interface; therefore its version is pinned.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::machinery::{CodeGenerator, Instruction, Instructions, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, Value};

use super::guard::Guard;
use super::values::{check_attribute, check_content, check_size, multiply};

/// The names of the checks. No template can use them: they are no identifiers.
const SIZE: &str = "[size]";
const CONTENT: &str = "[content]";
const ATTRIBUTE: &str = "[attribute]";
const MULTIPLY: &str = "[multiply]";
const TIME: &str = "[time]";

/// No place in the cache of filters that each instruction may name.
const UNCACHED: u8 = !0;

/// A compiled template: the instructions of the template, and of its blocks by name.
pub struct Compiled<'source> {
    pub template: Instructions<'source>,
    pub blocks: BTreeMap<&'source str, Instructions<'source>>,
}

/// Compiles a source whose limits are checked.
///
/// # Errors
/// When it is no template.
pub fn compile<'source>(source: &'source str, syntax: &SyntaxConfig) -> Result<Compiled<'source>, Error> {
    let parsed = parse(source, NAME, syntax.clone())?;
    let mut generator = CodeGenerator::new(NAME, source);
    generator.compile_stmt(&parsed);
    let (template, blocks) = generator.finish();
    let blocks = blocks.into_iter().map(|(name, block)| (name, with_checks(&block))).collect();
    Ok(Compiled { template: with_checks(&template), blocks })
}

const NAME: &str = "template";

/// Adds the checks to an environment.
pub fn add_checks(environment: &mut Environment<'_>, guard: &Arc<Guard>) {
    environment.add_filter(SIZE, |value: Value| check_size(&value).map(|()| value));
    let content = Arc::clone(guard);
    environment.add_filter(CONTENT, move |value: Value| check_content(&value, &content).map(|()| value));
    let attribute = Arc::clone(guard);
    environment.add_filter(ATTRIBUTE, move |value: Value| check_attribute(&value, &attribute).map(|()| value));
    environment.add_filter(MULTIPLY, |left: Value, right: Value| multiply(&left, &right));
    let time = Arc::clone(guard);
    environment.add_filter(TIME, move |value: Value| time.check_time().map(|()| value));
}

/// A copy of the instructions with checks. Targets of jumps are adjusted.
fn with_checks<'source>(original: &Instructions<'source>) -> Instructions<'source> {
    let length = (0..).take_while(|&index| original.get(index).is_some()).count();
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let expanded: Vec<Vec<Instruction<'source>>> =
        (0..length).filter_map(|index| original.get(index).map(expand)).collect();
    // The new place of each instruction, and of the end.
    let mut places = Vec::with_capacity(expanded.len() + 1);
    let mut place = 0_u32;
    for group in &expanded {
        places.push(place);
        place = place.saturating_add(u32::try_from(group.len()).unwrap_or(u32::MAX));
    }
    places.push(place);
    let target = |old: u32| places.get(old as usize).copied().unwrap_or(place);
    let mut checked = Instructions::new(original.name(), original.source());
    for (index, group) in (0_u32..).zip(expanded) {
        for instruction in group {
            let instruction = match instruction {
                Instruction::Iterate(old) => Instruction::Iterate(target(old)),
                Instruction::Jump(old) => Instruction::Jump(target(old)),
                Instruction::JumpIfFalse(old) => Instruction::JumpIfFalse(target(old)),
                Instruction::JumpIfFalseOrPop(old) => Instruction::JumpIfFalseOrPop(target(old)),
                Instruction::JumpIfTrueOrPop(old) => Instruction::JumpIfTrueOrPop(target(old)),
                Instruction::BuildMacro(name, old, flags) => Instruction::BuildMacro(name, target(old), flags),
                other => other,
            };
            match (original.get_span(index), original.get_line(index).and_then(|line| u16::try_from(line).ok())) {
                (Some(span), _) => checked.add_with_span(instruction, span),
                (None, Some(line)) => checked.add_with_line(instruction, line),
                (None, None) => checked.add(instruction),
            };
        }
    }
    checked
}

/// An instruction with its check.
fn expand<'source>(instruction: &Instruction<'source>) -> Vec<Instruction<'source>> {
    use Instruction as I;
    let check = |name: &'static str| I::ApplyFilter(name, Some(1), UNCACHED);
    match instruction {
        I::EmitRaw(text) => vec![I::LoadConst(Value::from_safe_string((*text).to_owned())), I::Emit],
        I::Mul => vec![I::ApplyFilter(MULTIPLY, Some(2), UNCACHED)],
        // The value of the attribute is below the namespace.
        I::SetAttr(name) => vec![I::Swap, check(ATTRIBUTE), I::Swap, I::SetAttr(name)],
        I::Iterate(end) => vec![I::Iterate(*end), check(TIME)],
        I::Add | I::BuildList(Some(_)) | I::BuildTuple(Some(_)) | I::BuildMap(_) => {
            vec![instruction.clone(), check(CONTENT)]
        }
        I::StringConcat
        | I::EndCapture
        | I::Slice
        | I::ApplyFilter(..)
        | I::CallFunction(..)
        | I::CallMethod(..)
        | I::CallObject(_) => vec![instruction.clone(), check(SIZE)],
        other => vec![other.clone()],
    }
}
