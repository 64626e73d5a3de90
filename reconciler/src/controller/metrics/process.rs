//! Numbers of this process, under the names of Prometheus' clients. Where the system does not tell, there are none.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// This process.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(seconds) = cpu_seconds() {
            let help = "How many seconds this process has run on a processor";
            let counter = MetricType::Counter;
            ConstCounter::new(seconds).encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                counter,
            )?)?;
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let gauges = [
            ("process_resident_memory_bytes", "How much memory it has", bytes(&status, "VmRSS:")),
            ("process_virtual_memory_bytes", "How much address space it has", bytes(&status, "VmSize:")),
            ("process_open_fds", "How many files and connections it has open", open_files()),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                let gauge = MetricType::Gauge;
                ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, gauge)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn cpu_seconds() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Some(microseconds as f64 / 1e6)
}

#[cfg(not(unix))]
fn cpu_seconds() -> Option<f64> {
    None
}

/// A size in the text of `/proc/self/status`, which has kibibytes.
fn bytes(status: &str, name: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_files() -> Option<i64> {
    i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_read() {
        let status = "Name:\treconciler\nVmSize:\t  123456 kB\nVmRSS:\t    2048 kB\nThreads:\t3\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(2 << 20));
        assert_eq!(bytes(status, "VmSwap:"), None);
    }
}
