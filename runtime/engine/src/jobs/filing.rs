//! Filing the state of a training beside it: what is filed is a copy in memory, so that the
//! training waits neither for the disk nor for digests.

use std::io::Write;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use vpc_compiler::plan::PretrainTask;
use vpc_store::{ArtifactWriter, Attempt, StoreError};
use vpc_train::{Model, Trainer};

use super::curve::Curve;
use super::{CONFIG, CURVE, MODEL, OPTIMIZER, model_config};
use crate::error::JobError;

/// The files of a training after one of its steps. Nothing that the trainer does later changes it.
pub(super) struct Snapshot {
    model: Vec<u8>,
    optimizer: Vec<u8>,
    curve: Vec<u8>,
    config: String,
}

impl Snapshot {
    /// Bytes per parameter: a weight and two moments, 4 each.
    const BYTES_PER_PARAMETER: u64 = 12;

    /// Returns how many bytes the snapshot of a training has, but for its curve.
    pub(super) fn bytes(task: &PretrainTask) -> u64 {
        let parameters = task.model.parameters();
        parameters.saturating_mul(Self::BYTES_PER_PARAMETER)
    }

    /// Copies the state of a training.
    pub(super) fn of(
        trainer: &Trainer,
        curve: &Curve,
        task: &PretrainTask,
    ) -> Result<Self, JobError> {
        Ok(Self {
            model: trainer.model().encode()?,
            optimizer: trainer.encode_optimizer()?,
            curve: curve.bytes().to_vec(),
            config: Model::config_json(&model_config(&task.model)),
        })
    }

    /// Writes the files, each durable when this returns; returns the processor time that another
    /// thread took for it.
    ///
    /// The weights are written and synced beside the moments: the disk is the slowest of all, and
    /// has something to write from the beginning. Where the system gives no thread, they come last.
    pub(super) fn write(&self, attempt: &mut Attempt) -> Result<Duration, JobError> {
        let mut weights = Some(attempt.create(MODEL)?);
        let took = thread::scope(|scope| {
            let handed = &mut weights;
            let beside = move || {
                let written = handed.take().map(|file| whole(file, &self.model));
                written.transpose().map(|_| processor_time())
            };
            let thread = thread::Builder::new().name("filing-weights".to_owned());
            let beside = thread.spawn_scoped(scope, beside);
            attempt.write(OPTIMIZER, &self.optimizer)?;
            attempt.write(CURVE, &self.curve)?;
            attempt.write(CONFIG, self.config.as_bytes())?;
            beside.map_or(Ok(Duration::ZERO), |beside| {
                beside.join().unwrap_or_else(|panic| resume_unwind(panic))
            })
        })?;
        if let Some(file) = weights {
            whole(file, &self.model)?;
        }
        Ok(took)
    }
}

/// Writes a whole file and makes it durable.
fn whole(mut file: ArtifactWriter, bytes: &[u8]) -> Result<(), StoreError> {
    file.write_all(bytes).map_err(StoreError::of_write)?;
    file.finish().map(drop)
}

/// What is being filed beside a training: one thing at a time.
///
/// Dropping waits for it to end, so that a job's lock is held for as long as its files are written.
#[derive(Default)]
pub(super) struct Aside(Option<JoinHandle<Result<Duration, JobError>>>);

impl Aside {
    /// Begins to file something on a thread of its own; to be called where nothing is under way.
    ///
    /// `file` returns the processor time that further threads took for it. Where the system gives
    /// no thread, it is done before this returns, and nothing is under way then.
    pub(super) fn begin(
        &mut self,
        file: impl FnOnce() -> Result<Duration, JobError> + Send + 'static,
    ) -> Result<(), JobError> {
        debug_assert!(self.0.is_none(), "one thing at a time");
        let thread = thread::Builder::new().name("filing".to_owned());
        // A thread that cannot be had takes what it was to do with it: so there is a second hold.
        let file = Arc::new(Mutex::new(Some(file)));
        let handed = Arc::clone(&file);
        let work = move || {
            let others = taken(&handed).map_or(Ok(Duration::ZERO), |file| file());
            others.map(|others| others + processor_time())
        };
        self.0 = thread.spawn(work).ok();
        match self.0 {
            Some(_) => Ok(()),
            None => taken(&file).map_or(Ok(()), |file| file().map(drop)),
        }
    }

    /// Whether something is under way or waits for [`Aside::end`].
    pub(super) fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// Whether [`Aside::end`] would return at once.
    pub(super) fn is_ended(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for what is under way; returns the processor time that it took.
    pub(super) fn end(&mut self) -> Result<Duration, JobError> {
        let Some(thread) = self.0.take() else {
            return Ok(Duration::ZERO);
        };
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // The training has failed already, and says why.
            _ = thread.join();
        }
    }
}

fn taken<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The processor time of the thread that asks, from its beginning.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_filed_aside_ends_and_tells_its_time() {
        let mut aside = Aside::default();
        assert!(aside.is_ended() && !aside.is_busy());
        assert_eq!(aside.end().unwrap(), Duration::ZERO);
        let (go, waits) = mpsc::channel();
        let work = move || {
            waits.recv().unwrap();
            while processor_time() < Duration::from_millis(20) {}
            Ok(Duration::from_secs(1))
        };
        aside.begin(work).unwrap();
        assert!(aside.is_busy() && !aside.is_ended());
        go.send(()).unwrap();
        // Of this thread, and of those that it speaks for.
        assert!(aside.end().unwrap() >= Duration::from_millis(1020));
        assert!(!aside.is_busy());
    }

    #[test]
    fn failures_come_back_at_the_end() {
        let mut aside = Aside::default();
        aside.begin(|| Err(JobError::Stopped)).unwrap();
        assert!(matches!(aside.end(), Err(JobError::Stopped)));
        assert!(aside.end().is_ok());
    }

    #[test]
    fn dropping_waits() {
        let ended = Arc::new(AtomicBool::new(false));
        let mut aside = Aside::default();
        let flag = Arc::clone(&ended);
        let work = move || {
            thread::sleep(Duration::from_millis(50));
            flag.store(true, Ordering::SeqCst);
            Ok(Duration::from_secs(1))
        };
        aside.begin(work).unwrap();
        drop(aside);
        assert!(ended.load(Ordering::SeqCst));
    }
}
