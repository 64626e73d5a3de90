//! Names, and values that YAML has its own ideas about.

use fastrand::Rng;

/// Values, as they are written in YAML.
const VALUES: &[&str] = &[
    "text",
    "two words",
    "''",
    "\"\"",
    "~",
    "null",
    "yes",
    "off",
    "n",
    "true",
    "\"true\"",
    "017",
    "0o17",
    "0x1F",
    "1_000",
    "'0123'",
    "1:30",
    "1e3",
    "1.50",
    ".5",
    "-.inf",
    "12345678901234567890",
    "2001-01-01",
    "\"2001-01-01\"",
    "=",
    "'- a'",
    "'a: b'",
    "'a #b'",
    "a#b",
    "\"a\\tb\"",
    "\"a\\nb\"",
    "\"a\\n\"",
    "\"\\na\"",
    "\" a\"",
    "\"a \"",
    "é",
    "😀",
    "'%a'",
    "'@a'",
    "$(VAR)",
    "[]",
    "{}",
    "[1, a, ~]",
    "{a: 1, b: {c: d}}",
    "|-\n      one\n      two",
    "|\n      one\n\n      two\n",
    ">\n      folded\n      text\n",
    "\"\\u2028\"",
    "\"\\u00a0\"",
    "'it''s'",
    "a\\b",
    "-1",
    "+1",
    "0",
    "0.0",
    "1.0",
    "-",
    "'*'",
    "\"*a\"",
    "'&a'",
    "'!a'",
    "'|'",
    "'>'",
    "a,b",
    "'[a'",
    "'{a'",
    "https://a.b/c?d=e#f",
    "a:b",
    "':a'",
    "this is a long line of plain words that goes on until the printer has to think about where it might be folded",
];

/// Names that resources may have.
const NAMES: &[&str] = &["web", "db", "cache", "web-config", "a", "app.v1", "x1"];

/// One of several.
pub(super) fn one<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(..of.len())]
}

/// A value.
pub(super) fn value(rng: &mut Rng) -> &'static str {
    one(rng, VALUES)
}

/// A value that is a string to YAML.
pub(super) fn string(rng: &mut Rng) -> &'static str {
    one(
        rng,
        &[
            "text",
            "two words",
            "\"true\"",
            "'0123'",
            "\"1\"",
            "\"a\\nb\"",
            "'a: b'",
            "é",
            "''",
            "\"yes\"",
            "a-b_c.d",
        ],
    )
}

/// A name.
pub(super) fn name(rng: &mut Rng) -> &'static str {
    one(rng, NAMES)
}

/// A namespace; often none.
pub(super) fn namespace(rng: &mut Rng) -> Option<&'static str> {
    [None, None, Some("one"), Some("two"), Some("default")][rng.usize(..5)]
}
