//! Runs the inputs on all cores, and watches over the time each takes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::properties::range_digits;

/// What must hold for an input.
type Check = fn(&str) -> Result<(), String>;

/// Longest time for all checks of an input up to 10 kB, some ten passes over it: 100 ms where the
/// code is optimised, more where it is not. Longer ones may take longer in proportion.
const SLOW: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2000 } else { 100 });

/// After this, nothing will come any more.
const HANG: Duration = Duration::from_mins(1);

/// What the workers and the watch share.
struct Shared {
    next: AtomicU64,
    /// What each worker is at, and since when.
    busy: Vec<Mutex<Option<(Instant, String)>>>,
    failure: Mutex<Option<String>>,
}

/// Checks inputs number 0 to `count`; panics with the first that fails.
pub(crate) fn all(
    family: &str,
    count: u64,
    check: Check,
    input: impl Fn(u64) -> String + Send + Sync + 'static,
) {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let shared = Arc::new(Shared {
        next: AtomicU64::new(0),
        busy: (0..workers).map(|_| Mutex::new(None)).collect(),
        failure: Mutex::new(None),
    });
    let input = Arc::new(input);
    // Not scoped: a worker that hangs is left behind when the watch panics.
    let threads: Vec<_> = (0..workers)
        .map(|worker| {
            let (shared, input, family) =
                (Arc::clone(&shared), Arc::clone(&input), family.to_owned());
            std::thread::spawn(move || work(&shared, worker, &family, count, check, &*input))
        })
        .collect();
    while threads.iter().any(|thread| !thread.is_finished()) {
        std::thread::sleep(Duration::from_millis(20));
        for busy in &shared.busy {
            if let Some((since, text)) = &*lock(busy) {
                assert!(since.elapsed() < HANG, "{family}: a hang:\n{text}");
            }
        }
    }
    if let Some(failure) = lock(&shared.failure).take() {
        panic!("{family}: {failure}");
    }
    assert!(
        shared.next.load(Ordering::Relaxed) >= count,
        "not all were run"
    );
}

fn work(
    shared: &Shared,
    worker: usize,
    family: &str,
    count: u64,
    check: Check,
    input: &dyn Fn(u64) -> String,
) {
    // Outlives the process, should it overflow its stack.
    let last = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{family}_{worker}.vp"));
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if number >= count || lock(&shared.failure).is_some() {
            return;
        }
        let text = input(number);
        std::fs::write(&last, &text).unwrap();
        *lock(&shared.busy[worker]) = Some((Instant::now(), text.clone()));
        let outcome = checked(&text, check);
        *lock(&shared.busy[worker]) = None;
        if let Err(what) = outcome {
            let failure = format!("input {number}: {what}\n{text}\nescaped: {text:?}");
            lock(&shared.failure).get_or_insert(failure);
        }
    }
}

/// Checks one input; what is slow three times in a row is slow.
fn checked(text: &str, check: Check) -> Result<(), String> {
    let points = if range_digits(text) > 3 { 50 } else { 1 }; // axes may have thousands
    let size = 1 + text.len() / 10_000;
    let allowed = SLOW * points * size as u32;
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        catch_unwind(AssertUnwindSafe(|| check(text)))
            .map_err(|panic| format!("panicked: {}", said(panic.as_ref())))??;
        fastest = fastest.min(start.elapsed());
        if fastest <= allowed {
            return Ok(());
        }
    }
    Err(format!("took {} ms", fastest.as_millis()))
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
