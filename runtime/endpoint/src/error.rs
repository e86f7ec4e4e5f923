//! Why a model elsewhere did not answer.

use std::time::Duration;

use crate::settings::SettingsError;

/// A request that came to nothing; no message holds the key.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The key was sent and is not accepted.
    #[error("the key in `VPC_ENDPOINT_KEY` is not accepted")]
    Key,
    /// No key was sent and one is wanted.
    #[error("the endpoint wants a key, and `VPC_ENDPOINT_KEY` is not set: set it to your key")]
    NoKey,
    /// The key cannot be sent.
    #[error("the key in `VPC_ENDPOINT_KEY` has characters that no key can have: set it again")]
    KeyCharacters,
    /// The endpoint refuses the request.
    #[error("the endpoint refuses the request (status {status}): {said}")]
    Refused {
        /// The status of the response.
        status: u16,
        /// The endpoint's words.
        said: String,
    },
    /// The endpoint sends requests elsewhere, where the key is not sent.
    #[error(
        "the endpoint redirects (status {status}), which is not followed: set `VPC_ENDPOINT_URL` to where \
         the service is"
    )]
    Redirect {
        /// The status of the response.
        status: u16,
    },
    /// The endpoint has too much to do, or failed.
    #[error("the endpoint cannot answer now (status {status}): {said}")]
    Busy {
        /// The status of the response.
        status: u16,
        /// The endpoint's words.
        said: String,
        /// For how long it asks to be left alone.
        wait: Option<Duration>,
    },
    /// The endpoint asks for a wait that is too long.
    #[error(
        "the endpoint asks to wait {} s, and at most {} s are waited: run again later", wait.as_secs(),
        most.as_secs()
    )]
    Wait {
        /// What it asks for.
        wait: Duration,
        /// The longest wait.
        most: Duration,
    },
    /// No answer came in time.
    #[error(
        "no answer came within {} s: set `VPC_ENDPOINT_TIMEOUT` to more seconds, or try a faster model",
        .0.as_secs_f64()
    )]
    Timeout(Duration),
    /// There was no connection, or it broke.
    #[error("the connection to the endpoint failed: {0}")]
    Connection(String),
    /// The response is too large.
    #[error("the response is larger than {most} bytes, which no answer is: is this the endpoint?")]
    TooLarge {
        /// The limit.
        most: u64,
    },
    /// The response is a web page.
    #[error(
        "the endpoint sent a web page and no JSON: set `VPC_ENDPOINT_URL` to the base URL of the service, \
         which mostly ends in `/v1`"
    )]
    WebPage,
    /// The response ends in the middle.
    #[error("the response ends in the middle of its JSON")]
    Truncated,
    /// The response is no answer.
    #[error("the response is no chat completion: {0}")]
    NoAnswer(String),
    /// The response has an empty list of answers.
    #[error("the response has no answer in it: its `choices` are empty")]
    NoChoices,
    /// It was tried often enough.
    #[error("after {tries} tries: {last}")]
    GaveUp {
        /// How often.
        tries: u32,
        /// Why the last one failed.
        last: Box<Self>,
    },
    /// A request cannot be written.
    #[error("the request cannot be written as JSON: {0}")]
    Unwritten(serde_json::Error),
    /// The caller wants to stop.
    #[error("stopped")]
    Stopped,
}

impl EndpointError {
    /// Whether the same request may be answered a little later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Timeout(_) | Self::Connection(_) | Self::Truncated
        )
    }
}
