//! Work for several devices at once.

use std::panic::resume_unwind;
use std::thread::{Builder, ScopedJoinHandle, scope};

use crate::DeviceError;

/// Does `work` for each, side by side, each in a thread of its own, and waits for all of them.
///
/// Gives what they gave, in order, or the error of the first that failed. What ends one thread in a panic
/// ends the caller's.
pub(super) fn together<A, T>(
    each: impl IntoIterator<Item = A>,
    work: impl Fn(usize, A) -> Result<T, DeviceError> + Sync,
) -> Result<Vec<T>, DeviceError>
where
    A: Send,
    T: Send,
{
    let work = &work;
    let ends: Vec<Result<T, DeviceError>> = scope(|scope| {
        let threads: Vec<_> = each
            .into_iter()
            .enumerate()
            .map(|(rank, one)| {
                Builder::new()
                    .name(format!("rank {rank}"))
                    .spawn_scoped(scope, move || work(rank, one))
            })
            .collect();
        threads.into_iter().map(|thread| end(thread)).collect()
    });
    ends.into_iter().collect()
}

fn end<T>(
    thread: std::io::Result<ScopedJoinHandle<'_, Result<T, DeviceError>>>,
) -> Result<T, DeviceError> {
    let thread = thread.map_err(|error| DeviceError::Call {
        library: "host",
        doing: "start a thread",
        problem: error.to_string(),
    })?;
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn all_work_at_once_and_answer_in_order() {
        // Each waits for the others: one after the other, they would never end.
        let barrier = Barrier::new(3);
        let ends = together([5, 6, 7], |rank, number| {
            barrier.wait();
            Ok((rank, number))
        });
        assert_eq!(ends.expect("no error"), [(0, 5), (1, 6), (2, 7)]);
    }

    #[test]
    fn the_first_error_is_told() {
        let error = together(0..4, |rank, _| {
            if rank % 2 == 0 {
                return Ok(());
            }
            Err(DeviceError::Unsupported(format!("rank {rank}")))
        });
        let error = error.expect_err("two failed").to_string();
        assert!(error.contains("rank 1"), "{error}");
    }
}
