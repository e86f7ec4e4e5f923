//! Where an endpoint is, and how it may be asked.

use std::time::Duration;

use crate::prices::Prices;

/// The names of what is set outside a study.
pub mod variables {
    /// The base URL of the service, up to and without `/chat/completions`.
    pub const URL: &str = "VPC_ENDPOINT_URL";
    /// The key, sent as a bearer token.
    pub const KEY: &str = "VPC_ENDPOINT_KEY";
    /// The price of a million tokens of prompts.
    pub const PRICE_IN: &str = "VPC_ENDPOINT_PRICE_IN";
    /// The price of a million tokens of answers.
    pub const PRICE_OUT: &str = "VPC_ENDPOINT_PRICE_OUT";
    /// Most requests in a minute.
    pub const RATE: &str = "VPC_ENDPOINT_RATE";
    /// Most requests under way at a time.
    pub const IN_FLIGHT: &str = "VPC_ENDPOINT_IN_FLIGHT";
    /// Seconds until a request is given up.
    pub const TIMEOUT: &str = "VPC_ENDPOINT_TIMEOUT";
}

/// Where an endpoint is, and how it may be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The base URL, without a slash at its end.
    pub url: String,
    /// Most requests in a minute; none for no limit.
    pub requests_per_minute: Option<u32>,
    /// Most requests under way at a time.
    pub in_flight: usize,
    /// Time until a request is given up, from the connection to the last byte.
    pub timeout: Duration,
    /// Most bytes of a response.
    pub most_bytes: u64,
    /// How often one request is sent before it is given up.
    pub tries: u32,
    /// The wait after the first try that failed; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait between two tries, asked for by the endpoint or not.
    pub longest_wait: Duration,
    /// What tokens cost, where that was said.
    pub prices: Option<Prices>,
}

/// Settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Nothing says where the endpoint is.
    #[error(
        "`VPC_ENDPOINT_URL` is not set: set it to the base URL of an OpenAI-compatible service, such as \
         `https://api.openai.com/v1` or `http://localhost:8000/v1`"
    )]
    NoUrl,
    /// The URL cannot be a base.
    #[error(
        "`VPC_ENDPOINT_URL` {why}: set it to the base URL of an OpenAI-compatible service, such as \
         `https://api.openai.com/v1`"
    )]
    Url {
        /// What it is, as what follows its name; never the URL, which may hold a password.
        why: &'static str,
    },
    /// A number is none, or none that helps.
    #[error("`{name}` is `{text}`: write {instead}")]
    Number {
        /// The variable.
        name: &'static str,
        /// What it holds.
        text: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// One price without the other.
    #[error("`{set}` is set and `{unset}` is not: set both or neither")]
    OnePrice {
        /// The variable that is set.
        set: &'static str,
        /// The one that is not.
        unset: &'static str,
    },
}

impl Settings {
    /// The settings for a base URL, as they are where nothing else was said.
    ///
    /// # Errors
    /// [`SettingsError::Url`] for what is no base URL.
    pub fn new(url: &str) -> Result<Self, SettingsError> {
        let wrong = |why| SettingsError::Url { why };
        let url = url.trim().trim_end_matches('/');
        let after = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let after = after.ok_or_else(|| wrong("begins with neither `https://` nor `http://`"))?;
        let host = after.split('/').next().unwrap_or_default();
        if host.is_empty() || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong("names no host"));
        }
        if host.contains('@') {
            return Err(wrong(
                "holds a name or a password, which belongs into `VPC_ENDPOINT_KEY`",
            ));
        }
        if url.contains(['?', '#']) {
            return Err(wrong(
                "has a query or a fragment, and nothing can follow it",
            ));
        }
        if url.ends_with("/chat/completions") {
            return Err(wrong("ends in `/chat/completions`, which is added to it"));
        }
        Ok(Self {
            url: url.to_owned(),
            requests_per_minute: None,
            in_flight: 8,
            timeout: Duration::from_mins(5),
            most_bytes: 4 << 20,
            tries: 7,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(10),
            prices: None,
        })
    }

    /// The settings that variables give, looked up by name. A variable that is empty is not set.
    ///
    /// # Errors
    /// [`SettingsError`] says which variable cannot be used, and what to write.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let set = |name: &'static str| variable(name).filter(|text| !text.trim().is_empty());
        let mut settings = Self::new(&set(variables::URL).ok_or(SettingsError::NoUrl)?)?;
        let whole = |name, instead| {
            let text = set(name);
            text.map(|text| match text.trim().parse::<u32>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(SettingsError::Number {
                    name,
                    text,
                    instead,
                }),
            })
            .transpose()
        };
        settings.requests_per_minute =
            whole(variables::RATE, "requests in a minute, such as `60`")?;
        if let Some(most) = whole(variables::IN_FLIGHT, "requests at a time, such as `8`")? {
            settings.in_flight = most.min(MOST_IN_FLIGHT) as usize;
        }
        if let Some(seconds) = whole(variables::TIMEOUT, "seconds, such as `300`")? {
            settings.timeout = Duration::from_secs(seconds.into());
        }
        settings.prices = Prices::read(set)?;
        Ok(settings)
    }
}

