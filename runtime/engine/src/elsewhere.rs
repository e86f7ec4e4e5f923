//! Models elsewhere: the endpoint that the environment names.

use std::env;
use std::sync::OnceLock;

use vpc_endpoint::{Client, Settings, SettingsError, variables};

/// The endpoint of a run. All its jobs share one client, and with it the limits on requests.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere(OnceLock<Client>);

impl Elsewhere {
    /// Returns the client; one is made when it is first asked for.
    pub(crate) fn client(&self) -> Result<&Client, SettingsError> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let settings = settings()?;
        Ok(self.0.get_or_init(|| Client::new(settings)))
    }
}

/// Where the endpoint is, and how it may be asked.
pub(crate) fn settings() -> Result<Settings, SettingsError> {
    Settings::read(|name| env::var(name).ok())
}

/// Reads the key, for one request; it is kept nowhere.
pub(crate) fn key() -> Option<String> {
    env::var(variables::KEY).ok()
}
