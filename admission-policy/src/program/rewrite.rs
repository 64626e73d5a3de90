//! Expressions that count what they do: what goes into a function, a list or a loop passes through a function that
//! counts it first.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, operators};
use cel::common::types::CelInt;

use super::meter::{
    CHARGE, FIND, FIND_ALL, INDEX_OF, ITERATE, JOIN, LAST_INDEX_OF, MATCHES, REPLACE, SQUARE, WITHIN,
};

/// Texts in an expression that are longer are counted.
const SHORT: usize = 100;

/// What comes before the dot in the names of functions, and is no value.
const NAMESPACES: [&str; 6] = ["base64", "lists", "math", "optional", "sets", "strings"];

/// The same expression, which counts what it does.
pub(super) fn metered(expression: IdedExpr) -> IdedExpr {
    let IdedExpr { id, expr } = expression;
    let expr = match expr {
        Expr::Call(call) => Expr::Call(metered_call(call)),
        Expr::Comprehension(mut found) => {
            let weight = size(&found.loop_cond) + size(&found.loop_step);
            let weight = Expr::Literal(LiteralValue::Int(CelInt::from(weight)));
            found.iter_range =
                call(ITERATE, vec![metered(found.iter_range), IdedExpr { id: 0, expr: weight }]);
            found.accu_init = charged(found.accu_init);
            // In `all` and `exists`, an error ends nothing, but once the budget is spent nothing is evaluated any more.
            // The library copies less in loops without a condition.
            if !matches!(found.loop_cond.expr, Expr::Literal(_)) {
                let cond = vec![call(WITHIN, Vec::new()), metered(found.loop_cond)];
                found.loop_cond = call(operators::LOGICAL_AND, cond);
            }
            found.loop_step = metered(found.loop_step);
            found.result = metered(found.result);
            Expr::Comprehension(found)
        }
        Expr::List(mut list) => {
            list.elements = list.elements.into_iter().map(charged).collect();
            Expr::List(list)
        }
        Expr::Map(mut map) => {
            map.entries = map.entries.into_iter().map(metered_entry).collect();
            Expr::Map(map)
        }
        Expr::Struct(mut found) => {
            found.entries = found.entries.into_iter().map(metered_entry).collect();
            Expr::Struct(found)
        }
        Expr::Select(mut select) => {
            *select.operand = operand(*std::mem::take(&mut select.operand));
            Expr::Select(select)
        }
        other @ (Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified) => other,
    };
    IdedExpr { id, expr }
}

fn metered_call(mut found: CallExpr) -> CallExpr {
    use operators::{CONDITIONAL, LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, NOT_STRICTLY_FALSE};

    // These decide what is evaluated.
    const FREE: [&str; 5] = [CONDITIONAL, LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, NOT_STRICTLY_FALSE];

    let is_free = FREE.contains(&found.func_name.as_str());
    let counted = counted(&found.func_name, found.args.len());
    let namespace = match found.target.as_deref().map(|target| &target.expr) {
        // Nothing that is counted is in a namespace: this is a variable with the name of one.
        Some(Expr::Ident(name)) if counted.is_none() => name.as_str(),
        _ => "",
    };
    let is_namespaced =
        NAMESPACES.contains(&namespace) || (namespace == "ip" && found.func_name == "isCanonical");
    // Functions for sets compare all items with each other.
    let is_squared = namespace == "sets";
    let is_access = ACCESS.contains(&found.func_name.as_str());
    let treat = match (is_access, is_free) {
        (true, _) => operand,
        (false, true) => metered,
        (false, false) => charged,
    };
    found.args = found.args.into_iter().map(treat).collect();
    if is_squared {
        found.args = found.args.into_iter().map(|list| call(SQUARE, vec![list])).collect();
    }
    let Some(target) = found.target.take() else { return found };
    if is_namespaced {
        found.target = Some(target);
        return found;
    }
    let target = charged(*target);
    match counted {
        Some(SQUARE) => found.target = Some(Box::new(call(SQUARE, vec![target]))),
        None => found.target = Some(Box::new(target)),
        Some(counted) => {
            found.args.insert(0, target);
            return CallExpr { func_name: counted.to_owned(), target: None, args: found.args };
        }
    }
    found
}

