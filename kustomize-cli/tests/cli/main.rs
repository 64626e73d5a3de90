//! The program as a whole: arguments in, output, messages and status out.

mod arguments;
mod mistakes;
mod output;
mod support;
