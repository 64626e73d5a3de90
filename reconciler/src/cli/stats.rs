//! `stats`: how many objects of each kind there are, and how they are.

use clap::Args;
use kube::api::ListParams;

use super::cluster::{Cluster, block_on};
use super::kinds::{ALL, EXTERNAL_ARTIFACT};
use super::table::table;
use super::wait::{condition, text};
use super::{Global, Result, term};

/// Options of `stats`.
#[derive(Args)]
pub(crate) struct Stats {
    /// Count the objects of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
}

impl Stats {
    /// Prints the table.
    pub(crate) fn run(&self, global: &Global) -> Result {
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let namespace = if self.all_namespaces { "" } else { &cluster.namespace };
            let mut rows = Vec::new();
            for kind in ALL.into_iter().filter(|kind| **kind != EXTERNAL_ARTIFACT) {
                let found = cluster.list(&kind.resource(), namespace, &ListParams::default()).await?;
                let found = found.unwrap_or_default();
                let suspended = found
                    .iter()
                    .filter(|object| object.pointer("/spec/suspend") == Some(&true.into()))
                    .count();
                let failing = found
                    .iter()
                    .filter(|object| {
                        condition(object, "Ready").is_some_and(|ready| text(ready, "status") == "False")
                    })
                    .count();
                let size =
                    found.iter().filter_map(|object| object.pointer("/status/artifact/size")?.as_u64());
                rows.push(vec![
                    kind.kind.to_owned(),
                    (found.len() - suspended).to_string(),
                    failing.to_string(),
                    suspended.to_string(),
                    bytes(size.sum()),
                ]);
            }
            term::print(&table(&["Reconcilers", "Running", "Failing", "Suspended", "Storage"], &rows))
        })
    }
}

/// A number of bytes, for people.
fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    match size {
        0 => return "-".to_owned(),
        1..1024 => return format!("{size} B"),
        _ => {}
    }
    // Two digits are shown: what is lost on the way to a float is beyond them.
    let mut amount = size as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_rounded() {
        assert_eq!([0, 5, 1024, 1_500_000].map(bytes), ["-", "5 B", "1.0 KiB", "1.4 MiB"]);
    }
}
