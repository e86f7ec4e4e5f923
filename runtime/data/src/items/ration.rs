//! A reader that gives out so many bytes for one entry of a file, and counts lines.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// What is left for an entry, and the lines that were read.
pub(super) struct Ration {
    most: u64,
    left: Cell<u64>,
    lines: Cell<u64>,
}

impl Ration {
    /// Rations of so many bytes.
    pub(super) fn new(most: u64) -> Rc<Self> {
        Rc::new(Self {
            most,
            left: Cell::new(most),
            lines: Cell::new(1),
        })
    }

    /// Begins an entry.
    pub(super) fn renew(&self) {
        self.left.set(self.most);
    }

    /// Whether an entry took all that it may.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// The line that is being read, from 1.
    pub(super) fn line(&self) -> u64 {
        self.lines.get()
    }
}

/// A reader on rations.
pub(super) struct Rationed<R> {
    pub(super) inner: R,
    pub(super) ration: Rc<Ration>,
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.ration.left.get();
        if left == 0 && !buffer.is_empty() {
            let most = self.ration.most >> 20;
            return Err(io::Error::other(format!(
                "an entry of more than {most} MiB"
            )));
        }
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let (room, _) = buffer.split_at_mut(most);
        let count = self.inner.read(room)?;
        let lines = room.iter().take(count).filter(|byte| **byte == b'\n');
        self.ration
            .lines
            .update(|before| before + lines.count() as u64);
        self.ration.left.set(left - count as u64);
        Ok(count)
    }
}
