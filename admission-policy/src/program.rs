//! Expressions in CEL whose evaluation has a budget.
//!
//! Whoever writes an expression may be a tenant, and a short one can go through lists within lists, or double a text a
//! hundred times. The library has no limit, so an expression is rewritten before it is evaluated: what goes into a
//! function, a list, or a loop passes through a function that counts it first. API servers have a budget as well.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, operators};
use cel::common::types::{CelBool, CelBytes, CelInt, CelList, CelMap, CelOptional, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, Env, ExecutionError, FunctionContext, Value};
use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// What an evaluation may cost: the limit of Kubernetes for one expression. One value costs 1, ten bytes of text as much.
pub const BUDGET: u64 = 1_000_000;

/// How many bytes an expression may have, and how many of its parts may be nested. The parser bounds what is in
/// parentheses, but not `a.b.c`.
const LONGEST: usize = 32 * 1024;
const DEEPEST: usize = 100;

/// How many characters of the parser's errors are told.
const LONGEST_MESSAGE: usize = 2048;

/// The stack of an evaluation. A level takes up to 90 KiB in a build that is not optimized, counting adds levels, and the
/// default stack of a thread ends after 25. Only what is used takes memory.
const STACK: usize = 64 * 1024 * 1024;

/// The functions that count. Nobody can write these names in an expression.
const CHARGE: &str = "@charge";
const ITERATE: &str = "@iterate";
const SQUARE: &str = "@square";
const REPLACE: &str = "@replace";
const JOIN: &str = "@join";
const MATCHES: &str = "@matches";
const FIND: &str = "@find";
const FIND_ALL: &str = "@findAll";
const INDEX_OF: &str = "@indexOf";
const LAST_INDEX_OF: &str = "@lastIndexOf";
const WITHIN: &str = "@within";

/// What a regular expression costs to compile, once for each evaluation, and each of its bytes. How many bytes it may
/// have, since reading it takes memory, and how many when it is compiled.
const PATTERN: u64 = 5_000;
const PATTERN_BYTE: u64 = 100;
const LONGEST_PATTERN: usize = 1024;
const LARGEST_PATTERN: usize = 256 * 1024;

/// Texts in an expression that are longer are counted.
const SHORT: usize = 100;

/// What comes before the dot in the names of functions, and is no value.
const NAMESPACES: [&str; 6] = ["base64", "lists", "math", "optional", "sets", "strings"];

/// Why an expression cannot be evaluated at all.
#[derive(Debug, Error)]
pub enum CompileError {
    /// It is not CEL; with the place in the expression.
    #[error("{0}")]
    Syntax(String),
    /// It is too long.
    #[error("the expression has more than {LONGEST} bytes")]
    TooLong,
    /// It is nested too deeply.
    #[error(
        "more than {DEEPEST} parts of the expression are nested in each other; use more variables or expressions"
    )]
    TooDeep,
    /// The thread that reads it cannot be started.
    #[error("the expression cannot be read: {0}")]
    NoThread(#[from] std::io::Error),
}

