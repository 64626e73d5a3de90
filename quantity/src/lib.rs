//! Quantities of Kubernetes, like `500m` and `1Gi`, in their canonical form.

/// Billionths, the smallest amount that counts.
const NANO: i128 = 1_000_000_000;

/// Suffixes for powers of ten, by their exponents.
const DECIMAL: &[(i32, &str)] = &[
    (18, "E"),
    (15, "P"),
    (12, "T"),
    (9, "G"),
    (6, "M"),
    (3, "k"),
    (0, ""),
    (-3, "m"),
    (-6, "u"),
    (-9, "n"),
];

/// Suffixes for powers of 1024.
const BINARY: &[&str] = &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// How a quantity is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Decimal,
    Exponent,
    Binary,
}

/// The canonical form of a quantity, which has the largest suffix that leaves no fraction. Nothing for what
/// is no quantity, or has too many digits to be one.
///
/// ```
/// assert_eq!(kubernetes_quantity::canonical("2000m").as_deref(), Some("2"));
/// assert_eq!(kubernetes_quantity::canonical("two"), None);
/// ```
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let (amount, notation) = parse(text)?;
    if amount == 0 {
        return Some("0".to_owned());
    }
    if notation == Notation::Binary && amount.abs() >= 1024 * NANO {
        // What is less than one of the smallest unit is rounded up.
        let mut number = (amount + amount.signum() * (NANO - 1)) / NANO;
        let mut suffix = 0;
        while number % 1024 == 0 && suffix + 1 < BINARY.len() {
            number /= 1024;
            suffix += 1;
        }
        return Some(format!("{number}{}", BINARY[suffix]));
    }
    DECIMAL.iter().find_map(|(exponent, suffix)| {
        let unit = 10_i128.checked_pow(u32::try_from(exponent + 9).ok()?)?;
        if amount % unit != 0 {
            return None;
        }
        let number = amount / unit;
        Some(match (notation, exponent) {
            (Notation::Exponent, 0) => number.to_string(),
            (Notation::Exponent, exponent) => format!("{number}e{exponent}"),
            _ => format!("{number}{suffix}"),
        })
    })
}

/// The billionths of a quantity. Nothing for what is no quantity, or has too many digits to be one.
///
/// ```
/// assert_eq!(kubernetes_quantity::billionths("2m"), Some(2_000_000));
/// ```
#[must_use]
pub fn billionths(text: &str) -> Option<i128> {
    Some(parse(text)?.0)
}

/// The billionths of a quantity, and how it is written.
fn parse(text: &str) -> Option<(i128, Notation)> {
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let decimals = i32::try_from(fraction.len()).ok()?;
    let (power, multiplier, notation) = unit(suffix)?;
    let mut amount = digits.checked_mul(multiplier)?;
    let exponent = power.checked_sub(decimals)?.checked_add(9)?;
    let scale = 10_i128.checked_pow(exponent.unsigned_abs())?;
    amount = if exponent >= 0 {
        amount.checked_mul(scale)?
    } else {
        // Too small an amount is rounded up.
        (amount + scale - 1) / scale
    };
    Some((if is_negative { -amount } else { amount }, notation))
}

/// The power of ten and the multiplier that a suffix means.
fn unit(suffix: &str) -> Option<(i32, i128, Notation)> {
    if let Some((exponent, _)) = DECIMAL.iter().find(|(_, known)| *known == suffix) {
        return Some((*exponent, 1, Notation::Decimal));
    }
    if let Some(index) = BINARY.iter().position(|known| *known == suffix) {
        return Some((0, 1024_i128.checked_pow(u32::try_from(index).ok()?)?, Notation::Binary));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((exponent, 1, Notation::Exponent))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn quantities_have_one_form() {
        for (written, wanted) in [
            ("1000m", "1"),
            ("1.5", "1500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1023Ki", "1023Ki"),
            ("0.5Ki", "512"),
            ("100e3", "100e3"),
            ("1000000", "1M"),
            ("1500k", "1500k"),
            ("-250m", "-250m"),
            ("+7", "7"),
            (".5", "500m"),
            ("0.0000000001", "1n"),
            ("0Mi", "0"),
        ] {
            assert_eq!(canonical(written).as_deref(), Some(wanted), "{written}");
        }
        for wrong in ["", "Mi", "1.2.3", "1x", "1e", "a1", "- 1"] {
            assert_eq!(canonical(wrong), None, "{wrong}");
        }
    }
}
