//! Plain text, cut at blank lines into documents of at least 2 KiB.

use std::path::Path;

use crate::error::DataError;
use crate::limits::{TEXT_DOCUMENT_BYTES, TEXT_DOCUMENT_MOST_BYTES};
use crate::source::Visit;
use crate::source::lines::Lines;

/// Visits the documents of the plain-text file `path`.
pub(crate) fn visit(path: &Path, each: &mut Visit<'_>) -> Result<(), DataError> {
    let mut lines = Lines::open(path)?;
    let mut block = Block::default();
    while let Some(line) = lines.next()? {
        block.add(line);
        if block.is_complete() {
            if each(&block.text)?.is_break() {
                return Ok(());
            }
            block = Block {
                text: cleared(block.text),
                after_blank: false,
            };
        }
    }
    if !block.text.is_empty() {
        let _last = each(&block.text)?;
    }
    Ok(())
}

fn cleared(mut text: String) -> String {
    text.clear();
    text
}

/// The document being gathered.
#[derive(Default)]
struct Block {
    text: String,
    after_blank: bool,
}

impl Block {
    fn add(&mut self, line: &str) {
        if line.trim().is_empty() {
            self.after_blank = true;
            return;
        }
        if !self.text.is_empty() {
            self.text
                .push_str(if self.after_blank { "\n\n" } else { "\n" });
        }
        self.text.push_str(line);
        self.after_blank = false;
    }

    fn is_complete(&self) -> bool {
        (self.after_blank && self.text.len() >= TEXT_DOCUMENT_BYTES)
            || self.text.len() >= TEXT_DOCUMENT_MOST_BYTES
    }
}