/// Why an expression has no value.
#[derive(Debug, Error)]
pub enum EvaluationError {
    /// It costs more than [`BUDGET`].
    #[error(
        "the evaluation is too expensive: it goes through more than {BUDGET} values; use smaller lists and texts, or \
         fewer loops within loops"
    )]
    TooExpensive,
    /// It fails for these variables.
    #[error(transparent)]
    Failed(#[from] ExecutionError),
    /// The thread that evaluates it cannot be started.
    #[error("the expression cannot be evaluated: {0}")]
    NoThread(#[from] std::io::Error),
}

/// An expression in CEL. Its evaluation costs at most [`BUDGET`].
///
/// ```
/// use admission_policy::{Program, environment};
/// use cel::{Context, Value};
///
/// let environment = environment();
/// let program = Program::compile(&environment, "[1, 2].all(number, number < 3)")?;
/// let value = program.evaluate(Context::with_env(environment))?;
/// assert_eq!(value, Value::Bool(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Program(IdedExpr);

impl Program {
    /// Reads an expression with the functions of this environment.
    ///
    /// # Errors
    /// It is not CEL, too long, or nested too deeply.
    pub fn compile(environment: &Env, text: &str) -> Result<Self, CompileError> {
        if text.len() > LONGEST {
            return Err(CompileError::TooLong);
        }
        on_large_stack(|| {
            let program = environment.compile(text).map_err(|errors| syntax(&errors.to_string()))?;
            if is_deeper(program.expression(), DEEPEST) {
                return Err(CompileError::TooDeep);
            }
            Ok(Program(metered(program.expression().clone())))
        })?
    }

    /// The value of the expression with the variables and functions of this context.
    ///
    /// # Errors
    /// It costs too much, or fails.
    pub fn evaluate(&self, mut context: Context<'_, '_>) -> Result<Value, EvaluationError> {
        let meter = Meter::default();
        meter.install(&mut context)?;
        let value = on_large_stack(|| context.resolve(&self.0))?;
        // An error within `all` or `||` does not have to be that of the whole.
        if meter.is_over() {
            return Err(EvaluationError::TooExpensive);
        }
        Ok(value?)
    }
}

/// The parser repeats the whole expression for each error that it finds.
fn syntax(errors: &str) -> CompileError {
    let mut start: String = errors.chars().take(LONGEST_MESSAGE).collect();
    if start.len() < errors.len() {
        start.push('…');
    }
    CompileError::Syntax(start)
}

/// Does work that is recursive on a thread of its own.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// What an evaluation has cost so far.
#[derive(Clone, Default)]
struct Meter {
    spent: Arc<AtomicU64>,
    /// The regular expressions that it has compiled.
    patterns: Arc<Mutex<HashMap<String, Result<Regex, String>>>>,
}

/// A function as the library keeps it: it is given values that are not copied.
type Function = Box<
    dyn for<'a, 'v> Fn(&mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> + Send + Sync,
>;

impl Meter {
    fn is_over(&self) -> bool {
        self.spent.load(Ordering::Relaxed) > BUDGET
    }

    fn spend(&self, cost: u64) -> Result<(), ExecutionError> {
        // A single cost is at most a bit over the budget: the sum cannot overflow.
        let cost = cost.min(BUDGET + 1);
        if self.spent.fetch_add(cost, Ordering::Relaxed) + cost > BUDGET {
            return Err(ExecutionError::function_error("cost", EvaluationError::TooExpensive));
        }
        Ok(())
    }

    /// Makes the functions that count known.
    fn install(&self, context: &mut Context<'_, '_>) -> Result<(), ExecutionError> {
        let functions: [(&str, Function); 11] = {
            let [charge, iterate, square, replace, join, matches, find, find_all, index_of, last, within] =
                [(); 11].map(|()| self.clone());
            [
                (CHARGE, Box::new(move |call| charge.pass(call, |cost, _| cost))),
                (ITERATE, Box::new(move |call| iterate.pass(call, u64::saturating_mul))),
                (SQUARE, Box::new(move |call| square.pass(call, |cost, _| cost.saturating_mul(cost)))),
                (REPLACE, Box::new(move |call| replace.replace(call))),
                (JOIN, Box::new(move |call| join.join(call))),
                (MATCHES, Box::new(move |call| matches.matches(call))),
                (FIND, Box::new(move |call| find.find(call))),
                (FIND_ALL, Box::new(move |call| find_all.find_all(call))),
                (INDEX_OF, Box::new(move |call| index_of.index_of("indexOf", call))),
                (LAST_INDEX_OF, Box::new(move |call| last.index_of("lastIndexOf", call))),
                (WITHIN, Box::new(move |_| Ok(CowVal::owned(CelBool::from(!within.is_over()))))),
            ]
        };
        for (name, function) in functions {
            let added = context.add_function(name, function);
            added.map_err(|error| ExecutionError::function_error(name, error))?;
        }
        Ok(())
    }

    /// Counts the first argument, and returns it. The second, if there is one, is a weight.
    fn pass<'a, 'v>(
        &self,
        call: &mut FunctionContext<'a, 'v>,
        cost: impl Fn(u64, u64) -> u64,
    ) -> Result<CowVal<'a, 'v>, ExecutionError> {
        let weight = call.args.get(1).and_then(|weight| weight.downcast_ref::<CelInt>());
        let weight = weight.map_or(1, |weight| weight.inner().unsigned_abs());
        call.args.truncate(1);
        let value = call.args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
        self.spend(cost(cost_of(value.as_ref()), weight))?;
        Ok(value)
    }

    /// `text.replace(from, to)` and `text.replace(from, to, limit)`, whose size is known before it is made.
    fn replace<'a, 'v>(&self, call: &mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> {
        let texts: Vec<&str> = call.args.iter().take(3).filter_map(text).collect();
        let limit = call.args.get(3).map(|limit| limit.downcast_ref::<CelInt>().map(|limit| *limit.inner()));
        let ([text, from, to], None | Some(Some(_)), 3 | 4) = (texts.as_slice(), limit, call.args.len())
        else {
            return Err(no_overload("replace", call));
        };
        // A negative limit is none.
        let limit = limit.flatten().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let count = text.matches(from).take(limit).count();
        self.spend(cost_of_bytes(text.len().saturating_add(count.saturating_mul(to.len()))))?;
        Ok(CowVal::owned(CelString::from(text.replacen(from, to, limit))))
    }

    /// `list.join(separator)`, whose size is known before it is made.
    fn join<'a, 'v>(&self, call: &mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> {
        let [list, separator] = call.args.as_slice() else { return Err(no_overload("join", call)) };
        let (Some(list), Some(separator)) = (list.downcast_ref::<CelList>(), text(separator)) else {
            return Err(no_overload("join", call));
        };
        let texts = list.inner().iter().map(|item| item.downcast_ref::<CelString>().map(CelString::inner));
        let Some(texts) = texts.collect::<Option<Vec<&str>>>() else { return Err(no_overload("join", call)) };
        let sizes = texts.iter().map(|text| text.len()).sum::<usize>();
        self.spend(cost_of_bytes(sizes.saturating_add(separator.len().saturating_mul(texts.len()))))?;
        Ok(CowVal::owned(CelString::from(texts.join(separator))))
    }

    /// `text.matches(pattern)`
    fn matches<'a, 'v>(&self, call: &mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> {
        let is_match = self.with_pattern("matches", call, |pattern, text| pattern.is_match(text))?;
        Ok(CowVal::owned(CelBool::from(is_match)))
    }

    /// `text.find(pattern)`: the first match, or nothing.
    fn find<'a, 'v>(&self, call: &mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> {
        let found = self.with_pattern("find", call, |pattern, text| {
            pattern.find(text).map_or("", |found| found.as_str()).to_owned()
        })?;
        Ok(CowVal::owned(CelString::from(found)))
    }

    /// `text.findAll(pattern)` and `text.findAll(pattern, limit)`
    fn find_all<'a, 'v>(&self, call: &mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> {
        let limit = match call.args.get(2).map(|limit| limit.downcast_ref::<CelInt>()) {
            None => usize::MAX,
            // A negative limit is none.
            Some(Some(limit)) => usize::try_from(*limit.inner()).unwrap_or(usize::MAX),
            Some(None) => return Err(no_overload("findAll", call)),
        };
        call.args.truncate(2);
        let found: Vec<Box<dyn Val>> = self.with_pattern("findAll", call, |pattern, text| {
            let found = pattern.find_iter(text).take(limit);
            found.map(|found| Box::new(CelString::from(found.as_str().to_owned())) as _).collect()
        })?;
        Ok(CowVal::owned(CelList::from(found)))
    }

    /// Looks for a pattern in a text. A few characters can be a pattern of any size.
    fn with_pattern<T>(
        &self,
        function: &str,
        call: &FunctionContext<'_, '_>,
        look: impl FnOnce(&Regex, &str) -> T,
    ) -> Result<T, ExecutionError> {
        let [Some(text), Some(pattern)] = call.args.iter().map(text).collect::<Vec<_>>()[..] else {
            return Err(no_overload(function, call));
        };
        if pattern.len() > LONGEST_PATTERN {
            let message = format!("the regex has more than {LONGEST_PATTERN} bytes");
            return Err(ExecutionError::function_error(function, message));
        }
        // Each character takes longer with a large pattern.
        self.spend(cost_of_bytes(text.len()).saturating_mul(40))?;
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        if !patterns.contains_key(pattern) {
            self.spend(PATTERN + PATTERN_BYTE * pattern.len() as u64)?;
            let compiled = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
            let compiled = compiled.map_err(|error| format!("'{pattern}' not a valid regex:\n{error}"));
            patterns.insert(pattern.to_owned(), compiled);
        }
        match patterns.get(pattern) {
            Some(Ok(found)) => Ok(look(found, text)),
            Some(Err(error)) => Err(ExecutionError::function_error(function, error)),
            None => Err(no_overload(function, call)),
        }
    }

    /// `indexOf` and `lastIndexOf` of texts, in characters, and of lists. The library compares all places of a text with
    /// all of the other one.
    fn index_of<'a, 'v>(
        &self,
        function: &str,
        call: &mut FunctionContext<'a, 'v>,
    ) -> Result<CowVal<'a, 'v>, ExecutionError> {
        let is_last = function == "lastIndexOf";
        let found = match call.args.as_slice() {
            [list, wanted] if list.downcast_ref::<CelList>().is_some() => {
                let items = list.downcast_ref::<CelList>().map(CelList::inner).into_iter().flatten();
                let mut places = items.enumerate().filter(|(_, item)| item.equals(wanted.as_ref()));
                let place = if is_last { places.last() } else { places.next() };
                place.map(|(place, _)| place)
            }
            [target, wanted] => match (text(target), text(wanted)) {
                (Some(target), Some(wanted)) => {
                    place_of(target, wanted, if is_last { target.len() } else { 0 }, is_last)
                }
                _ => return Err(no_overload(function, call)),
            },
            [target, wanted, offset] => {
                let offset = offset.downcast_ref::<CelInt>().map(|offset| *offset.inner());
                let (Some(target), Some(wanted), Some(offset)) = (text(target), text(wanted), offset) else {
                    return Err(no_overload(function, call));
                };
                let start = usize::try_from(offset).ok().and_then(|count| byte_of(target, count));
                let Some(start) = start else {
                    let message = format!("index out of range: {offset}");
                    return Err(ExecutionError::function_error(function, message));
                };
                place_of(target, wanted, start, is_last)
            }
            _ => return Err(no_overload(function, call)),
        };
        let found = found.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1);
        Ok(CowVal::owned(CelInt::from(found)))
    }
}

/// Where so many characters of a text end.
fn byte_of(text: &str, count: usize) -> Option<usize> {
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(count)
}

/// The first place at a byte or after it, or the last one there or before, in characters.
fn place_of(text: &str, wanted: &str, at: usize, is_last: bool) -> Option<usize> {
    let byte = if is_last {
        let end = at.saturating_add(wanted.len()).min(text.len());
        // A match within a character is none.
        let end = (end..=text.len()).find(|end| text.is_char_boundary(*end))?;
        text[..end].rmatch_indices(wanted).map(|(byte, _)| byte).find(|byte| *byte <= at)?
    } else {
        at + text[at..].find(wanted)?
    };
    Some(text[..byte].chars().count())
}

fn text<'a>(value: &'a CowVal<'_, '_>) -> Option<&'a str> {
    value.downcast_ref::<CelString>().map(CelString::inner)
}

fn no_overload(function: &str, call: &FunctionContext<'_, '_>) -> ExecutionError {
    let types = call.args.iter().map(|value| value.get_type().name().to_owned());
    ExecutionError::no_such_member_overload(function, types.collect())
}

fn cost_of_bytes(count: usize) -> u64 {
    1 + count as u64 / 10
}

/// What a value costs, with all that is in it: the library copies values as a whole.
fn cost_of(value: &dyn Val) -> u64 {
    if let Some(text) = value.downcast_ref::<CelString>() {
        cost_of_bytes(text.inner().len())
    } else if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        cost_of_bytes(bytes.inner().len())
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        1 + list.inner().iter().map(|item| cost_of(item.as_ref())).sum::<u64>()
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        let entries = map.inner().iter();
        1 + entries.map(|(key, value)| cost_of(key.inner()) + cost_of(value.as_ref())).sum::<u64>()
    } else if let Some(optional) = value.downcast_ref::<CelOptional>() {
        1 + optional.inner().map_or(0, cost_of)
    } else {
        1
    }
}

/// The same expression, which counts what it does.
fn metered(expression: IdedExpr) -> IdedExpr {
    let IdedExpr { id, expr } = expression;
    let expr = match expr {
        Expr::Call(call) => Expr::Call(metered_call(call)),
        Expr::Comprehension(mut found) => {
            let weight = size(&found.loop_cond) + size(&found.loop_step);
            let weight = Expr::Literal(LiteralValue::Int(CelInt::from(weight)));
            found.iter_range =
                call(ITERATE, vec![metered(found.iter_range), IdedExpr { id: 0, expr: weight }]);
            found.accu_init = charged(found.accu_init);
            // In `all` and `exists`, an error ends nothing, but once the budget is spent nothing is evaluated any more.
            // The library copies less in loops without a condition.
            if !matches!(found.loop_cond.expr, Expr::Literal(_)) {
                let cond = vec![call(WITHIN, Vec::new()), metered(found.loop_cond)];
                found.loop_cond = call(operators::LOGICAL_AND, cond);
            }
            found.loop_step = metered(found.loop_step);
            found.result = metered(found.result);
            Expr::Comprehension(found)
        }
        Expr::List(mut list) => {
            list.elements = list.elements.into_iter().map(charged).collect();
            Expr::List(list)
        }
        Expr::Map(mut map) => {
            map.entries = map.entries.into_iter().map(metered_entry).collect();
            Expr::Map(map)
        }
        Expr::Struct(mut found) => {
            found.entries = found.entries.into_iter().map(metered_entry).collect();
            Expr::Struct(found)
        }
        Expr::Select(mut select) => {
            *select.operand = operand(*std::mem::take(&mut select.operand));
            Expr::Select(select)
        }
        other @ (Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified) => other,
    };
    IdedExpr { id, expr }
}

fn metered_call(mut found: CallExpr) -> CallExpr {
    use operators::{CONDITIONAL, LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, NOT_STRICTLY_FALSE};

    // These decide what is evaluated.
    const FREE: [&str; 5] = [CONDITIONAL, LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, NOT_STRICTLY_FALSE];

    let is_free = FREE.contains(&found.func_name.as_str());
    let counted = counted(&found.func_name, found.args.len());
    let namespace = match found.target.as_deref().map(|target| &target.expr) {
        // Nothing that is counted is in a namespace: this is a variable with the name of one.
        Some(Expr::Ident(name)) if counted.is_none() => name.as_str(),
        _ => "",
    };
    let is_namespaced =
        NAMESPACES.contains(&namespace) || (namespace == "ip" && found.func_name == "isCanonical");
    // Functions for sets compare all items with each other.
    let is_squared = namespace == "sets";
    let is_access = ACCESS.contains(&found.func_name.as_str());
    let treat = match (is_access, is_free) {
        (true, _) => operand,
        (false, true) => metered,
        (false, false) => charged,
    };
    found.args = found.args.into_iter().map(treat).collect();
    if is_squared {
        found.args = found.args.into_iter().map(|list| call(SQUARE, vec![list])).collect();
    }
    let Some(target) = found.target.take() else { return found };
    if is_namespaced {
        found.target = Some(target);
        return found;
    }
    let target = charged(*target);
    match counted {
        Some(SQUARE) => found.target = Some(Box::new(call(SQUARE, vec![target]))),
        None => found.target = Some(Box::new(target)),
        Some(counted) => {
            found.args.insert(0, target);
            return CallExpr { func_name: counted.to_owned(), target: None, args: found.args };
        }
    }
    found
}

/// What takes the place of a function that is called on a value, so that it is counted.
fn counted(function: &str, args: usize) -> Option<&'static str> {
    Some(match (function, args) {
        ("replace", 2 | 3) => REPLACE,
        ("join", 1) => JOIN,
        ("matches", 1) => MATCHES,
        ("find", 1) => FIND,
        ("findAll", 1 | 2) => FIND_ALL,
        ("indexOf", 1 | 2) => INDEX_OF,
        ("lastIndexOf", 1 | 2) => LAST_INDEX_OF,
        // It compares all items with each other.
        ("distinct", _) => SQUARE,
        _ => return None,
    })
}

fn metered_entry(mut entry: IdedEntryExpr) -> IdedEntryExpr {
    match &mut entry.expr {
        EntryExpr::StructField(field) => field.value = charged(std::mem::take(&mut field.value)),
        EntryExpr::MapEntry(entry) => {
            entry.key = charged(std::mem::take(&mut entry.key));
            entry.value = charged(std::mem::take(&mut entry.value));
        }
    }
    entry
}

/// What looks at a part of a value.
const ACCESS: [&str; 3] = [operators::INDEX, operators::OPT_INDEX, operators::OPT_SELECT];

/// The same expression, of whose value a part is looked at. It is counted if it is made for that.
fn operand(expression: IdedExpr) -> IdedExpr {
    match &expression.expr {
        Expr::Call(call) if ACCESS.contains(&call.func_name.as_str()) => metered(expression),
        Expr::Call(_) | Expr::Comprehension(_) => charged(expression),
        _ => metered(expression),
    }
}

/// How many bytes a text in an expression has.
fn length(expression: &IdedExpr) -> usize {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => text.inner().len(),
        Expr::Literal(LiteralValue::Bytes(bytes)) => bytes.inner().len(),
        _ => 0,
    }
}

/// The same expression, whose value is counted. What is written in the expression is no longer than the expression, and
/// the interpreter looks for its own variables, which start with `@`.
fn charged(expression: IdedExpr) -> IdedExpr {
    let expression = metered(expression);
    match &expression.expr {
        Expr::Literal(_) if length(&expression) > SHORT => call(CHARGE, vec![expression]),
        Expr::Literal(_) | Expr::List(_) | Expr::Map(_) | Expr::Unspecified => expression,
        Expr::Ident(name) if name.starts_with('@') => expression,
        _ => call(CHARGE, vec![expression]),
    }
}

fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }) }
}

