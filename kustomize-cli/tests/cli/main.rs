//! The program as a whole: arguments in, output, messages and status out.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

mod arguments;
mod mistakes;
mod output;
mod support;
