//! Expressions in CEL whose evaluation has a budget.
//!
//! Whoever writes an expression may be a tenant, and a short one can go through lists within lists, or double a text a
//! hundred times. The library has no limit, so an expression is rewritten before it is evaluated: what goes into a
//! function, a list, or a loop passes through a function that counts it first. API servers have a budget as well.

mod meter;
mod rewrite;

use std::thread;

use cel::common::ast::IdedExpr;
use cel::{Context, Env, ExecutionError, Value};
use thiserror::Error;

pub use meter::BUDGET;
use meter::{Meter, TooExpensive};
use rewrite::{is_deeper, metered};

/// How many bytes an expression may have, and how many of its parts may be nested. The parser bounds what is in
/// parentheses, but not `a.b.c`.
const LONGEST: usize = 32 * 1024;
const DEEPEST: usize = 100;

/// How many characters of the parser's errors are told.
const LONGEST_MESSAGE: usize = 2048;

/// The stack of an evaluation. A level takes up to 90 KiB in a build that is not optimized, counting adds levels, and the
/// default stack of a thread ends after 25. Only what is used takes memory.
const STACK: usize = 64 * 1024 * 1024;

/// Why an expression cannot be evaluated at all.
#[derive(Debug, Error)]
pub enum CompileError {
    /// It is not CEL; with the place in the expression.
    #[error("{0}")]
    Syntax(String),
    /// It is too long.
    #[error("the expression has more than {LONGEST} bytes")]
    TooLong,
    /// It is nested too deeply.
    #[error(
        "more than {DEEPEST} parts of the expression are nested in each other; use more variables or expressions"
    )]
    TooDeep,
    /// The thread that reads it cannot be started.
    #[error("the expression cannot be read: {0}")]
    NoThread(#[from] std::io::Error),
}

