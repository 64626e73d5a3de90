//! Timestamps: the four layouts that go-yaml reads, printed as RFC 3339.

/// A date, or a date and a time, that Go's `time.Parse` accepts in one of go-yaml's layouts.
///
/// Written with its own offset; without one it is UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// Minutes east of Greenwich.
    offset: i32,
}

/// What is left of a text that is read from its start.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = rest)
    }

    /// One or two digits.
    fn number(&mut self) -> Option<u32> {
        let digit =
            |at: usize| self.0.get(at).filter(|byte| byte.is_ascii_digit()).map(|b| u32::from(b - b'0'));
        let first = digit(0)?;
        let (value, length) = digit(1).map_or((first, 1), |second| (first * 10 + second, 2));
        self.0 = &self.0[length..];
        Some(value)
    }

    /// `.` or `,` and any digits, of which nine count; nothing is zero.
    fn fraction(&mut self) -> u32 {
        let digits = match self.0 {
            [b'.' | b',', rest @ ..] => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            _ => 0,
        };
        if digits == 0 {
            return 0;
        }
        let value = (0..9).fold(0, |value, at| {
            let digit = if at < digits { self.0[at + 1] - b'0' } else { 0 };
            value * 10 + u32::from(digit)
        });
        self.0 = &self.0[digits + 1..];
        value
    }

    /// `Z`, or `+hh:mm`.
    fn offset(&mut self) -> Option<i32> {
        if self.literal(b'Z').is_some() {
            return Some(0);
        }
        let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2, rest @ ..] = self.0 else { return None };
        let two = |tens: &u8, ones: &u8| {
            let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
            digits.then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
        };
        let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
        // As in Go: some people do write offsets of 24 hours or 60 minutes.
        if hours > 24 || minutes > 60 {
            return None;
        }
        self.0 = rest;
        let offset = hours * 60 + minutes;
        Some(if *sign == b'-' { -offset } else { offset })
    }
}

impl Timestamp {
    /// Reads a plain scalar.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let [y1, y2, y3, y4, b'-', rest @ ..] = bytes else { return None };
        if ![y1, y2, y3, y4].iter().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let year = [y1, y2, y3, y4].iter().fold(0, |year, byte| year * 10 + u32::from(**byte - b'0'));
        let mut rest = Rest(rest);
        let month = rest.number().filter(|month| (1..=12).contains(month))?;
        rest.literal(b'-')?;
        let day = rest.number().filter(|day| (1..=days_in(month, year)).contains(day))?;
        let date = Timestamp { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 };
        let zoned = match rest.0.first() {
            None => return Some(date),
            Some(b'T' | b't') => {
                rest.0 = &rest.0[1..];
                true
            }
            Some(b' ') => {
                while rest.literal(b' ').is_some() {}
                false
            }
            Some(_) => return None,
        };
        let hour = rest.number().filter(|hour| *hour < 24)?;
        rest.literal(b':')?;
        let minute = rest.number().filter(|minute| *minute < 60)?;
        rest.literal(b':')?;
        let second = rest.number().filter(|second| *second < 60)?;
        let nanosecond = rest.fraction();
        let offset = if zoned { rest.offset()? } else { 0 };
        rest.0.is_empty().then_some(Timestamp { hour, minute, second, nanosecond, offset, ..date })
    }

    /// RFC 3339 with as many digits of the fraction as needed; `None` when the offset is a day or
    /// more, which Go refuses to print as JSON.
    pub(crate) fn to_rfc3339(self) -> Option<String> {
        use std::fmt::Write;
        let Timestamp { year, month, day, hour, minute, second, nanosecond, offset } = self;
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if nanosecond != 0 {
            let fraction = format!("{nanosecond:09}");
            let _ = write!(text, ".{}", fraction.trim_end_matches('0'));
        }
        if offset == 0 {
            text.push('Z');
            return Some(text);
        }
        let (hours, minutes) = (offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
        if hours >= 24 {
            return None;
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let _ = write!(text, "{sign}{hours:02}:{minutes:02}");
        Some(text)
    }
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
