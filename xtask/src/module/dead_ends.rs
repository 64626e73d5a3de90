//! Takes out of a WebAssembly module what leads to nothing but a trap.
//!
//! A panic in our module is a trap: nobody sees its message, since the module imports nothing to show
//! it with, and the instance it happened in is thrown away. What is done on the way there (the message
//! put together, the place put beside it, the panic function called) has no effect that could be seen.
//! `wasm-opt` has to keep it all the same, for it cannot know that the memory is not looked at after.

use std::ops::Range;

use wasm_encoder::{CodeSection, Module, RawSection};
use wasmparser::{FunctionBody, Operator, Parser, Payload, Validator, WasmFeatures};

use crate::Failure;

/// The module, with each dead end as nothing but its trap.
///
/// # Errors
/// It is no module, or it imports something: calls of that can be seen.
pub fn cut_dead_ends(module: &[u8]) -> Result<Vec<u8>, Failure> {
    // Other jumps than those below came later: exceptions, tail calls, casts.
    Validator::new_with_features(WasmFeatures::WASM2).validate_all(module)?;
    let mut cut = Module::new();
    let mut code = CodeSection::new();
    let mut left = 0;
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(_) => return Err("the module imports something".into()),
            Payload::CodeSectionStart { count, .. } => left = count,
            Payload::CodeSectionEntry(body) => {
                code.raw(&Body::default().rewrite(module, &body)?);
                left -= 1;
                if left == 0 {
                    cut.section(&code);
                }
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    cut.section(&RawSection { id, data: part(module, range)? });
                }
            }
        }
    }
    Ok(cut.finish())
}

fn part(module: &[u8], Range { start, end }: Range<u64>) -> Result<&[u8], Failure> {
    Ok(&module[usize::try_from(start)?..usize::try_from(end)?])
}

/// A function's body that is being written anew.
#[derive(Default)]
struct Body {
    out: Vec<u8>,
    /// Up to where in `out` a trap that comes next takes nothing back: there control may have gone
    /// elsewhere, or have come from elsewhere.
    fixed: usize,
    /// The blocks around.
    blocks: Vec<Block>,
    /// After a trap nothing runs until the block ends: how many blocks were begun since.
    dead: Option<usize>,
}

/// A block, loop or branch.
struct Block {
    /// `fixed` where it begins.
    fixed: usize,
    /// Whether something in it goes to where another block ends, or leaves the function.
    is_left: bool,
}

impl Body {
    fn rewrite(mut self, module: &[u8], body: &FunctionBody<'_>) -> Result<Vec<u8>, Failure> {
        let mut operators = body.get_operators_reader()?;
        let mut start = operators.original_position();
        self.out.extend(part(module, body.range().start..start)?);
        self.fixed = self.out.len();
        while !operators.eof() {
            let operator = operators.read()?;
            let end = operators.original_position();
            self.take(&operator, part(module, start..end)?)?;
            start = end;
        }
        Ok(self.out)
    }

