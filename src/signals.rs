//! Ctrl-C and its kin: the first asks for a stop, the second ends the process.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::signal::SIGXFSZ;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use vpc_engine::Stop;

/// Remembers which signal came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Lets signals ask for a stop.
    pub(crate) fn watch(stop: &Stop) -> io::Result<Self> {
        let signals = Self::default();
        let ignored = ignored();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // `nohup vpc run …` goes on when its terminal closes.
            if ignored & (1 << (signal - 1)) != 0 {
                continue;
            }
            // Registered first, so that it acts on the second signal only.
            flag::register_conditional_shutdown(signal, 128 + signal, stop.flag())?;
            flag::register(signal, stop.flag())?;
            flag::register_usize(signal, Arc::clone(&signals.0), signal as usize)?;
        }
        // A file that grows over the limit is then an error of its write, and told as such.
        flag::register(SIGXFSZ, Arc::default())?;
        Ok(signals)
    }

    /// Returns the number of the last signal that came.
    pub(crate) fn last(&self) -> Option<u8> {
        u8::try_from(self.0.load(Ordering::SeqCst))
            .ok()
            .filter(|&signal| signal != 0)
    }
}

/// The signals that whoever started this process told it to ignore, one bit each; none where the
/// system does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok())
        .unwrap_or(0)
}
