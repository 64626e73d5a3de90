//! Repositories on servers that want to know who asks: over http, https and ssh, and through a proxy.

#[cfg(unix)]
mod http;
#[cfg(unix)]
mod proxy;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod ssh;
#[cfg(unix)]
mod ssh_server;
#[cfg(unix)]
mod submodules;

#[cfg(unix)]
mod world;
