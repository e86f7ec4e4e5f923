//! Moments for people.

use jiff::Timestamp;

/// Writes a moment given in milliseconds since 1970: `2026-11-26 00:41:36Z`.
pub(crate) fn moment(at: u64) -> String {
    let moment = i64::try_from(at)
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok());
    moment.map_or_else(
        || "at an unknown time".to_owned(),
        |moment| moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment(0), "1970-01-01 00:00:00Z");
        assert_eq!(moment(1_795_653_696_789), "2026-11-26 00:41:36Z");
        assert_eq!(moment(u64::MAX), "at an unknown time");
    }
}
