//! Sending what happened: a queue that outlives this process, and requests over HTTP.

mod outbox;
mod outgoing;
mod sender;

pub use outbox::{Broken, Message, Name, Outbox};
pub use outgoing::Outgoing;
pub use sender::{Connection, SendError, ask, send};
