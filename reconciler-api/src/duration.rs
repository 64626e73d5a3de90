//! Durations as Go writes them: `1m0s`, `1h30m`, `500ms`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration that is written as Go writes it.
///
/// ```
/// let interval: reconciler_api::Duration = "90s".parse()?;
/// assert_eq!(interval.to_string(), "1m30s");
/// # Ok::<(), reconciler_api::ParseDurationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

/// A text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseDurationError {
    text: String,
    why: &'static str,
}

impl fmt::Display for ParseDurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid duration {:?}: {}, expected one such as 1m30s", self.text, self.why)
    }
}

impl std::error::Error for ParseDurationError {}

/// Units with their length in nanoseconds, longer names first where one starts another.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(std::time::Duration::ZERO);

    /// A number of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Duration(std::time::Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        self.0
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Duration(duration)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, ParseDurationError> {
        let fail = |why| ParseDurationError { text: text.to_owned(), why };
        if text == "0" {
            return Ok(Duration::ZERO);
        }
        if text.is_empty() {
            return Err(fail("it is empty"));
        }
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let number_end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(|| fail("a unit is missing"))?;
            let (number, tail) = rest.split_at(number_end);
            let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_end);
            let (_, length) =
                UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| fail("the unit is unknown"))?;
            let nanoseconds = scale(number, *length).ok_or_else(|| fail("the number cannot be read"))?;
            total = total
                .checked_add(nanoseconds)
                .filter(|total| i64::try_from(*total).is_ok())
                .ok_or_else(|| fail("it is too long"))?;
            rest = tail;
        }
        Ok(Duration(std::time::Duration::from_nanos(total)))
    }
}

/// A decimal number of units, in nanoseconds.
fn scale(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut sum = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.checked_mul(unit)? };
    // Digits below a nanosecond are dropped; no unit needs more than 13 of them.
    let (mut digits, mut power) = (0u128, 1u128);
    for digit in fraction.bytes().take(13) {
        digits = digits * 10 + u128::from(digit - b'0');
        power *= 10;
    }
    sum = sum.checked_add(u64::try_from(digits * u128::from(unit) / power).ok()?)?;
    Some(sum)
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        if nanoseconds == 0 {
            return f.write_str("0s");
        }
        if nanoseconds < 1_000_000_000 {
            let (unit, name) = match nanoseconds {
                0..1_000 => (1, "ns"),
                1_000..1_000_000 => (1_000, "µs"),
                _ => (1_000_000, "ms"),
            };
            return write!(f, "{}{name}", decimal(nanoseconds, unit));
        }
        let seconds = decimal(nanoseconds % 60_000_000_000, 1_000_000_000);
        let minutes = nanoseconds / 60_000_000_000;
        match (minutes / 60, minutes % 60) {
            (0, 0) => write!(f, "{seconds}s"),
            (0, minutes) => write!(f, "{minutes}m{seconds}s"),
            (hours, minutes) => write!(f, "{hours}h{minutes}m{seconds}s"),
        }
    }
}

/// A number of units with as many decimals as it needs.
fn decimal(value: u128, unit: u128) -> String {
    let digits = unit.ilog10() as usize;
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"})
    }
}

#[cfg(test)]
mod tests {
    use super::Duration;

    #[test]
    fn prints_as_go_does() {
        // The right-hand sides are those of Go's time.ParseDuration(x).String().
        for (text, printed) in [
            ("60s", "1m0s"),
            ("1h", "1h0m0s"),
            ("1h30m", "1h30m0s"),
            ("1.5h", "1h30m0s"),
            ("90m", "1h30m0s"),
            ("500ms", "500ms"),
            ("1500ms", "1.5s"),
            ("1m1.001s", "1m1.001s"),
            ("0", "0s"),
            ("0s", "0s"),
            ("1us", "1µs"),
            ("1234567ns", "1.234567ms"),
            ("0.3s", "300ms"),
            (".5s", "500ms"),
            ("100h0.25ms", "100h0m0.00025s"),
        ] {
            assert_eq!(text.parse::<Duration>().map(|d| d.to_string()), Ok(printed.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in
            ["", "1", "s", "1x", "1s1", "-1s", "1..5s", ".s", "99999999999999999999h", "9999999h", "1 s"]
        {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
