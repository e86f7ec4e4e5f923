//! How long to wait before a request is sent again.

use std::time::{Duration, SystemTime};

/// The longest wait that comes of doubling.
const LONGEST: Duration = Duration::from_mins(1);

/// Shares of a wait, spread evenly (van der Corput's sequence in base 2): so that those who failed
/// together do not come back together, and no chance is needed.
const SPREAD: [f64; 16] = [
    0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875, 0.0625, 0.5625, 0.3125, 0.8125, 0.1875, 0.6875,
    0.4375, 0.9375, 0.0,
];

/// The wait after a try: `first` · 2^`failed`, at most a minute, times a half to one and a half. `turn`
/// tells requests apart; `failed` counts the tries before the one that just failed.
pub(crate) fn backoff(first: Duration, failed: u32, turn: u64) -> Duration {
    let doubled = first.saturating_mul(1 << failed.min(16)).min(LONGEST);
    let at = turn.wrapping_add(failed.into()) % SPREAD.len() as u64;
    let share = SPREAD.get(at as usize).copied().unwrap_or(0.5);
    doubled.mul_f64(0.5 + share)
}

/// What `Retry-After` asks for: seconds, or the time until a date (RFC 9110, section 10.2.3). None for
/// anything else.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_are_spread() {
        let second = Duration::from_secs(1);
        for (failed, doubled) in [(0, 1), (1, 2), (5, 32), (6, 60), (40, 60)] {
            for turn in 0..40 {
                let wait = backoff(second, failed, turn);
                let doubled = second * doubled;
                assert!(wait >= doubled / 2 && wait < doubled * 3 / 2, "{wait:?}");
                assert_eq!(wait, backoff(second, failed, turn));
            }
        }
        assert_ne!(backoff(second, 0, 0), backoff(second, 0, 1));
        let _ = backoff(second, 3, u64::MAX);
    }

    #[test]
    fn seconds_and_dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        let after = |value| retry_after(value, now).map(|wait| wait.as_secs_f64());
        assert_eq!(after("7"), Some(7.0));
        assert_eq!(after(" 0.5 "), Some(0.5));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7.0));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:20 GMT"), Some(0.0));
        for none in ["", "-1", "soon", "inf", "NaN", "1e300"] {
            assert_eq!(after(none), None, "{none}");
        }
    }
}
