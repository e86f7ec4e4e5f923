//! How many threads a job gets beside others that are ready.

/// Threads for the next of the ready jobs, of `free` ones: its part of all ready work, in FLOPs, rounded
/// down, such that each other that finds a place has one as well.
///
/// As long as there are more ready jobs than threads, each runs on one: that beats one job after the other
/// on all of them. Where there are fewer, a large model beside small ones gets what they would waste.
/// Results are the same bits whatever is chosen.
pub fn threads_for(free: u64, work: f64, ready: impl IntoIterator<Item = f64>) -> u64 {
    let (count, all) = ready
        .into_iter()
        .fold((0_u64, 0.0), |(count, all), work| (count + 1, all + work));
    let others = count.saturating_sub(1);
    let most = free.saturating_sub(others).max(1);
    let part = if all > 0.0 {
        (free as f64 * work / all) as u64
    } else {
        free / count.max(1)
    };
    part.clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_follow_the_work_and_leave_none_without() {
        let first = |free, ready: &[f64]| threads_for(free, ready[0], ready.iter().copied());
        assert_eq!(first(8, &[5.0]), 8);
        assert_eq!(first(8, &[1.0; 8]), 1);
        assert_eq!(first(8, &[1.0; 40]), 1);
        assert_eq!(first(8, &[1.0; 2]), 4);
        assert_eq!(first(8, &[3.0, 1.0]), 6);
        assert_eq!(first(8, &[1000.0, 1.0, 1.0]), 6);
        assert_eq!(first(8, &[1.0, 1000.0]), 1);
        assert_eq!(first(2, &[1000.0, 1.0]), 1);
        assert_eq!(first(1, &[1.0, 1.0]), 1);
        // Text has no FLOPs.
        assert_eq!(first(8, &[0.0, 0.0]), 4);
        assert_eq!(first(8, &[0.0, 9.0]), 1);
        assert_eq!(first(8, &[0.0]), 8);
    }
}
