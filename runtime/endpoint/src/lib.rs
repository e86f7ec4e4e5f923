//! Asks models behind OpenAI-compatible chat-completions endpoints: within limits, again where it
//! helps, and with errors that say what to do.
//!
//! A [`Client`] is made of [`Settings`] and is shared by the threads that [`ask`](Client::ask). The
//! key is no setting: the caller reads it for each try, and nothing here keeps or shows it.

mod client;
mod error;
mod gate;
mod message;
mod prices;
mod read;
mod retry;
mod settings;

pub use client::{Answered, Client};
pub use error::EndpointError;
pub use message::{Finish, Message, Part, Reply, Request, Role};
pub use prices::Prices;
pub use settings::{Settings, SettingsError, variables};
