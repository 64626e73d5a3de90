//! The table of reconcilers, as Markdown.

use std::time::Duration;

use serde_json::Value;

use super::Row;
use crate::steps::human;

/// What stands where nothing was measured.
const NONE: &str = "–";

/// A line of the table.
struct Line {
    label: &'static str,
    /// The phase of the load.
    phase: &'static str,
    /// The number, from the phase and the number of Kustomizations.
    number: fn(&Value, f64) -> Option<f64>,
    shown: fn(f64) -> String,
    /// What is aimed at, with 100 and with 300 Kustomizations or more.
    targets: [&'static str; 2],
}

const LINES: [Line; 10] = [
    Line {
        label: "all are ready after",
        phase: "create",
        number: |phase, _| number(phase, "seconds"),
        shown: seconds,
        targets: ["1/4", "1/6"],
    },
    Line {
        label: "processor time for that",
        phase: "create",
        number: |phase, _| sum(phase, "cpu"),
        shown: seconds,
        targets: ["1/10", "1/10"],
    },
    Line {
        label: "peak memory",
        phase: "create",
        number: |phase, _| sum(phase, "peak_kib"),
        shown: |kib| format!("{:.1} MiB", kib / 1024.0),
        targets: ["", "70 MiB"],
    },
    Line {
        label: "requests for each, the first time",
        phase: "create",
        number: |phase, count| Some(number(phase, "requests")? / count),
        shown: plain,
        targets: ["12", "12"],
    },
    Line {
        label: "requests for each, asked, nothing has changed",
        phase: "asked",
        number: |phase, count| Some(number(phase, "requests")? / count),
        shown: plain,
        targets: ["1", "1"],
    },
    Line {
        label: "all have answered that after",
        phase: "asked",
        number: |phase, _| number(phase, "seconds"),
        shown: seconds,
        targets: ["", ""],
    },
    Line {
        label: "requests for each at an interval, nothing has changed",
        phase: "interval",
        number: |phase, count| Some(number(phase, "requests")? / count / number(phase, "rounds")?),
        shown: plain,
        targets: ["0", "0"],
    },
    Line {
        label: "one has changed: it is applied after",
        phase: "changed",
        number: |phase, _| number(phase, "seconds"),
        shown: seconds,
        targets: ["2 s", "2 s"],
    },
    Line {
        label: "one has changed: builds",
        phase: "changed",
        number: |phase, _| number(phase, "builds"),
        shown: |builds| format!("{builds:.0}"),
        targets: ["1", "1"],
    },
    Line {
        label: "someone else changes an object: corrected after (the slowest of five)",
        phase: "drift",
        number: |phase, _| number(phase, "seconds"),
        shown: seconds,
        targets: ["1 s", "1 s"],
    },
];

/// Prints the table, and what requests there were.
pub fn print(rows: &[Row]) {
    println!("| Kustomizations | | Flux | ours | ratio | target, at most |");
    println!("|---:|---|---:|---:|---:|---:|");
    for row in rows {
        for line in &LINES {
            println!("{}", row.line(line));
        }
    }
    for row in rows {
        println!("\nRequests with {} Kustomizations:\n", row.count);
        for (name, phases) in [("Flux", row.flux.as_ref()), ("ours", Some(&row.ours))] {
            for phase in phases.into_iter().flatten() {
                println!("- {name}, {}: {}", phase["phase"].as_str().unwrap_or_default(), kinds(phase));
            }
        }
    }
}

impl Row {
    fn line(&self, line: &Line) -> String {
        let count = self.count as f64;
        let value = |phases: &[Value]| {
            let phase = phases.iter().find(|phase| phase["phase"] == line.phase)?;
            (line.number)(phase, count)
        };
        let (flux, ours) = (self.flux.as_deref().and_then(value), value(&self.ours));
        let ratio = match (flux, ours) {
            (Some(flux), Some(ours)) if ours > 0.0 => format!("{:.1} ×", flux / ours),
            _ => NONE.to_owned(),
        };
        let shown = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), line.shown);
        let target = line.targets[usize::from(self.count >= 300)];
        format!("| {count} | {} | {} | {} | {ratio} | {target} |", line.label, shown(flux), shown(ours))
    }
}

fn number(phase: &Value, key: &str) -> Option<f64> {
    phase[key].as_f64()
}

fn sum(phase: &Value, key: &str) -> Option<f64> {
    Some(phase[key].as_array()?.iter().filter_map(Value::as_f64).sum())
}

fn seconds(seconds: f64) -> String {
    human(Duration::from_secs_f64(seconds.max(0.0)))
}

fn plain(number: f64) -> String {
    format!("{:.1}", number.abs())
}

/// The most frequent requests of a phase, those of the load included.
fn kinds(phase: &Value) -> String {
    let counts = phase["kinds"].as_object().into_iter().flatten();
    let mut counts: Vec<(f64, &String)> =
        counts.filter_map(|(kind, count)| Some((count.as_f64()?, kind))).collect();
    counts.sort_by(|one, other| other.0.total_cmp(&one.0));
    let texts: Vec<String> =
        counts.into_iter().take(12).map(|(count, kind)| format!("{count:.0} {kind}")).collect();
    if texts.is_empty() { "not counted".to_owned() } else { texts.join(", ") }
}
