//! Devices that one can have a pool of, and what is assumed of them.

use serde::Serialize;

/// A kind of device.
///
/// Peaks and bandwidths are those of the vendor's data sheets, of the SXM form, without sparsity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Device {
    /// Its name on the command line.
    pub name: &'static str,
    /// Dense bfloat16 operations per second.
    pub peak: f64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of memory read per second.
    pub bandwidth: f64,
    /// Assumed share of the peak that training reaches: model FLOPs, attention included.
    pub utilisation: f64,
    /// Where the assumption comes from.
    pub source: &'static str,
}

/// llm-foundry's row for 7B at 2,048 tokens on 128 devices.
const A100: &str = "llm-foundry: MPT-7B, 2,048 tokens, 128 A100 of 40 GB, 50.1 %";

/// The same table's rows at 2,048 tokens on 64 devices of 1B, 3B and 13B; and Llama 3's report.
const H100: &str = "llm-foundry: 1B to 13B, 2,048 tokens, 64 H100, 39.9 to 40.9 %; \
                    Llama 3 405B, 38 to 43 %";

/// All devices that are known.
pub const DEVICES: [Device; 4] = [
    Device {
        name: "a100",
        peak: 312e12,
        memory: 80 * GB,
        bandwidth: 2.039e12,
        utilisation: 0.50,
        source: A100,
    },
    Device {
        name: "a100_40gb",
        peak: 312e12,
        memory: 40 * GB,
        bandwidth: 1.555e12,
        utilisation: 0.50,
        source: A100,
    },
    Device {
        name: "h100",
        peak: 989e12,
        memory: 80 * GB,
        bandwidth: 3.35e12,
        utilisation: 0.40,
        source: H100,
    },
    Device {
        name: "h200",
        peak: 989e12,
        memory: 141 * GB,
        bandwidth: 4.8e12,
        utilisation: 0.40,
        source: "as H100, whose processor it has; its larger memory may allow more",
    },
];

const GB: u64 = 1_000_000_000;

/// The device on which GPU-hours are counted where nothing else is said: the paper's.
pub const DEFAULT: &Device = &DEVICES[0];

impl Device {
    /// Finds a device by name, whatever the case.
    pub fn named(name: &str) -> Option<&'static Self> {
        DEVICES
            .iter()
            .find(|device| device.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Device::named("A100"), Some(DEFAULT));
        assert_eq!(Device::named("tpu"), None);
        assert!(
            DEVICES
                .iter()
                .all(|device| Device::named(device.name) == Some(device))
        );
    }

    #[test]
    fn assumptions_are_shares_with_a_source() {
        for device in DEVICES {
            assert!((0.1..0.7).contains(&device.utilisation) && !device.source.is_empty());
        }
    }
}
