//! Points in time, in the four layouts that go-yaml knows.

use std::fmt;

/// A point in time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Timestamp {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanosecond: u32,
    /// Minutes east of UTC.
    pub offset: i16,
}

impl Timestamp {
    /// Reads `2006-1-2`, `2006-1-2 15:4:5.9` or `2006-1-2T15:4:5.9Z` (or `t`, or an offset
    /// `±07:00` for `Z`) with the tolerance of Go's `time.Parse`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let year = bytes.get(..4)?;
        if !year.iter().all(u8::is_ascii_digit) || bytes.get(4) != Some(&b'-') {
            return None;
        }
        let year = year.iter().fold(0u16, |year, digit| year * 10 + u16::from(digit - b'0'));
        let mut rest = Rest(&bytes[5..]);
        let month = rest.number()?;
        rest.byte(b'-')?;
        let day = rest.number()?;
        if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
            return None;
        }
        let mut time =
            Timestamp { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 };
        match rest.0.first() {
            None => return Some(time),
            Some(b'T' | b't') => {
                rest.skip(1);
                rest.clock(&mut time)?;
                time.offset = rest.zone()?;
            }
            Some(b' ') => {
                let spaces = rest.0.iter().take_while(|byte| **byte == b' ').count();
                rest.skip(spaces);
                rest.clock(&mut time)?;
            }
            Some(_) => return None,
        }
        rest.0.is_empty().then_some(time)
    }
}

/// RFC 3339 with as many digits of a second as needed: what Go prints.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timestamp { year, month, day, hour, minute, second, nanosecond, offset } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if *nanosecond != 0 {
            let digits = format!("{nanosecond:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if *offset == 0 {
            return f.write_str("Z");
        }
        let sign = if *offset < 0 { '-' } else { '+' };
        let minutes = offset.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

fn days_in(month: u8, year: u16) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        (self.0.first() == Some(&wanted)).then(|| self.skip(1))
    }

    /// One digit, or two.
    fn number(&mut self) -> Option<u8> {
        let digit = |at: usize| self.0.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
        let first = digit(0)?;
        let (number, length) = digit(1).map_or((first, 1), |second| (first * 10 + second, 2));
        self.skip(length);
        Some(number)
    }

    /// `15:4:5`, with a fraction after a dot or a comma.
    fn clock(&mut self, time: &mut Timestamp) -> Option<()> {
        time.hour = self.number().filter(|hour| *hour < 24)?;
        self.byte(b':')?;
        time.minute = self.number().filter(|minute| *minute < 60)?;
        self.byte(b':')?;
        time.second = self.number().filter(|second| *second < 60)?;
        if matches!(self.0, [b'.' | b',', b'0'..=b'9', ..]) {
            let digits = self.0[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            for place in 0..9 {
                let digit = if place < digits { self.0[1 + place] - b'0' } else { 0 };
                time.nanosecond = time.nanosecond * 10 + u32::from(digit);
            }
            self.skip(1 + digits);
        }
        Some(())
    }

    /// `Z`, or exactly `±07:00`.
    fn zone(&mut self) -> Option<i16> {
        if self.byte(b'Z').is_some() {
            return Some(0);
        }
        let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2, ..] = self.0 else { return None };
        if ![h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let two = |tens: u8, ones: u8| i16::from(tens - b'0') * 10 + i16::from(ones - b'0');
        let (hours, minutes) = (two(*h1, *h2), two(*m1, *m2));
        if hours > 24 || minutes > 60 {
            return None;
        }
        let offset = hours * 60 + minutes;
        let offset = if *sign == b'-' { -offset } else { offset };
        self.skip(6);
        Some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        // Expectations: go-yaml v3.0.3's parseTimestamp, formatted by Go.
        for (text, wanted) in [
            ("2001-01-01", Some("2001-01-01T00:00:00Z")),
            ("2001-1-1", Some("2001-01-01T00:00:00Z")),
            ("2001-12-14t21:59:43.10-05:00", Some("2001-12-14T21:59:43.1-05:00")),
            ("2001-12-14T1:2:3+00:00", Some("2001-12-14T01:02:03Z")),
            ("2001-12-14  21:59:43,5", Some("2001-12-14T21:59:43.5Z")),
            ("2001-12-14 21:59:43.10 -5", None),
            ("2001-12-14T21:59:43", None),
            ("2001-12-14T21:59:60Z", None),
            ("2001-02-29", None),
            ("2000-02-29", Some("2000-02-29T00:00:00Z")),
            ("20010-1-1", None),
            ("2001-01-011", None),
        ] {
            assert_eq!(Timestamp::parse(text).map(|time| time.to_string()).as_deref(), wanted, "{text}");
        }
    }
}
