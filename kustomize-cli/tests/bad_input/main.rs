//! Input that is wrong by mistake or by malice. Whatever it is: a clear message within seconds and
//! within one GiB, status 1, nothing on standard output, no file touched, no panic.

#![cfg(unix)] // limits on memory are set by a shell
#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

mod bombs;
mod files;
mod limits;
mod mistakes;
mod trial;
