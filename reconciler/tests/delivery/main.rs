//! Messages on their way to providers that are down, sent by a reconciler that is killed: none is lost.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "the figures are what the long test is for")]

mod burst;
mod nats;
mod otel;
mod server;
mod statuses;
mod world;