/// Most requests under way at a time, whatever was asked for: each has a thread.
const MOST_IN_FLIGHT: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let find = |name: &str| {
            let found = set.iter().find(|one| one.0 == name);
            found.map(|one| one.1.to_owned())
        };
        Settings::read(find).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_are_read() {
        let settings = read(&[
            ("VPC_ENDPOINT_URL", " http://localhost:8000/v1/ "),
            ("VPC_ENDPOINT_RATE", "90"),
            ("VPC_ENDPOINT_IN_FLIGHT", "3"),
            ("VPC_ENDPOINT_TIMEOUT", "20"),
            ("VPC_ENDPOINT_PRICE_IN", "0.15"),
            ("VPC_ENDPOINT_PRICE_OUT", "0.60"),
        ])
        .unwrap();
        assert_eq!(settings.url, "http://localhost:8000/v1");
        assert_eq!(settings.requests_per_minute, Some(90));
        assert_eq!(settings.in_flight, 3);
        assert_eq!(settings.timeout, Duration::from_secs(20));
        let cost = settings.prices.unwrap().cost(2_000_000, 500_000);
        assert!((cost - 0.6).abs() < 1e-12);
        let bare = read(&[("VPC_ENDPOINT_URL", "https://api.example/v1")]).unwrap();
        assert_eq!((bare.requests_per_minute, bare.prices), (None, None));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_what_to_write() {
        for (set, said) in [
            (vec![], "`VPC_ENDPOINT_URL` is not set"),
            (vec![("VPC_ENDPOINT_URL", "  ")], "is not set"),
            (vec![("VPC_ENDPOINT_URL", "api.openai.com")], "`https://`"),
            (vec![("VPC_ENDPOINT_URL", "https:///v1")], "names no host"),
            (
                vec![("VPC_ENDPOINT_URL", "https://me:secret@h/v1")],
                "a password",
            ),
            (vec![("VPC_ENDPOINT_URL", "https://h/v1?a=b")], "a query"),
            (
                vec![("VPC_ENDPOINT_URL", "https://h/v1/chat/completions")],
                "is added to it",
            ),
            (
                vec![("VPC_ENDPOINT_URL", "http://h"), ("VPC_ENDPOINT_RATE", "0")],
                "`VPC_ENDPOINT_RATE` is `0`: write requests in a minute",
            ),
            (
                vec![
                    ("VPC_ENDPOINT_URL", "http://h"),
                    ("VPC_ENDPOINT_PRICE_IN", "1"),
                ],
                "`VPC_ENDPOINT_PRICE_OUT` is not",
            ),
            (
                vec![
                    ("VPC_ENDPOINT_URL", "http://h"),
                    ("VPC_ENDPOINT_PRICE_IN", "-1"),
                    ("VPC_ENDPOINT_PRICE_OUT", "1"),
                ],
                "price of a million tokens",
            ),
        ] {
            let error = read(&set).unwrap_err();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
