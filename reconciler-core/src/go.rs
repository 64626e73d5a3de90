//! How Go writes and reads small things that users see or write.

mod float;
mod glob;
mod regexp;
pub mod template;

pub use crate::quote::quote;
pub use float::parse_float;
pub(crate) use glob::{BadPattern, char_width, matches};
pub use regexp::{RegexpError, compile, expand};
