//! Floating-point numbers in Go's notation.

/// Parses a number as Go's `strconv.ParseFloat` does, or returns nothing if Go refuses it.
///
/// That allows hexadecimal numbers with an exponent, underscores between digits, and infinities.
pub fn parse_float(text: &str) -> Option<f64> {
    let (sign, magnitude) = match text.as_bytes().first()? {
        b'+' => (1.0, &text[1..]),
        b'-' => (-1.0, &text[1..]),
        _ => (1.0, text),
    };
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    if magnitude.eq_ignore_ascii_case("inf") || magnitude.eq_ignore_ascii_case("infinity") {
        return Some(sign * f64::INFINITY);
    }
    let digits = without_underscores(magnitude)?;
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => parse_hexadecimal(hexadecimal)?,
        None => {
            let decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
            let started = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
            if !decimal || !started {
                return None;
            }
            digits.parse::<f64>().ok()?
        }
    };
    // A number that is too large is an error there, an infinity here.
    value.is_finite().then_some(sign * value)
}

/// Takes the underscores out if each stands between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let prefix = text.len() >= 2 && (text.starts_with("0x") || text.starts_with("0X"));
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let digit = |byte: Option<&u8>| {
            byte.is_some_and(|byte| if prefix { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() })
        };
        let before = digit(index.checked_sub(1).and_then(|before| bytes.get(before)));
        let follows_prefix = prefix && index == 2;
        if !(before || follows_prefix) || !digit(bytes.get(index + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// The value of `HEX[.HEX]pEXPONENT`.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value.mul_add(16.0, f64::from(digit.to_digit(16)?));
    }
    let exponent: i32 = exponent.parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?;
    Some(value * 2.0_f64.powi(exponent.saturating_sub(places.saturating_mul(4))))
}

#[cfg(test)]
mod tests {
    use super::parse_float;

    #[test]
    fn reads_what_go_reads() {
        let read = [
            ("1_000", 1000.0),
            ("0x1_0p0", 16.0),
            ("-Inf", f64::NEG_INFINITY),
            ("0X1.8P1", 3.0),
            ("1.e2", 100.0),
        ];
        for (text, value) in read {
            assert_eq!(parse_float(text), Some(value), "{text}");
        }
        for text in ["0x10", "+nan", "1e400", ".", "e1", "0b1", "", " 1", "1_", "_1", "+-1"] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }
}
