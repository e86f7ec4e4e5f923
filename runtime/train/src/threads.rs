//! A pool of exactly as many threads as a job was given.

use thiserror::Error;

/// Why no pool could be had.
#[derive(Debug, Error)]
pub enum ThreadsError {
    /// A pool needs a thread.
    #[error("0 threads asked for; give at least 1")]
    Zero,
    /// The operating system refused.
    #[error("{threads} threads could not be started")]
    Start {
        /// How many were asked for.
        threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
}

/// Runs `f` on a pool of `threads` threads, which every kernel called inside then uses.
///
/// Results are the same bits for any `threads`. Pools are independent: several may run side by side.
pub fn with_threads<R: Send>(
    threads: usize,
    f: impl FnOnce() -> R + Send,
) -> Result<R, ThreadsError> {
    if threads == 0 {
        return Err(ThreadsError::Zero);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("train-{i}"))
        .build()
        .map_err(|source| ThreadsError::Start { threads, source })?;
    Ok(pool.install(f))
}
