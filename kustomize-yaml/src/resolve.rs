//! What type a plain scalar has.
//!
//! kustomize reads resources through go-yaml v3 and its own files, as well as what it prints,
//! through go-yaml v2. Both take an odd mixture of YAML 1.1 and 1.2; they differ in their booleans
//! and in a few octal numbers only.

mod number;
mod timestamp;

use crate::Tag;

pub use timestamp::Timestamp;

/// Which of kustomize's two YAML libraries decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v3: `true` and `false` are the only booleans, `0o17` is a number. Resources.
    #[default]
    V3,
    /// go-yaml v2, close to YAML 1.1: `yes`, `no`, `on`, `off`, `y` and `n` are booleans too.
    /// Kustomization files and other configuration.
    V2,
}

/// The value of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolved {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer too large for `i64`.
    Uint(u64),
    /// Any other number, infinities and NaN among them.
    Float(f64),
    /// A point in time.
    Timestamp(Timestamp),
    /// A string.
    Str,
}

impl Resolved {
    /// The tag that goes with the value.
    #[must_use]
    pub const fn tag(self) -> Tag {
        match self {
            Resolved::Null => Tag::Null,
            Resolved::Bool(_) => Tag::Bool,
            Resolved::Int(_) | Resolved::Uint(_) => Tag::Int,
            Resolved::Float(_) => Tag::Float,
            Resolved::Timestamp(_) => Tag::Timestamp,
            Resolved::Str => Tag::Str,
        }
    }
}

/// Tag of a plain scalar in a resource (go-yaml v3). The merge key `<<` is the reader's affair.
#[must_use]
pub fn resolve(text: &str) -> Tag {
    value(text, Dialect::V3).tag()
}

/// Tag of a plain scalar in a kustomization file or in printed output (go-yaml v2).
#[must_use]
pub fn resolve_yaml11(text: &str) -> Tag {
    value(text, Dialect::V2).tag()
}

/// Value of a plain scalar.
#[must_use]
pub fn value(text: &str, dialect: Dialect) -> Resolved {
    let Some(&first) = text.as_bytes().first() else { return Resolved::Null };
    match first {
        b'0'..=b'9' => timestamp_or_number(text, dialect),
        b'+' | b'-' => match text {
            "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
            _ => number::number(text, dialect).unwrap_or(Resolved::Str),
        },
        b'.' => match text {
            ".inf" | ".Inf" | ".INF" => Resolved::Float(f64::INFINITY),
            ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
            _ => number::leading_dot(text).map_or(Resolved::Str, Resolved::Float),
        },
        b'~' if text.len() == 1 => Resolved::Null,
        b't' | b'T' | b'f' | b'F' | b'n' | b'N' | b'y' | b'Y' | b'o' | b'O' if text.len() <= 5 => {
            word(text, dialect)
        }
        _ => Resolved::Str,
    }
}

/// Value of a scalar that carries the explicit tag `tag`, one of the core types; `None` when the
/// text does not fit the tag, which kustomize refuses.
#[must_use]
pub fn tagged_value(text: &str, tag: Tag, dialect: Dialect) -> Option<Resolved> {
    if tag == Tag::Str {
        return Some(Resolved::Str);
    }
    let found = match tag {
        Tag::Timestamp => value(text, dialect),
        // Dates are looked for only where nothing or a timestamp is asked for.
        _ => match value(text, dialect) {
            Resolved::Timestamp(_) => number::number(text, dialect).unwrap_or(Resolved::Str),
            other => other,
        },
    };
    match (tag, found) {
        #[allow(clippy::cast_precision_loss)] // what kustomize does
        (Tag::Float, Resolved::Int(int)) => Some(Resolved::Float(int as f64)),
        _ if found.tag() == tag => Some(found),
        _ => None,
    }
}

fn timestamp_or_number(text: &str, dialect: Dialect) -> Resolved {
    if let Some(timestamp) = Timestamp::parse(text) {
        return Resolved::Timestamp(timestamp);
    }
    number::number(text, dialect).unwrap_or(Resolved::Str)
}

fn word(text: &str, dialect: Dialect) -> Resolved {
    match text {
        "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        _ if dialect == Dialect::V3 => Resolved::Str,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Resolved::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Resolved::Bool(false),
        _ => Resolved::Str,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects() {
        // Expectations: `resolve` of go-yaml v3.0.3 and v2.4.2.
        for (text, v3, v2) in [
            ("", Tag::Null, Tag::Null),
            ("~", Tag::Null, Tag::Null),
            ("~a", Tag::Str, Tag::Str),
            ("nULL", Tag::Str, Tag::Str),
            ("True", Tag::Bool, Tag::Bool),
            ("yes", Tag::Str, Tag::Bool),
            ("n", Tag::Str, Tag::Bool),
            ("oFF", Tag::Str, Tag::Str),
            ("017", Tag::Int, Tag::Int),
            ("08", Tag::Float, Tag::Float),
            ("0o17", Tag::Int, Tag::Int),
            ("0o", Tag::Str, Tag::Str),
            ("0o-7", Tag::Int, Tag::Str),
            ("-0o17", Tag::Int, Tag::Int),
            ("0b-1", Tag::Int, Tag::Int),
            ("0x_1F", Tag::Int, Tag::Int),
            ("1_000", Tag::Int, Tag::Int),
            ("18446744073709551615", Tag::Int, Tag::Int),
            ("+18446744073709551615", Tag::Float, Tag::Float),
            ("18446744073709551616", Tag::Float, Tag::Float),
            ("-9223372036854775808", Tag::Int, Tag::Int),
            ("1e400", Tag::Str, Tag::Str),
            ("1e3", Tag::Float, Tag::Float),
            ("1.", Tag::Float, Tag::Float),
            (".", Tag::Str, Tag::Str),
            (".5_0", Tag::Float, Tag::Float),
            ("._5", Tag::Str, Tag::Str),
            ("+.5", Tag::Float, Tag::Float),
            ("-.inf", Tag::Float, Tag::Float),
            (".NaN", Tag::Float, Tag::Float),
            ("0x1p-2", Tag::Str, Tag::Str),
            ("1:30", Tag::Str, Tag::Str),
            ("2001-01-01", Tag::Timestamp, Tag::Timestamp),
            ("2001-02-30", Tag::Str, Tag::Str),
            ("-", Tag::Str, Tag::Str),
            ("+_", Tag::Str, Tag::Str),
            ("<<", Tag::Str, Tag::Str),
            ("1.2.3", Tag::Str, Tag::Str),
        ] {
            assert_eq!(resolve(text), v3, "v3 {text:?}");
            assert_eq!(resolve_yaml11(text), v2, "v2 {text:?}");
        }
        assert_eq!(value("017", Dialect::V3), Resolved::Int(15));
        assert_eq!(value("0b-1", Dialect::V3), Resolved::Int(-1));
        assert_eq!(value("-0b11", Dialect::V2), Resolved::Int(-3));
        assert_eq!(value("1_0.5", Dialect::V2), Resolved::Float(10.5));
    }

    #[test]
    fn tags_must_fit() {
        let with = |text, tag| tagged_value(text, tag, Dialect::V3);
        assert_eq!(with("3", Tag::Float), Some(Resolved::Float(3.0)));
        assert_eq!(with("3.5", Tag::Int), None);
        assert_eq!(with("yes", Tag::Bool), None);
        assert_eq!(with("x", Tag::Str), Some(Resolved::Str));
        assert_eq!(with("2001-01-01", Tag::Int), None);
    }
}
