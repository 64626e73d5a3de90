//! Reading decimal floats. The standard library's way is the quicker one, and has a table of 10 KB.

/// The float nearest to a decimal number: digits with an optional sign, point and exponent.
pub(crate) fn parse(text: &str) -> Option<f64> {
    #[cfg(not(target_family = "wasm"))]
    return text.parse().ok();
    #[cfg(target_family = "wasm")]
    return compact(text);
}

#[cfg(any(test, target_family = "wasm"))]
fn compact(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let power = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if !is_number(whole)
        || !is_number(fraction)
        || !is_number(power)
        || whole.len() + fraction.len() == 0
        || power.is_empty()
    {
        return None;
    }
    // An exponent with so many digits makes it zero or infinite, whatever digits come before.
    let power = power.trim_start_matches('0');
    let power: i32 = if power.len() > 9 { 999_999_999 } else { format!("0{power}").parse().ok()? };
    let exponent = if exponent.starts_with('-') { -power } else { power };
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let value = if whole.is_empty() && fraction.is_empty() {
        0.0
    } else {
        minimal_lexical::parse_float::<f64, _, _>(
            whole.as_bytes().iter(),
            fraction.as_bytes().iter(),
            exponent,
        )
    };
    Some(if text.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn agrees_with_the_standard_library() {
        let mut texts: Vec<String> = [
            "0",
            "-0",
            "1.",
            ".5",
            "+1e5",
            "1E-5",
            "00012.500",
            "0.000",
            "1e400",
            "-1e400",
            "1e-400",
            "5e-324",
            "2e-324",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "9007199254740993",
            "1e9999999999",
            "1e-9999999999",
            "0e9999999999",
            "0.1e-0000000000001",
            "2.2250738585072011e-308",
            ".",
            "",
            "-",
            "e5",
            "1e",
            "1e+",
            "1_0",
            "x",
            "0x1",
            "1..2",
            "inf",
            ".e1",
        ]
        .map(str::to_owned)
        .to_vec();
        texts.push("1".repeat(400));
        texts.push(format!("0.{}1e390", "0".repeat(400)));
        texts.push(format!("9007199254740993.{}1", "0".repeat(800)));
        let mut random = 1_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            texts.push(format!("{:e}", f64::from_bits(random)));
            texts.push(format!("{}.{}e{}", random >> 20, random % 1_000_003, (random % 700) as i64 - 350));
        }
        for text in texts.iter().filter(|text| !text.contains("NaN")) {
            let expected = text.parse::<f64>().ok().filter(|_| !text.contains("inf"));
            assert_eq!(compact(text).map(f64::to_bits), expected.map(f64::to_bits), "{text}");
        }
    }
}