/// How many parts an expression has. Long texts count as more.
fn size(expression: &IdedExpr) -> i64 {
    let text = i64::try_from(length(expression) / 10).unwrap_or(i64::MAX / 2);
    1 + text + fold(expression, 0, &|sum, part| sum + size(part))
}

/// Whether more parts of an expression are nested in each other.
fn is_deeper(expression: &IdedExpr, limit: usize) -> bool {
    let Some(rest) = limit.checked_sub(1) else { return true };
    fold(expression, false, &|is_deep, part| is_deep || is_deeper(part, rest))
}

/// Goes through the parts of an expression.
fn fold<T>(expression: &IdedExpr, start: T, step: &impl Fn(T, &IdedExpr) -> T) -> T {
    let entries = |start: T, entries: &[IdedEntryExpr]| {
        entries.iter().fold(start, |found, entry| match &entry.expr {
            EntryExpr::StructField(field) => step(found, &field.value),
            EntryExpr::MapEntry(entry) => step(step(found, &entry.key), &entry.value),
        })
    };
    match &expression.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).fold(start, step),
        Expr::Comprehension(found) => {
            [&found.iter_range, &found.accu_init, &found.loop_cond, &found.loop_step, &found.result]
                .into_iter()
                .fold(start, step)
        }
        Expr::List(list) => list.elements.iter().fold(start, step),
        Expr::Map(map) => entries(start, &map.entries),
        Expr::Struct(found) => entries(start, &found.entries),
        Expr::Select(select) => step(start, &select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => start,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::environment;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn value(text: &str) -> Result<Value, String> {
        let environment = environment();
        let program = Program::compile(&environment, text).map_err(|error| error.to_string())?;
        let mut context = Context::with_env(environment);
        let items: Vec<_> = (0..2_000).map(|number| json!({"name": format!("item-{number}")})).collect();
        let value = cel::to_value(json!({"items": items, "text": "x".repeat(100_000)}));
        context.add_variable_from_value("self", value.map_err(|error| error.to_string())?);
        program.evaluate(context).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_counted_has_the_same_value() {
        for text in [
            "self.items.filter(item, item.name.startsWith('item-1')).map(item, item.name)[1] == 'item-10'",
            "self.items.exists(item, item.name == 'item-1999') && !self.items.all(item, item.name == 'x')",
            "[3, 1, 2].sortBy(number, -number) == [3, 2, 1] && [1, 2].exists_one(number, number == 2)",
            "'a-b-c'.replace('-', '+') == 'a+b+c' && 'a-b-c'.replace('-', '+', 1) == 'a+b-c'",
            "'ab'.replace('', '-') == '-a-b-' && 'aa'.replace('a', 'b', -1) == 'bb'",
            "'a-b'.split('-').join('+') == 'a+b' && ['a', 'b'].join() == 'ab' && [].join('x') == ''",
            "[1, 1, 2].distinct() == [1, 2] && lists.range(3) == [0, 1, 2] && math.abs(-1) == 1",
            "{'a': {'b': 1}}.a.b == 1 && has(self.items) && self.?nothing.orValue('x') == 'x'",
            "[optional.of(1)][0].value() == 1 && optional.of(1).optMap(x, x + 1).value() == 2",
            "(self.nothing.here || true) && [0, 1].exists(number, 1 / number == 1)",
            "'abc'.matches('^a.c$') && !'abc'.matches('^b') && self.items.all(x, x.name.matches('^item-\\\\d+$'))",
            "'%s is %d'.format(['a', 1]) == 'a is 1' && self.text.size() == 100000",
            "'tacocat'.indexOf('ac') == 1 && 'tacocat'.indexOf('') == 0 && 'tacocat'.indexOf('a', 3) == 5",
            "'tacocat'.lastIndexOf('at') == 5 && 'tacocat'.lastIndexOf('a', 3) == 1 && 'a'.lastIndexOf('') == 1",
            "'äöü'.indexOf('ü') == 2 && 'äöäö'.lastIndexOf('ö') == 3 && 'äöäö'.lastIndexOf('ö', 2) == 1",
            "'aaa'.lastIndexOf('aa') == 1 && 'aaa'.lastIndexOf('aa', 0) == 0 && 'a'.indexOf('b', 1) == -1",
            "[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [].indexOf(1) == -1",
            "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+', -1) == ['1', '22']",
            "['a-b'].all(math, math.replace('-', '+') == 'a+b' && math.matches('^a'))",
        ] {
            assert_eq!(value(text), Ok(Value::Bool(true)), "{text}");
        }
        for text in [
            "'a'.matches('(\\\\pL{50}){10}')",
            // The variable has the name of a namespace.
            "['a'].all(strings, strings.matches('(\\\\pL{50}){10}'))",
            "'a'.find('(\\\\pL{50}){10}') == ''",
        ] {
            assert!(
                value(text).is_err_and(|error| error.contains("size limit")),
                "{text}: {:?}",
                value(text)
            );
        }
        let pattern = "'xxxxxxxxxx'.replace('x', 'xxxxxxxxxx').replace('x', '[a-z][a-z][a-z]')";
        let long = value(&format!("'a'.matches({pattern})"));
        assert!(long.is_err_and(|error| error.contains("more than 1024 bytes")));
        let sum = value("['a', 'b'].sum() == 'ab'");
        assert!(sum.is_err_and(|error| error.contains("no numbers")));
        for text in [
            "'a'.matches(1)",
            "'a'.replace(1, 'b')",
            "[1].join('x')",
            "1.join('x')",
            "'a'.replace('a', 'b', 'c')",
        ] {
            assert!(value(text).is_err_and(|error| error.contains("overload")), "{text}: {:?}", value(text));
        }
    }

    #[test]
    fn what_costs_too_much_ends() {
        let doubled = |step: &str| format!("['xxxxxxxxxx']{}.size() > 0", step.repeat(40));
        for text in [
            "self.items.all(a, self.items.all(b, a.name != b.name + 'x'))",
            "self.items.exists(a, self.items.exists(b, self.items.exists(c, false)))",
            "self.items.map(a, self.items)",
            "lists.range(1000).all(a, lists.range(1000).all(b, 1 < 2 && 1 < 2 && 1 < 2))",
            "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, \
             [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, true))))))",
            "lists.range(100000).distinct() == []",
            "self.text.replace('x', self.text) == ''",
            "self.text.split('').join(self.text) == ''",
            "self.text.replace('', self.text) == ''",
            "lists.range(300).all(x, !'a'.matches('(a{50}){10}' + string(x)))",
            "lists.range(50).all(x, !self.text.matches('y'))",
            "lists.range(50000).all(x, lists.range(1000000)[0] == 0)",
            "lists.range(50000).all(x, (true ? lists.range(400000) : [])[0] == 0)",
            "lists.range(50000).all(x, {'a': lists.range(400000)}.a[0] == 0)",
            "lists.range(50000).all(x, lists.range(400000)[?0].orValue(1) == 0)",
            &format!("lists.range(1000).all(x, '{0}'.indexOf('{0}b') < 0)", "a".repeat(15_000)),
            &format!("lists.range(50000).all(x, '{}'.split('')[0] == 'a')", "a".repeat(30_000)),
            "lists.range(50).all(x, self.text.find('y') == '')",
            "lists.range(300).all(x, 'a'.findAll('(a{50}){10}' + string(x)) == [])",
            "sets.contains(lists.range(1500), lists.range(1500))",
            "lists.range(300).all(math, !'a'.matches('(a{50}){10}' + string(math)))",
            "lists.range(300).map(x, '(a{50}){10}' + string(x)).all(math, !math.matches(math))",
            "true || self.items.all(a, self.items.all(b, true))",
            &doubled(".map(a, a + a)"),
            &doubled(".map(a, [a, a])"),
            &doubled(".map(a, {'a': a, 'b': a})"),
            &doubled(".map(a, '%s%s'.format([a, a]))"),
            &format!("'x'{}.size() > 0", ".replace('x', 'xxxx')".repeat(90)),
        ] {
            let found = value(text);
            if text.starts_with("true ||") {
                assert_eq!(found, Ok(Value::Bool(true)), "what is not evaluated costs nothing");
            } else {
                assert!(
                    found.as_ref().is_err_and(|error| error.contains("too expensive")),
                    "{text}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        for (start, step, end) in [
            ("{}", ".a", ""),
            ("1", " + 1", ""),
            ("[1]", ".map(a, a)", ""),
            ("", "[", "]"),
            ("true", " ? true : true", ""),
        ] {
            for count in [20, 90, 1_000, 2_000] {
                let text = format!("{start}{}{}", step.repeat(count), end.repeat(count));
                let found = value(&text);
                let is_refused = found.as_ref().is_err_and(|error| {
                    error.contains("nested in each other")
                        || error.contains("Recursion limit")
                        || error.contains("no such key")
                });
                assert!(is_refused || count < 100, "{count} times {step}: {found:?}");
                assert!(
                    found.is_ok() || found.is_err_and(|error| error.len() < 3_000),
                    "{count} times {step}"
                );
            }
        }
        assert!(value(&"1".repeat(40_000)).is_err_and(|error| error.contains("more than 32768 bytes")));
        let many = format!("true{}", " && true".repeat(1_000));
        assert_eq!(value(&many), Ok(Value::Bool(true)));
    }

    #[test]
    fn a_failure_keeps_its_own_message() -> Outcome {
        let environment = environment();
        let program = Program::compile(&environment, "nothing == 1")?;
        let error = program.evaluate(Context::with_env(environment)).err().ok_or("it has a value")?;
        assert!(matches!(error, EvaluationError::Failed(ExecutionError::UndeclaredReference(_))), "{error}");
        Ok(())
    }
}
