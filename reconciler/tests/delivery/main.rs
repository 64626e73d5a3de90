//! Messages on their way to providers that are down, sent by a reconciler that is killed: none is lost.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "the figures are what the long test is for")]

#[path = "../sources/certificates.rs"]
mod certificates;
#[path = "../../../embedded-cluster/tests/behavior/tls.rs"]
mod tls;

mod burst;
mod mutual;
mod nats;
mod otel;
mod patterns;
mod refused;
mod restart;
mod server;
mod statuses;
mod world;
