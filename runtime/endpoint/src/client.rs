//! The client: one request, sent again where it helps.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::http::{HeaderValue, Response};

use crate::error::EndpointError;
use crate::gate::{Gate, pause};
use crate::message::{Reply, Request};
use crate::read::{reply, words};
use crate::retry::{backoff, retry_after};
use crate::settings::Settings;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(30);

/// Asks the models of one endpoint; shared by the threads that ask.
pub struct Client {
    agent: Agent,
    settings: Settings,
    gate: Gate,
    /// Requests begun: what tells their waits apart.
    turns: AtomicU64,
}

/// An answer, and how often the request was sent for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub reply: Reply,
    /// Requests that were sent.
    pub requests: u32,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client with these settings; nothing is sent yet.
    pub fn new(settings: Settings) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .timeout_connect(Some(CONNECT.min(settings.timeout)))
            .http_status_as_error(false)
            // The key goes to the endpoint alone.
            .max_redirects(0)
            .user_agent(concat!("vpc/", env!("CARGO_PKG_VERSION")));
        let config = if is_here(&settings.url) {
            config.proxy(None)
        } else {
            config
        };
        Self {
            agent: config.build().into(),
            gate: Gate::new(settings.in_flight, settings.requests_per_minute),
            settings,
            turns: AtomicU64::new(0),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks, and asks again after a wait where the endpoint is busy, fails, is silent for too long or
    /// breaks off.
    ///
    /// `key` is read for each try and not kept. Waits end where `stop` says so; a request that is under
    /// way is waited for, since its answer is paid for.
    ///
    /// # Errors
    /// [`EndpointError`]: refusals at once, what may pass as [`EndpointError::GaveUp`].
    pub fn ask(
        &self,
        request: &Request,
        key: &dyn Fn() -> Option<String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Answered, EndpointError> {
        let body = serde_json::to_vec(request).map_err(EndpointError::Unwritten)?;
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let mut failed = 0;
        loop {
            let pass = self.gate.enter(stop)?;
            let tried = self.send(&body, key);
            drop(pass);
            let error = match tried {
                Ok(reply) => {
                    return Ok(Answered {
                        reply,
                        requests: failed + 1,
                    });
                }
                Err(error) if error.is_passing() => error,
                Err(error) => return Err(error),
            };
            if failed + 1 >= self.settings.tries {
                return Err(EndpointError::GaveUp {
                    tries: failed + 1,
                    last: Box::new(error),
                });
            }
            self.wait(&error, failed, turn, stop)?;
            failed += 1;
        }
    }

    /// Waits as long as the endpoint asks for, and no shorter than it makes sense to.
    fn wait(
        &self,
        error: &EndpointError,
        failed: u32,
        turn: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), EndpointError> {
        let own = backoff(self.settings.first_wait, failed, turn);
        let most = self.settings.longest_wait;
        let EndpointError::Busy {
            wait: Some(wait), ..
        } = *error
        else {
            return pause(own.min(most), stop);
        };
        if wait > most {
            return Err(EndpointError::Wait { wait, most });
        }
        // It is asked of all.
        self.gate.hold(wait);
        pause(wait.max(own.min(most)), stop)
    }

    /// Sends a request once.
    fn send(&self, body: &[u8], key: &dyn Fn() -> Option<String>) -> Result<Reply, EndpointError> {
        let key = key().map(|key| key.trim().to_owned());
        let key = key.filter(|key| !key.is_empty());
        let url = format!("{}/chat/completions", self.settings.url);
        let mut request = self
            .agent
            .post(url)
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(key) = &key {
            let bearer = HeaderValue::from_str(&format!("Bearer {key}"));
            let mut bearer = bearer.map_err(|_| EndpointError::KeyCharacters)?;
            bearer.set_sensitive(true);
            request = request.header("authorization", bearer);
        }
        let sent = request.send(body);
        let mut response = sent.map_err(|error| self.failure(&error))?;
        let status = response.status().as_u16();
        let wait = asked_wait(&response);
        let limited = response.body_mut().with_config();
        let read = limited.limit(self.settings.most_bytes).read_to_vec();
        let read = read.map_err(|error| self.failure(&error));
        let said = |read: Result<Vec<u8>, _>| words(&read.unwrap_or_default(), key.as_deref());
        match status {
            200..=299 => reply(status, &read?, key.as_deref()),
            300..=399 => Err(EndpointError::Redirect { status }),
            401 if key.is_some() => Err(EndpointError::Key),
            401 => Err(EndpointError::NoKey),
            429 | 500..=599 => Err(EndpointError::Busy {
                status,
                said: said(read),
                wait,
            }),
            _ => Err(EndpointError::Refused {
                status,
                said: said(read),
            }),
        }
    }

    fn failure(&self, error: &ureq::Error) -> EndpointError {
        let timeout = || EndpointError::Timeout(self.settings.timeout);
        match error {
            ureq::Error::Timeout(_) => timeout(),
            ureq::Error::Io(own) if own.kind() == std::io::ErrorKind::TimedOut => timeout(),
            ureq::Error::BodyExceedsLimit(most) => EndpointError::TooLarge { most: *most },
            other => EndpointError::Connection(other.to_string()),
        }
    }
}

/// What the header `Retry-After` of a response asks for.
fn asked_wait<B>(response: &Response<B>) -> Option<Duration> {
    let value = response.headers().get("retry-after")?;
    retry_after(value.to_str().ok()?, SystemTime::now())
}

/// Whether an endpoint is on this machine, where no proxy leads.
fn is_here(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    let host = host.split('/').next().unwrap_or_default();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| {
        host == *own
            || host
                .strip_prefix(own)
                .is_some_and(|rest| rest.starts_with(':'))
    })
}
