//! The first place at which two outputs differ.

/// Lines of both shown from the first difference on.
const SHOWN: usize = 6;

/// The first lines that differ, the expected ones marked `-` and ours `+`, after the line before.
pub fn first(expected: &[u8], found: &[u8]) -> String {
    let (expected, found) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(found));
    let (expected, found): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let mut shown = vec![format!("@ line {}", same + 1)];
    let document = expected[..same].iter().rposition(|line| *line == "---").map_or(0, |at| at + 1);
    let heads = expected[document..].iter().take_while(|line| **line != "---");
    let identity = heads.filter(|line| line.starts_with("kind: ") || line.starts_with("  name: "));
    shown.extend(identity.take(2).map(|line| format!("  {line}")));
    if let Some(before) = same.checked_sub(1) {
        shown.push(format!("  {}", expected[before]));
    }
    shown.extend(expected[same..].iter().take(SHOWN).map(|line| format!("- {line}")));
    shown.extend(found[same..].iter().take(SHOWN).map(|line| format!("+ {line}")));
    shown.join("\n")
}