/// What takes the place of a function that is called on a value, so that it is counted.
fn counted(function: &str, args: usize) -> Option<&'static str> {
    Some(match (function, args) {
        ("replace", 2 | 3) => REPLACE,
        ("join", 1) => JOIN,
        ("matches", 1) => MATCHES,
        ("find", 1) => FIND,
        ("findAll", 1 | 2) => FIND_ALL,
        ("indexOf", 1 | 2) => INDEX_OF,
        ("lastIndexOf", 1 | 2) => LAST_INDEX_OF,
        // It compares all items with each other.
        ("distinct", _) => SQUARE,
        _ => return None,
    })
}

fn metered_entry(mut entry: IdedEntryExpr) -> IdedEntryExpr {
    match &mut entry.expr {
        EntryExpr::StructField(field) => field.value = charged(std::mem::take(&mut field.value)),
        EntryExpr::MapEntry(entry) => {
            entry.key = charged(std::mem::take(&mut entry.key));
            entry.value = charged(std::mem::take(&mut entry.value));
        }
    }
    entry
}

/// What looks at a part of a value.
const ACCESS: [&str; 3] = [operators::INDEX, operators::OPT_INDEX, operators::OPT_SELECT];

/// The same expression, of whose value a part is looked at. It is counted if it is made for that.
fn operand(expression: IdedExpr) -> IdedExpr {
    match &expression.expr {
        Expr::Call(call) if ACCESS.contains(&call.func_name.as_str()) => metered(expression),
        Expr::Call(_) | Expr::Comprehension(_) => charged(expression),
        _ => metered(expression),
    }
}

/// How many bytes a text in an expression has.
fn length(expression: &IdedExpr) -> usize {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => text.inner().len(),
        Expr::Literal(LiteralValue::Bytes(bytes)) => bytes.inner().len(),
        _ => 0,
    }
}

/// The same expression, whose value is counted. What is written in the expression is no longer than the expression, and
/// the interpreter looks for its own variables, which start with `@`.
fn charged(expression: IdedExpr) -> IdedExpr {
    let expression = metered(expression);
    match &expression.expr {
        Expr::Literal(_) if length(&expression) > SHORT => call(CHARGE, vec![expression]),
        Expr::Literal(_) | Expr::List(_) | Expr::Map(_) | Expr::Unspecified => expression,
        Expr::Ident(name) if name.starts_with('@') => expression,
        _ => call(CHARGE, vec![expression]),
    }
}

fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }) }
}

/// How many parts an expression has. Long texts count as more.
fn size(expression: &IdedExpr) -> i64 {
    let text = i64::try_from(length(expression) / 10).unwrap_or(i64::MAX / 2);
    1 + text + fold(expression, 0, &|sum, part| sum + size(part))
}

/// Whether more parts of an expression are nested in each other.
pub(super) fn is_deeper(expression: &IdedExpr, limit: usize) -> bool {
    let Some(rest) = limit.checked_sub(1) else { return true };
    fold(expression, false, &|is_deep, part| is_deep || is_deeper(part, rest))
}

/// Goes through the parts of an expression.
fn fold<T>(expression: &IdedExpr, start: T, step: &impl Fn(T, &IdedExpr) -> T) -> T {
    let entries = |start: T, entries: &[IdedEntryExpr]| {
        entries.iter().fold(start, |found, entry| match &entry.expr {
            EntryExpr::StructField(field) => step(found, &field.value),
            EntryExpr::MapEntry(entry) => step(step(found, &entry.key), &entry.value),
        })
    };
    match &expression.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).fold(start, step),
        Expr::Comprehension(found) => {
            [&found.iter_range, &found.accu_init, &found.loop_cond, &found.loop_step, &found.result]
                .into_iter()
                .fold(start, step)
        }
        Expr::List(list) => list.elements.iter().fold(start, step),
        Expr::Map(map) => entries(start, &map.entries),
        Expr::Struct(found) => entries(start, &found.entries),
        Expr::Select(select) => step(start, &select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => start,
    }
}
