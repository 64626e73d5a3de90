//! What an evaluation has cost, and the functions that count it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cel::common::types::{CelBool, CelBytes, CelInt, CelList, CelMap, CelOptional, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext};
use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// What an evaluation may cost: the limit of Kubernetes for one expression. One value costs 1, ten bytes of text as much.
pub const BUDGET: u64 = 1_000_000;

/// The functions that count. Nobody can write these names in an expression.
pub(super) const CHARGE: &str = "@charge";
pub(super) const ITERATE: &str = "@iterate";
pub(super) const SQUARE: &str = "@square";
pub(super) const REPLACE: &str = "@replace";
pub(super) const JOIN: &str = "@join";
pub(super) const MATCHES: &str = "@matches";
pub(super) const FIND: &str = "@find";
pub(super) const FIND_ALL: &str = "@findAll";
pub(super) const INDEX_OF: &str = "@indexOf";
pub(super) const LAST_INDEX_OF: &str = "@lastIndexOf";
pub(super) const WITHIN: &str = "@within";

/// What a regular expression costs to compile, once for each evaluation, and each of its bytes. How many bytes it may
/// have, since reading it takes memory, and how many when it is compiled.
const PATTERN: u64 = 5_000;
const PATTERN_BYTE: u64 = 100;
const LONGEST_PATTERN: usize = 1024;
const LARGEST_PATTERN: usize = 256 * 1024;
/// What it costs to search ten bytes of a text for a pattern: the first time, and again after each match.
const SEARCH: u64 = 40;
const SEARCH_AGAIN: u64 = 4;

/// More than [`BUDGET`].
#[derive(Debug, Error)]
#[error(
    "the evaluation is too expensive: it goes through more than {BUDGET} values; use smaller lists and texts, or \
     fewer loops within loops"
)]
pub(super) struct TooExpensive;

/// What an evaluation has cost so far.
#[derive(Clone, Default)]
pub(super) struct Meter {
    spent: Arc<AtomicU64>,
    /// The regular expressions that it has compiled.
    patterns: Arc<Mutex<HashMap<String, Result<Regex, String>>>>,
}

/// A function as the library keeps it: it is given values that are not copied.
type Function = Box<
    dyn for<'a, 'v> Fn(&mut FunctionContext<'a, 'v>) -> Result<CowVal<'a, 'v>, ExecutionError> + Send + Sync,
>;

impl Meter {
    pub(super) fn is_over(&self) -> bool {
        self.spent.load(Ordering::Relaxed) > BUDGET
    }

    fn spend(&self, cost: u64) -> Result<(), ExecutionError> {
        // A single cost is at most a bit over the budget: the sum cannot overflow.
        let cost = cost.min(BUDGET + 1);
        if self.spent.fetch_add(cost, Ordering::Relaxed) + cost > BUDGET {
            return Err(ExecutionError::function_error("cost", TooExpensive));
        }
        Ok(())
    }

    /// Makes the functions that count known.
    pub(super) fn install(&self, context: &mut Context<'_, '_>) -> Result<(), ExecutionError> {
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
        let found = self.with_pattern("findAll", call, |pattern, text| {
            let mut all: Vec<Box<dyn Val>> = Vec::new();
            for found in pattern.find_iter(text).take(limit) {
                // The next search can go through the rest of the text.
                self.spend(cost_of_bytes(text.len() - found.end()).saturating_mul(SEARCH_AGAIN))?;
                all.push(Box::new(CelString::from(found.as_str().to_owned())));
            }
            Ok(all)
        })?;
        Ok(CowVal::owned(CelList::from(found?)))
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
        self.spend(cost_of_bytes(text.len()).saturating_mul(SEARCH))?;
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
