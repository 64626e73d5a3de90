//! The order of keys: go-yaml v2's natural one, where `a2` comes before `a10`.

use std::cmp::Ordering;

use super::letters::{is_digit, is_letter};

/// Compares two keys. At the first character that differs, anything comes before letters, and
/// digits compare as the number that they are part of.
///
/// This is not quite an order (`a10` < `a1b` < `a2` < `a10`): where kustomize's output depends
/// on chance, ours depends on the keys alone.
fn compare(a: &str, b: &str) -> Ordering {
    compare_and_tell(a, b).0
}

/// Also tells whether a digit may have had a part in it. Where none has, it is an order.
#[inline]
fn compare_and_tell(a: &str, b: &str) -> (Ordering, bool) {
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let common = x.iter().zip(y).take_while(|(x, y)| x == y).count();
    match (x.get(common), y.get(common)) {
        (Some(x), Some(y)) if x.is_ascii() && y.is_ascii() => {
            let rank = |byte: &u8| (byte.is_ascii_alphabetic(), *byte);
            if x.is_ascii_digit() || y.is_ascii_digit() {
                (compare_at(a, b, common), true)
            } else {
                (rank(x).cmp(&rank(y)), false)
            }
        }
        (Some(_), Some(_)) => {
            let at = (0..=common).rev().find(|at| a.is_char_boundary(*at)).unwrap_or(0);
            (compare_at(a, b, at), true)
        }
        _ => (x.len().cmp(&y.len()), false),
    }
}

/// Compares two keys that differ in the character at an index.
fn compare_at(a: &str, b: &str, at: usize) -> Ordering {
    let (Some(x), Some(y)) = (a[at..].chars().next(), b[at..].chars().next()) else {
        return a.len().cmp(&b.len());
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let lead = i64::from((x == '0' || y == '0') && continues_number(&a[..at]));
    let (x_number, x_end) = number(&a[at..], lead);
    let (y_number, y_end) = number(&b[at..], lead);
    x_number.cmp(&y_number).then(x_end.cmp(&y_end)).then(x.cmp(&y))
}

/// Whether a text ends in digits that are not all zero.
fn continues_number(text: &str) -> bool {
    text.chars().rev().take_while(|c| is_digit(*c)).any(|c| c != '0')
}

/// The number that a text starts with, after `lead`, and how many digits it has.
fn number(text: &str, lead: i64) -> (i64, usize) {
    text.chars().take_while(|c| is_digit(*c)).fold((lead, 0), |(value, count), digit| {
        let digit = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        (value.wrapping_mul(10).wrapping_add(digit), count + 1)
    })
}

/// Whether keys are sorted and distinct for sure, as they mostly are in what was printed before.
pub(super) fn is_in_order<'k>(mut keys: impl Iterator<Item = &'k str>) -> bool {
    let Some(mut before) = keys.next() else { return true };
    keys.all(|key| {
        let in_order = compare_and_tell(before, key) == (Ordering::Less, false);
        before = key;
        in_order
    })
}

/// Sorts `order`, indexes of keys. Never panics, although the comparison is no total order.
///
/// # Errors
/// The index of a key that is there twice.
pub(super) fn sort<'k>(order: &mut [u32], key: impl Fn(u32) -> &'k str + Copy) -> Result<(), u32> {
    let mut found = look(order, key)?;
    if found == KeyOrder::Unsorted {
        sort_by_comparison(order, key);
        found = look(order, key)?;
    }
    // Where numbers may make the order go round in circles, where it begins depends on how the keys
    // stood at first, and equal keys need not be neighbours.
    if found != KeyOrder::Sorted && order.len() > 2 {
        order.sort_unstable_by_key(|at| key(*at));
        if let Some(pair) = order.windows(2).find(|pair| key(pair[0]) == key(pair[1])) {
            return Err(pair[0].max(pair[1]));
        }
        sort_by_comparison(order, key);
    }
    Ok(())
}

/// How keys stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyOrder {
    Unsorted,
    /// Each before the next one, but some because of a digit.
    Doubtful,
    Sorted,
}

/// How keys stand, unless one of them is found twice.
fn look<'k>(order: &[u32], key: impl Fn(u32) -> &'k str + Copy) -> Result<KeyOrder, u32> {
    let mut found = KeyOrder::Sorted;
    for pair in order.windows(2) {
        match compare_and_tell(key(pair[0]), key(pair[1])) {
            (Ordering::Less, false) => {}
            (Ordering::Less, true) => found = KeyOrder::Doubtful,
            (Ordering::Equal, _) => return Err(pair[0].max(pair[1])),
            (Ordering::Greater, _) => return Ok(KeyOrder::Unsorted),
        }
    }
    Ok(found)
}

fn sort_by_comparison<'k>(order: &mut [u32], key: impl Fn(u32) -> &'k str + Copy) {
    if order.len() <= 24 {
        insertion_sort(order, key);
    } else {
        let mut buffer = order.to_vec();
        merge_sort(&mut buffer, order, key);
    }
}

fn insertion_sort<'k>(order: &mut [u32], key: impl Fn(u32) -> &'k str) {
    for end in 1..order.len() {
        let mut at = end;
        while at > 0 && compare(key(order[at]), key(order[at - 1])) == Ordering::Less {
            order.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Sorts into `to`; both hold the same indexes at the start.
fn merge_sort<'k>(from: &mut [u32], to: &mut [u32], key: impl Fn(u32) -> &'k str + Copy) {
    if to.len() <= 12 {
        insertion_sort(to, key);
        return;
    }
    let middle = to.len() / 2;
    let (from_left, from_right) = from.split_at_mut(middle);
    let (to_left, to_right) = to.split_at_mut(middle);
    merge_sort(to_left, from_left, key);
    merge_sort(to_right, from_right, key);
    let (mut left, mut right) = (from_left.iter().peekable(), from_right.iter().peekable());
    for slot in to {
        let take_right = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => compare(key(**r), key(**l)) == Ordering::Less,
            (left, _) => left.is_none(),
        };
        let next = if take_right { right.next() } else { left.next() };
        if let Some(next) = next {
            *slot = *next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: &[&str]) -> Vec<String> {
        let mut order: Vec<u32> = (0..).take(keys.len()).collect();
        sort(&mut order, |at| keys[at as usize]).unwrap();
        order.into_iter().map(|at| keys[at as usize].to_owned()).collect()
    }

    #[test]
    fn sorts_naturally() {
        let wanted = [
            "", "-a", "_a", "0", "00", "1", "01", "2", "10", "A", "a", "a-1", "a.b", "a0", "a2", "a10",
            "a100", "ab", "b", "ä",
        ];
        let mut given = wanted;
        given.reverse();
        assert_eq!(sorted(&given), wanted);
    }

    #[test]
    fn the_order_of_keys_in_a_circle_is_always_the_same() {
        for [a, b, c] in [["017", "0o17", "1_000"], ["a10", "a1b", "a2"]] {
            let orders = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]];
            assert!(orders.iter().all(|keys| sorted(keys) == sorted(&[a, b, c])), "{a} {b} {c}");
        }
    }

    #[test]
    fn many_keys_and_cycles_do_not_upset_it() {
        let names: Vec<String> =
            (0..300).rev().map(|n| format!("k{n}{}", if n % 7 == 0 { "b" } else { "" })).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(sorted(&names).len(), 300);
        let plain: Vec<String> = (0..300).map(|n| format!("k{n}")).collect();
        let mut shuffled: Vec<&str> = plain.iter().map(String::as_str).collect();
        shuffled.sort_unstable();
        assert_eq!(sorted(&shuffled), plain);
    }
}
