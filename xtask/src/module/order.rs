//! Puts the functions of a WebAssembly module in an order in which they compress well.
//!
//! A function may stand anywhere, but what compresses modules on their way (gzip, as every server
//! speaks it) looks for what repeats in the last 32 KiB only. Beside functions like itself, such as the
//! same generic one for other types, a function takes a good part less. This is worth more than short
//! numbers for functions that are called often, by which `wasm-opt` orders them.

use std::collections::{HashMap, VecDeque};

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FunctionSectionReader, MemArg, Parser, Payload};

use crate::Failure;

/// As far back as deflate looks.
const WINDOW: usize = 32 << 10;
/// Functions are alike by sequences of so many bytes that they have in common. Deflate takes three for
/// a repetition; those are everywhere.
const SEQUENCE: usize = 6;
/// A sequence that so many functions have says nothing of any.
const COMMON: usize = 100;

/// The module, with its functions in another order.
///
/// # Errors
/// It is no module, or one that imports functions.
pub fn order_functions(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(_) => return Err("the module imports something".into()),
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let order = similar(&bodies);
    let mut numbers = vec![0; order.len()];
    for (number, &at) in (0..).zip(&order) {
        numbers[at] = number;
    }
    let mut ordered = Module::new();
    Order { order, numbers }.parse_core_module(&mut ordered, Parser::new(0), module)?;
    Ok(ordered.finish())
}

struct Order {
    /// Where the functions stood.
    order: Vec<usize>,
    /// The new numbers of functions, by their old ones.
    numbers: Vec<u32>,
}

impl Reencode for Order {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        Ok(self.numbers[function as usize])
    }

    /// What an access says of its alignment is a hint that browsers' machines have no use for: without
    /// it, accesses are more alike.
    fn mem_arg(&mut self, arg: MemArg) -> Result<wasm_encoder::MemArg, Error> {
        utils::mem_arg(self, MemArg { align: 0, ..arg })
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let types = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for &at in &self.order {
            functions.function(types[at]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for at in self.order.clone() {
            utils::parse_function_body(self, code, bodies[at].clone())?;
        }
        Ok(())
    }
}

/// The functions' positions, each after those that it has most in common with.
fn similar(bodies: &[&[u8]]) -> Vec<usize> {
    let sequences = sequences(bodies);
    let mut shared = Shared::new(&sequences, bodies.len());
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let mut order = Vec::with_capacity(bodies.len());
    let (mut window, mut size) = (VecDeque::new(), 0);
    while !left.is_empty() {
        // What they have in common counts for more than what they have not.
        let likeness = |at: usize| {
            let (shared, length) = (shared.counts[at] as u64, bodies[at].len() as u64);
            (shared.pow(3) * 1024 / length.pow(2), length)
        };
        let Some(next) = (0..left.len()).max_by_key(|&at| likeness(left[at])) else { break };
        let next = left.swap_remove(next);
        order.push(next);
        window.push_back(next);
        size += bodies[next].len();
        shared.enter(next);
        while size > WINDOW && window.len() > 1 {
            let Some(gone) = window.pop_front() else { break };
            size -= bodies[gone].len();
            shared.leave(gone);
        }
    }
    order
}

/// The sequences of each function, each once, as numbers.
fn sequences<'a>(bodies: &[&'a [u8]]) -> Vec<Vec<usize>> {
    let mut numbers: HashMap<&'a [u8], usize> = HashMap::new();
    let mut all = Vec::with_capacity(bodies.len());
    for body in bodies {
        let mut of_body = Vec::with_capacity(body.len());
        for sequence in body.windows(SEQUENCE) {
            let next = numbers.len();
            of_body.push(*numbers.entry(sequence).or_insert(next));
        }
        of_body.sort_unstable();
        of_body.dedup();
        all.push(of_body);
    }
    all
}

/// How much each function has in common with those in the window.
struct Shared<'a> {
    /// The sequences of each function.
    sequences: &'a [Vec<usize>],
    /// The functions that have each sequence.
    functions: Vec<Vec<usize>>,
    /// How many functions in the window have each sequence.
    in_window: Vec<usize>,
    /// How many sequences each function has in common with the window.
    counts: Vec<usize>,
}

impl<'a> Shared<'a> {
    fn new(sequences: &'a [Vec<usize>], functions: usize) -> Self {
        let highest = sequences.iter().flatten().max().map_or(0, |highest| highest + 1);
        let mut of_sequence = vec![Vec::new(); highest];
        for (at, all) in sequences.iter().enumerate() {
            for &sequence in all {
                of_sequence[sequence].push(at);
            }
        }
        for functions in &mut of_sequence {
            if functions.len() > COMMON {
                functions.clear();
            }
        }
        Shared { sequences, functions: of_sequence, in_window: vec![0; highest], counts: vec![0; functions] }
    }

    fn enter(&mut self, function: usize) {
        for &sequence in &self.sequences[function] {
            self.in_window[sequence] += 1;
            if self.in_window[sequence] == 1 {
                for &other in &self.functions[sequence] {
                    self.counts[other] += 1;
                }
            }
        }
    }

    fn leave(&mut self, function: usize) {
        for &sequence in &self.sequences[function] {
            self.in_window[sequence] -= 1;
            if self.in_window[sequence] == 0 {
                for &other in &self.functions[sequence] {
                    self.counts[other] -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_alike_stand_together() {
        let all = ["the longest of all stands first", "0123456789 abc", "of all st", "x 0123456789"];
        assert_eq!(similar(&all.map(str::as_bytes)), [0, 2, 1, 3]);
    }
}
