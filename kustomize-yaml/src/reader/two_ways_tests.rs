//! The short way and the long way read the same: the same nodes at the same places, or none.

use std::path::Path;

use proptest::prelude::*;

use super::{read, read_the_long_way};
use crate::FileId;

/// Whether the text is YAML, if both ways agree on it.
fn agree(text: &str) -> bool {
    let file = FileId::new(0);
    match (read(text, file), read_the_long_way(text, file)) {
        (Ok(short), Ok(long)) => {
            assert_eq!(format!("{short:?}"), format!("{long:?}"), "{text:?}");
            true
        }
        (Err(_), Err(_)) => false,
        (short, long) => panic!("{text:?}\nshort way: {short:?}\nlong way: {long:?}"),
    }
}

/// All files of a directory whose names end in `.yaml`.
fn each_file(directory: &Path, visit: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "yaml")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            visit(&text);
        }
    }
}

#[test]
fn on_files_that_people_wrote() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut read = 0;
    // The second is there where kustomize's recorded cases are.
    for directory in ["../fixtures", "../../shared/conformance"] {
        each_file(&top.join(directory), &mut |text| read += usize::from(agree(text)));
    }
    assert!(read > 50, "the fixtures are there: {read}");
}

/// What a line may hold behind its indentation.
const PIECES: &[&str] = &[
    "a: b",
    "a:",
    "b: 1",
    "c: ",
    "- x",
    "-",
    "- a: b",
    "- - x",
    "- a:",
    "a: |",
    "a: >-",
    "- |",
    "text",
    "a: 'x'",
    "a: \"x\"",
    "\"k\": v",
    "'k': v",
    "a: \"x",
    "y\"",
    "a: [",
    "]",
    "a: []",
    "a: {}",
    "{a: b}",
    "- {a: b",
    "}",
    "a: b # c",
    "# c",
    "",
    " ",
    "a: b: c",
    "a:b",
    "? a",
    ": b",
    "a: &x 1",
    "b: *x",
    "<<: *x",
    "a: !!str 1",
    "---",
    "--- # c",
    "...",
    "%YAML 1.1",
    "a: #b",
    "a:#b",
    "\t",
    "\ta: b",
    "a:\tb",
    "a: b ",
    "null: 1",
    "~: 1",
    "a: -",
    "a: ?x",
    "a: 'it''s'",
    "a: b\\n",
    "é: ö",
    "a: 2001-01-01",
    "a: yes",
    "a: 0x1f",
    "a: \u{2028}b",
    "a: b\r",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_lines_put_together(
        lines in prop::collection::vec((0usize..7, prop::sample::select(PIECES)), 1..12),
        ends in any::<bool>(),
    ) {
        let lines: Vec<String> = lines.iter().map(|(indent, piece)| format!("{:indent$}{piece}", "")).collect();
        agree(&format!("{}{}", lines.join("\n"), if ends { "\n" } else { "" }));
    }
}
