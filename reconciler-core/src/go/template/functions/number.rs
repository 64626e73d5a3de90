//! Functions for numbers.

use gotmpl::Value;

use super::{Arguments, Function, Outcome, float_of, int_of};

/// How many numbers a sequence has at most.
const LONGEST: usize = 100_000;

/// The functions.
pub(super) const ALL: &[Function] = &[
    ("add", |args| int(args.0.iter().map(int_of).fold(0, i64::wrapping_add))),
    ("add1", |args| int(args.int(0)?.wrapping_add(1))),
    ("atoi", |args| int(args.text(0)?.parse().unwrap_or(0))),
    ("ceil", |args| Ok(Value::Float(args.float(0)?.ceil()))),
    ("div", |args| args.int(0)?.checked_div(args.int(1)?).map(Value::Int).ok_or_else(by_zero)),
    ("float64", |args| Ok(Value::Float(args.float(0)?))),
    ("floor", |args| Ok(Value::Float(args.float(0)?.floor()))),
    ("int", |args| int(args.int(0)?)),
    ("int64", |args| int(args.int(0)?)),
    ("max", |args| int(args.0.iter().map(int_of).max().unwrap_or(0))),
    ("maxf", |args| Ok(Value::Float(args.0.iter().map(float_of).fold(f64::NEG_INFINITY, f64::max)))),
    ("min", |args| int(args.0.iter().map(int_of).min().unwrap_or(0))),
    ("minf", |args| Ok(Value::Float(args.0.iter().map(float_of).fold(f64::INFINITY, f64::min)))),
    ("mod", |args| args.int(0)?.checked_rem(args.int(1)?).map(Value::Int).ok_or_else(by_zero)),
    ("mul", |args| int(args.0.iter().map(int_of).fold(1, i64::wrapping_mul))),
    ("round", |args| {
        let digits = i32::try_from(args.int(1)?).unwrap_or(0).clamp(-300, 300);
        let power = 10_f64.powi(digits);
        Ok(Value::Float((args.float(0)? * power).round() / power))
    }),
    ("sub", |args| int(args.int(0)?.wrapping_sub(args.int(1)?))),
    ("until", |args| {
        let end = args.int(0)?;
        sequence(0, end, if end < 0 { -1 } else { 1 })
    }),
    ("untilStep", until_step),
];

fn int(number: i64) -> Outcome {
    Ok(Value::Int(number))
}

fn by_zero() -> String {
    "division by zero".to_owned()
}

fn until_step(args: &Arguments) -> Outcome {
    sequence(args.int(0)?, args.int(1)?, args.int(2)?)
}

/// The numbers from a start to before an end.
fn sequence(start: i64, end: i64, step: i64) -> Outcome {
    let mut numbers = Vec::new();
    let mut number = start;
    while (step > 0 && number < end) || (step < 0 && number > end) {
        if numbers.len() == LONGEST {
            return Err("the sequence is too long".to_owned());
        }
        numbers.push(Value::Int(number));
        let Some(next) = number.checked_add(step) else { break };
        number = next;
    }
    Ok(Value::from(numbers))
}
