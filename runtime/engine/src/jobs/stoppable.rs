//! Long writing that ends when a stop is asked for.

use std::io::{self, Write};

use crate::options::Stop;

/// Refuses to write on after a stop was asked for; who writes checks the stop before the error.
pub(super) struct Stoppable<'a, W> {
    out: &'a mut W,
    stop: &'a Stop,
}

impl<'a, W: Write> Stoppable<'a, W> {
    pub(super) fn new(out: &'a mut W, stop: &'a Stop) -> Self {
        Self { out, stop }
    }
}

impl<W: Write> Write for Stoppable<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.asked() {
            return Err(io::Error::other("stopped"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_after_a_stop() {
        let (mut out, stop) = (Vec::new(), Stop::default());
        let mut stoppable = Stoppable::new(&mut out, &stop);
        stoppable.write_all(b"before").unwrap();
        stop.ask();
        assert!(stoppable.write_all(b"after").is_err());
        assert_eq!(out, b"before");
    }
}
