//! Any text, read the short way and the long way: the same nodes at the same places, or none.

#![no_main]

use kustomize_core::yaml::{Sources, read, read_the_long_way};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = Sources::default().add("text", text.into(), None);
    match (read(text, file), read_the_long_way(text, file)) {
        (Ok(short), Ok(long)) => assert_eq!(format!("{short:?}"), format!("{long:?}")),
        (Err(_), Err(_)) => {}
        (short, long) => panic!("short way: {short:?}\nlong way: {long:?}"),
    }
});
