//! Work that many jobs have in common, with its canonical form.

use std::rc::Rc;

use super::{Key, Record, Task};

/// A task with the beginning of its jobs' canonical form: all of it but their inputs.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(super) task: Task,
    beginning: Rc<[u8]>,
}

impl From<Task> for Work {
    fn from(task: Task) -> Self {
        let beginning = task.record().beginning(task.kind(), task.version());
        Self {
            task,
            beginning: beginning.into(),
        }
    }
}

impl Work {
    /// Returns the key of a job with these inputs; the bytes are room to write in.
    pub(super) fn key(
        &self,
        bytes: &mut Vec<u8>,
        inputs: &[(&str, Key)],
        build: Option<&str>,
    ) -> Key {
        bytes.clear();
        bytes.extend_from_slice(&self.beginning);
        Record::finish(bytes, build, inputs)
    }
}