/// Why an expression has no value.
#[derive(Debug, Error)]
pub enum EvaluationError {
    /// It costs more than [`BUDGET`].
    #[error("{TooExpensive}")]
    TooExpensive,
    /// It fails for these variables.
    #[error(transparent)]
    Failed(#[from] ExecutionError),
    /// The thread that evaluates it cannot be started.
    #[error("the expression cannot be evaluated: {0}")]
    NoThread(#[from] std::io::Error),
}

/// An expression in CEL. Its evaluation costs at most [`BUDGET`].
///
/// ```
/// use admission_policy::{Program, environment};
/// use cel::{Context, Value};
///
/// let environment = environment();
/// let program = Program::compile(&environment, "[1, 2].all(number, number < 3)")?;
/// let value = program.evaluate(Context::with_env(environment))?;
/// assert_eq!(value, Value::Bool(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Program(IdedExpr);

impl Program {
    /// Reads an expression with the functions of this environment.
    ///
    /// # Errors
    /// It is not CEL, too long, or nested too deeply.
    pub fn compile(environment: &Env, text: &str) -> Result<Self, CompileError> {
        if text.len() > LONGEST {
            return Err(CompileError::TooLong);
        }
        on_large_stack(|| {
            let program = environment.compile(text).map_err(|errors| syntax(&errors.to_string()))?;
            if is_deeper(program.expression(), DEEPEST) {
                return Err(CompileError::TooDeep);
            }
            Ok(Program(metered(program.expression().clone())))
        })?
    }

    /// The value of the expression with the variables and functions of this context.
    ///
    /// # Errors
    /// It costs too much, or fails.
    pub fn evaluate(&self, mut context: Context<'_, '_>) -> Result<Value, EvaluationError> {
        let meter = Meter::default();
        meter.install(&mut context)?;
        let value = on_large_stack(|| context.resolve(&self.0))?;
        // An error within `all` or `||` does not have to be that of the whole.
        if meter.is_over() {
            return Err(EvaluationError::TooExpensive);
        }
        Ok(value?)
    }
}

/// The parser repeats the whole expression for each error that it finds.
fn syntax(errors: &str) -> CompileError {
    let mut start: String = errors.chars().take(LONGEST_MESSAGE).collect();
    if start.len() < errors.len() {
        start.push('…');
    }
    CompileError::Syntax(start)
}

/// Does work that is recursive on a thread of its own.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::environment;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn value(text: &str) -> Result<Value, String> {
        let environment = environment();
        let program = Program::compile(&environment, text).map_err(|error| error.to_string())?;
        let mut context = Context::with_env(environment);
        let items: Vec<_> = (0..2_000).map(|number| json!({"name": format!("item-{number}")})).collect();
        let value = cel::to_value(json!({"items": items, "text": "x".repeat(100_000)}));
        context.add_variable_from_value("self", value.map_err(|error| error.to_string())?);
        program.evaluate(context).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_counted_has_the_same_value() {
        for text in [
            "self.items.filter(item, item.name.startsWith('item-1')).map(item, item.name)[1] == 'item-10'",
            "self.items.exists(item, item.name == 'item-1999') && !self.items.all(item, item.name == 'x')",
            "[3, 1, 2].sortBy(number, -number) == [3, 2, 1] && [1, 2].exists_one(number, number == 2)",
            "'a-b-c'.replace('-', '+') == 'a+b+c' && 'a-b-c'.replace('-', '+', 1) == 'a+b-c'",
            "'ab'.replace('', '-') == '-a-b-' && 'aa'.replace('a', 'b', -1) == 'bb'",
            "'a-b'.split('-').join('+') == 'a+b' && ['a', 'b'].join() == 'ab' && [].join('x') == ''",
            "[1, 1, 2].distinct() == [1, 2] && lists.range(3) == [0, 1, 2] && math.abs(-1) == 1",
            "{'a': {'b': 1}}.a.b == 1 && has(self.items) && self.?nothing.orValue('x') == 'x'",
            "[optional.of(1)][0].value() == 1 && optional.of(1).optMap(x, x + 1).value() == 2",
            "(self.nothing.here || true) && [0, 1].exists(number, 1 / number == 1)",
            "'abc'.matches('^a.c$') && !'abc'.matches('^b') && self.items.all(x, x.name.matches('^item-\\\\d+$'))",
            "'%s is %d'.format(['a', 1]) == 'a is 1' && self.text.size() == 100000",
            "'tacocat'.indexOf('ac') == 1 && 'tacocat'.indexOf('') == 0 && 'tacocat'.indexOf('a', 3) == 5",
            "'tacocat'.lastIndexOf('at') == 5 && 'tacocat'.lastIndexOf('a', 3) == 1 && 'a'.lastIndexOf('') == 1",
            "'äöü'.indexOf('ü') == 2 && 'äöäö'.lastIndexOf('ö') == 3 && 'äöäö'.lastIndexOf('ö', 2) == 1",
            "'aaa'.lastIndexOf('aa') == 1 && 'aaa'.lastIndexOf('aa', 0) == 0 && 'a'.indexOf('b', 1) == -1",
            "[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [].indexOf(1) == -1",
            "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+', -1) == ['1', '22']",
            "['a-b'].all(math, math.replace('-', '+') == 'a+b' && math.matches('^a'))",
        ] {
            assert_eq!(value(text), Ok(Value::Bool(true)), "{text}");
        }
        for text in [
            "'a'.matches('(\\\\pL{50}){10}')",
            // The variable has the name of a namespace.
            "['a'].all(strings, strings.matches('(\\\\pL{50}){10}'))",
            "'a'.find('(\\\\pL{50}){10}') == ''",
        ] {
            assert!(
                value(text).is_err_and(|error| error.contains("size limit")),
                "{text}: {:?}",
                value(text)
            );
        }
        let pattern = "'xxxxxxxxxx'.replace('x', 'xxxxxxxxxx').replace('x', '[a-z][a-z][a-z]')";
        let long = value(&format!("'a'.matches({pattern})"));
        assert!(long.is_err_and(|error| error.contains("more than 1024 bytes")));
        let sum = value("['a', 'b'].sum() == 'ab'");
        assert!(sum.is_err_and(|error| error.contains("not numbers")));
        for text in [
            "'a'.matches(1)",
            "'a'.replace(1, 'b')",
            "[1].join('x')",
            "1.join('x')",
            "'a'.replace('a', 'b', 'c')",
        ] {
            assert!(value(text).is_err_and(|error| error.contains("overload")), "{text}: {:?}", value(text));
        }
    }

    #[test]
    fn what_costs_too_much_ends() {
        let doubled = |step: &str| format!("['xxxxxxxxxx']{}.size() > 0", step.repeat(40));
        for text in [
            "self.items.all(a, self.items.all(b, a.name != b.name + 'x'))",
            "self.items.exists(a, self.items.exists(b, self.items.exists(c, false)))",
            "self.items.map(a, self.items)",
            "lists.range(1000).all(a, lists.range(1000).all(b, 1 < 2 && 1 < 2 && 1 < 2))",
            "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, \
             [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, true))))))",
            "lists.range(100000).distinct() == []",
            "self.text.replace('x', self.text) == ''",
            "self.text.split('').join(self.text) == ''",
            "self.text.replace('', self.text) == ''",
            "lists.range(300).all(x, !'a'.matches('(a{50}){10}' + string(x)))",
            "lists.range(50).all(x, !self.text.matches('y'))",
            "lists.range(50000).all(x, lists.range(1000000)[0] == 0)",
            "lists.range(50000).all(x, (true ? lists.range(400000) : [])[0] == 0)",
            "lists.range(50000).all(x, {'a': lists.range(400000)}.a[0] == 0)",
            "lists.range(50000).all(x, lists.range(400000)[?0].orValue(1) == 0)",
            &format!("lists.range(1000).all(x, '{0}'.indexOf('{0}b') < 0)", "a".repeat(15_000)),
            &format!("lists.range(50000).all(x, '{}'.split('')[0] == 'a')", "a".repeat(30_000)),
            "lists.range(50).all(x, self.text.find('y') == '')",
            "self.text.substring(0, 20000).findAll('x.*y|x').size() > 0",
            "lists.range(300).all(x, 'a'.findAll('(a{50}){10}' + string(x)) == [])",
            "sets.contains(lists.range(1500), lists.range(1500))",
            "lists.range(300).all(math, !'a'.matches('(a{50}){10}' + string(math)))",
            "lists.range(300).map(x, '(a{50}){10}' + string(x)).all(math, !math.matches(math))",
            "true || self.items.all(a, self.items.all(b, true))",
            &doubled(".map(a, a + a)"),
            &doubled(".map(a, [a, a])"),
            &doubled(".map(a, {'a': a, 'b': a})"),
            &doubled(".map(a, '%s%s'.format([a, a]))"),
            &format!("'x'{}.size() > 0", ".replace('x', 'xxxx')".repeat(90)),
        ] {
            let found = value(text);
            if text.starts_with("true ||") {
                assert_eq!(found, Ok(Value::Bool(true)), "what is not evaluated costs nothing");
            } else {
                assert!(
                    found.as_ref().is_err_and(|error| error.contains("too expensive")),
                    "{text}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        for (start, step, end) in [
            ("{}", ".a", ""),
            ("1", " + 1", ""),
            ("[1]", ".map(a, a)", ""),
            ("", "[", "]"),
            ("true", " ? true : true", ""),
        ] {
            for count in [20, 90, 1_000, 2_000] {
                let text = format!("{start}{}{}", step.repeat(count), end.repeat(count));
                let found = value(&text);
                let is_refused = found.as_ref().is_err_and(|error| {
                    error.contains("nested in each other")
                        || error.contains("Recursion limit")
                        || error.contains("no such key")
                });
                assert!(is_refused || count < 100, "{count} times {step}: {found:?}");
                assert!(
                    found.is_ok() || found.is_err_and(|error| error.len() < 3_000),
                    "{count} times {step}"
                );
            }
        }
        assert!(value(&"1".repeat(40_000)).is_err_and(|error| error.contains("more than 32768 bytes")));
        let many = format!("true{}", " && true".repeat(1_000));
        assert_eq!(value(&many), Ok(Value::Bool(true)));
    }

    #[test]
    fn a_failure_keeps_its_own_message() -> Outcome {
        let environment = environment();
        let program = Program::compile(&environment, "nothing == 1")?;
        let error = program.evaluate(Context::with_env(environment)).err().ok_or("it has a value")?;
        assert!(matches!(error, EvaluationError::Failed(ExecutionError::UndeclaredReference(_))), "{error}");
        Ok(())
    }
}