    fn take(&mut self, operator: &Operator<'_>, bytes: &[u8]) -> Result<(), Failure> {
        if !self.is_live(operator) {
            return Ok(());
        }
        if matches!(operator, Operator::Unreachable) {
            self.out.truncate(self.fixed);
            self.out.extend(bytes);
            self.dead = Some(0);
            return Ok(());
        }
        self.out.extend(bytes);
        let here = self.out.len();
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.blocks.push(Block { fixed: self.fixed, is_left: false });
                self.fixed = here;
            }
            Operator::Else => self.fixed = here,
            Operator::End => {
                // A block that is always gone through to its end is as one instruction.
                let block = self.blocks.pop();
                self.fixed = block.filter(|block| !block.is_left).map_or(here, |block| block.fixed);
            }
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.leave(*relative_depth as usize);
            }
            Operator::BrTable { targets } => {
                for target in targets.targets() {
                    self.leave(target? as usize);
                }
                self.leave(targets.default() as usize);
            }
            Operator::Return => self.leave(self.blocks.len()),
            _ => {}
        }
        Ok(())
    }

    /// Whether an instruction can be reached: not between a trap and the end of its block.
    fn is_live(&mut self, operator: &Operator<'_>) -> bool {
        let Some(begun) = &mut self.dead else { return true };
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => *begun += 1,
            Operator::End if *begun > 0 => *begun -= 1,
            Operator::End => self.dead = None,
            Operator::Else if *begun == 0 => self.dead = None,
            _ => {}
        }
        self.dead.is_none()
    }

    /// A jump to the block so many further out.
    fn leave(&mut self, depth: usize) {
        let inner = self.blocks.len().saturating_sub(depth);
        for block in &mut self.blocks[inner..] {
            block.is_left = true;
        }
        self.fixed = self.out.len();
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{BlockType, Function, FunctionSection, Instruction, TypeSection, ValType};

    use super::*;

    /// A module of a function that takes a number and gives none.
    fn module(body: &[Instruction<'_>]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut function = Function::new([]);
        body.iter().for_each(|instruction| {
            function.instruction(instruction);
        });
        let mut code = CodeSection::new();
        code.function(&function);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&code);
        module.finish()
    }

    /// After the cut the first is the second.
    fn becomes(before: &[Instruction<'_>], after: &[Instruction<'_>]) {
        let cut = cut_dead_ends(&module(before)).expect("a module");
        assert_eq!(cut, module(after));
        Validator::new().validate_all(&cut).expect("a module");
    }

    use Instruction::{
        Block, BrIf, Call, Else, End, I32Const, If, LocalGet, LocalSet, Loop, Return, Unreachable,
    };

    const PANIC: [Instruction<'_>; 3] = [I32Const(1), Call(0), Unreachable];

    #[test]
    fn a_panic_is_but_its_trap() {
        let before = [&[LocalGet(0), If(BlockType::Empty)][..], &PANIC, &[End, End]].concat();
        becomes(&before, &[LocalGet(0), If(BlockType::Empty), Unreachable, End, End]);
    }

    #[test]
    fn what_always_traps_is_but_a_trap() {
        let inner = [Block(BlockType::Empty), LocalGet(0), BrIf(0), I32Const(2), LocalSet(0), End];
        becomes(&[&inner[..], &PANIC, &[End]].concat(), &[Unreachable, End]);
        let either = [LocalGet(0), If(BlockType::Empty), Unreachable, Else, Unreachable, End];
        becomes(&[&either[..], &PANIC, &[End]].concat(), &[Unreachable, End]);
    }

    #[test]
    fn what_may_be_left_before_stays() {
        let leaves = [Block(BlockType::Empty), LocalGet(0), BrIf(1), End];
        becomes(&[&leaves[..], &PANIC, &[End]].concat(), &[&leaves[..], &[Unreachable, End]].concat());
        let returns = [LocalGet(0), If(BlockType::Empty), Return, End];
        becomes(&[&returns[..], &PANIC, &[End]].concat(), &[&returns[..], &[Unreachable, End]].concat());
        let outer = [Block(BlockType::Empty), Loop(BlockType::Empty), LocalGet(0), BrIf(1), End];
        let end = [End, I32Const(3), LocalSet(0), End];
        becomes(&[&outer[..], &PANIC, &end].concat(), &[&outer[..], &[Unreachable], &end].concat());
    }

    #[test]
    fn nothing_runs_after_a_trap() {
        let dead = [Block(BlockType::Empty), I32Const(1), LocalSet(0), End, I32Const(1), LocalSet(0)];
        let after = [I32Const(2), LocalSet(0), End];
        let block = [Block(BlockType::Empty), LocalGet(0), BrIf(0), Unreachable];
        becomes(&[&block[..], &dead, &[End], &after].concat(), &[&block[..], &[End], &after].concat());
    }
}
