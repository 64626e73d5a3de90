//! The program as a whole: arguments in, output, messages and status out.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

mod action;
mod arguments;
#[cfg(target_os = "linux")]
mod completion;
mod diff;
#[cfg(target_os = "linux")]
mod directories;
mod golden;
mod many;
mod mistakes;
mod output;
mod since;
mod support;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(target_os = "linux")]
mod untrusted;
mod workplace;
