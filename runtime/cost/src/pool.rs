//! A pool of devices, as `128xa100` says it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::device::{DEVICES, Device};

/// So many devices of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pool {
    /// How many there are; at least 1.
    pub count: u64,
    /// What each is.
    pub device: Device,
    /// Whether the utilisation was told, instead of assumed.
    pub is_told: bool,
}

/// Why a text is no pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPool {
    /// The device has no row in the table.
    #[error("no device is called `{0}`; there are {known}", known = known())]
    Unknown(String),
    /// The number before the `x`.
    #[error("`{0}` is no number of devices: write `128xa100`, or `h100` for one")]
    Count(String),
}

/// Most devices that a pool may have.
pub(crate) const MOST: u64 = 1_000_000;

impl FromStr for Pool {
    type Err = NotAPool;

    fn from_str(text: &str) -> Result<Self, NotAPool> {
        let text = text.trim();
        let known = |name: &str| {
            let name = name.trim();
            Device::named(name).ok_or_else(|| NotAPool::Unknown(name.to_owned()))
        };
        let (count, device) = match text.split_once(['x', 'X', '×']) {
            Some((count, name)) => {
                let digits = count.trim().replace('_', "");
                let number = digits.parse().ok();
                let number = number.filter(|number| (1..=MOST).contains(number));
                let number = number.ok_or_else(|| NotAPool::Count(count.trim().to_owned()))?;
                (number, known(name)?)
            }
            None => (1, known(text)?),
        };
        Ok(Self::of(count, *device))
    }
}

impl Pool {
    /// So many of a device, as it is assumed to be.
    pub const fn of(count: u64, device: Device) -> Self {
        Self {
            count,
            device,
            is_told: false,
        }
    }

    /// The same pool with another share of the peak.
    #[must_use]
    pub fn at(mut self, utilisation: f64) -> Self {
        self.device.utilisation = utilisation;
        self.is_told = true;
        self
    }

    /// What is assumed, in words.
    pub fn assumption(&self) -> String {
        let Device {
            name,
            peak,
            utilisation,
            source,
            ..
        } = self.device;
        let source = if self.is_told { "as told" } else { source };
        format!(
            "{name}: {:.0} TFLOP/s dense bf16 at {:.0} % utilisation ({source})",
            peak / 1e12,
            100.0 * utilisation
        )
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.count, self.device.name)
    }
}

fn known() -> String {
    let names: Vec<String> = DEVICES
        .iter()
        .map(|one| format!("`{}`", one.name))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_read() {
        let pool = |text: &str| text.parse::<Pool>();
        assert_eq!(pool("128xa100").unwrap().to_string(), "128 × a100");
        assert_eq!(pool(" 1_024 x H100 ").unwrap().count, 1024);
        assert_eq!(pool("h200").unwrap().count, 1);
        assert_eq!(pool("0xa100"), Err(NotAPool::Count("0".to_owned())));
        assert_eq!(pool("-1xa100"), Err(NotAPool::Count("-1".to_owned())));
        assert!(matches!(pool("8xb9000"), Err(NotAPool::Unknown(_))));
        assert!(pool("").unwrap_err().to_string().contains("`a100`"));
    }

    #[test]
    fn a_told_utilisation_is_said_to_be_told() {
        let pool: Pool = "8xh100".parse().unwrap();
        assert!(pool.assumption().contains("989 TFLOP/s dense bf16 at 40 %"));
        assert!(
            pool.at(0.55)
                .assumption()
                .ends_with("55 % utilisation (as told)")
        );
    }
}
