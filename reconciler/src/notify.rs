//! Sending what happened: a queue that outlives this process, and requests over HTTP or to NATS.

mod connection;
mod delivery;
mod nats;
mod outbox;
mod outgoing;
mod refusals;
mod sender;

pub use connection::{Connection, SendError};
pub use delivery::deliver;
pub use outbox::{Broken, Dropped, Message, Name, Outbox, Traits, object_of};
pub use outgoing::Outgoing;
pub use refusals::{Refusal, Refusals};
pub use sender::ask;
