//! Filing the state of a training beside it: what is filed is a copy in memory, so that the
//! training waits neither for the disk nor for digests.

use std::panic::resume_unwind;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use vpc_compiler::plan::PretrainTask;
use vpc_store::Attempt;
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

    /// Writes the files, each durable when this returns.
    pub(super) fn write(&self, attempt: &mut Attempt) -> Result<(), JobError> {
        let files = [
            (MODEL, &self.model[..]),
            (OPTIMIZER, &self.optimizer),
            (CURVE, &self.curve),
            (CONFIG, self.config.as_bytes()),
        ];
        for (name, bytes) in files {
            attempt.write(name, bytes)?;
        }
        Ok(())
    }
}

/// What is being filed beside a training: one thing at a time.
///
/// Dropping waits for it to end, so that a job's lock is held for as long as its files are written.
#[derive(Default)]
pub(super) struct Aside(Option<JoinHandle<(Result<(), JobError>, Duration)>>);

impl Aside {
    /// Begins to file something on a thread of its own; to be called where nothing is under way.
    pub(super) fn begin(
        &mut self,
        file: impl FnOnce() -> Result<(), JobError> + Send + 'static,
    ) -> Result<(), JobError> {
        debug_assert!(self.0.is_none(), "one thing at a time");
        let thread = thread::Builder::new().name("filing".to_owned());
        let work = move || (file(), processor_time());
        self.0 = Some(thread.spawn(work).map_err(JobError::Worker)?);
        Ok(())
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
        let (filed, took) = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        filed.map(|()| took)
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
    use std::sync::{Arc, mpsc};

    use super::*;

    #[test]
    fn what_is_filed_aside_ends_and_tells_its_time() {
        let mut aside = Aside::default();
        assert!(aside.is_ended() && !aside.is_busy());
        assert_eq!(aside.end().unwrap(), Duration::ZERO);
        let (go, waits) = mpsc::channel();
        let work = move || {
            waits.recv().unwrap();
            let begun = processor_time();
            while processor_time().saturating_sub(begun) < Duration::from_millis(20) {}
            Ok(())
        };
        aside.begin(work).unwrap();
        assert!(aside.is_busy() && !aside.is_ended());
        go.send(()).unwrap();
        assert!(aside.end().unwrap() >= Duration::from_millis(20));
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
            Ok(())
        };
        aside.begin(work).unwrap();
        drop(aside);
        assert!(ended.load(Ordering::SeqCst));
    }
}
