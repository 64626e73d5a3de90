//! The functions that JavaScript calls. They take and give nothing but numbers: bytes pass through
//! two buffers in the module's memory, so that neither side needs generated code, and an instance
//! that has panicked can be thrown away for a fresh one.
//!
//! 1. [`clear`], then for each file: [`reserve`] room, write path and content into it, [`add_file`].
//! 2. For each directory that the call is about: [`reserve`] room, write its path, [`add_path`].
//! 3. [`render`] or [`diff`], and read the answer, which is JSON, at [`output`].

#![allow(unsafe_code)] // for `no_mangle` alone

use std::cell::RefCell;

use kustomize_core::host::MemoryHost;

use crate::call;
use crate::options::Options;

#[derive(Default)]
struct State {
    input: Vec<u8>,
    output: String,
    host: MemoryHost,
    paths: Vec<String>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Makes the input buffer this long and says where it is; null when memory is short.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    STATE.with_borrow_mut(|state| {
        state.input.clear();
        if state.input.try_reserve_exact(length).is_err() {
            return std::ptr::null_mut();
        }
        state.input.resize(length, 0);
        state.input.as_mut_ptr()
    })
}

/// Takes a file from the input buffer: `path_length` bytes of its path, the rest is its content.
#[unsafe(no_mangle)]
pub extern "C" fn add_file(path_length: usize) {
    STATE.with_borrow_mut(|state| {
        let (path, content) = state.input.split_at(path_length.min(state.input.len()));
        state.host.insert(&String::from_utf8_lossy(path), content);
    });
}

/// Takes a path from the input buffer: one that the next call is about.
#[unsafe(no_mangle)]
pub extern "C" fn add_path() {
    STATE.with_borrow_mut(|state| {
        let path = String::from_utf8_lossy(&state.input).into_owned();
        state.paths.push(path);
    });
}

/// Forgets all files.
#[unsafe(no_mangle)]
pub extern "C" fn clear() {
    STATE.with_borrow_mut(|state| *state = State::default());
}

/// Renders the kustomizations at the paths; gives the length of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn render(options: u32) -> usize {
    answer(|host, paths| call::render(host, paths, Options(options)))
}

/// Renders the kustomizations at two paths, and compares them; gives the length of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn diff(options: u32) -> usize {
    answer(|host, paths| call::diff(host, paths, Options(options)))
}

fn answer(work: impl FnOnce(MemoryHost, &[String]) -> String) -> usize {
    // Not borrowed while it is worked on.
    let State { host, paths, .. } = STATE.take();
    let output = work(host, &paths);
    STATE.with_borrow_mut(|state| {
        state.output = output;
        state.output.len()
    })
}

/// Where the answer is.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    STATE.with_borrow(|state| state.output.as_ptr())
}
