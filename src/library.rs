//! The file system as the compiler sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use vpc_compiler::plan::Key;
use vpc_compiler::{FileFacts, FileFault, Library};

/// Reads studies and digests data files, each once, and remembers which.
#[derive(Debug, Default)]
pub(crate) struct Files {
    known: RefCell<BTreeMap<String, Result<FileFacts, FileFault>>>,
    texts: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Files {
    /// The `.vp` files that were read, by path.
    pub(crate) fn texts(&self) -> BTreeMap<String, Vec<u8>> {
        self.texts.borrow().clone()
    }

    /// The data files that were asked for.
    pub(crate) fn data(&self) -> Vec<String> {
        self.known.borrow().keys().cloned().collect()
    }
}

impl Library for Files {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        if Path::new(path).is_dir() {
            return Err(FileFault::Folder);
        }
        let bytes = std::fs::read(path).map_err(|error| fault(&error))?;
        self.texts
            .borrow_mut()
            .insert(path.to_owned(), bytes.clone());
        let text = String::from_utf8(bytes)
            .map_err(|error| FileFault::NotUtf8(error.utf8_error().valid_up_to()))?;
        Ok(text
            .strip_prefix('\u{feff}')
            .map_or(text.clone(), str::to_owned))
    }

    fn facts(&self, path: &str) -> Result<FileFacts, FileFault> {
        let known = self.known.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let facts = digest(Path::new(path));
            self.known
                .borrow_mut()
                .insert(path.to_owned(), facts.clone());
            facts
        })
    }
}

fn digest(path: &Path) -> Result<FileFacts, FileFault> {
    if path.is_dir() {
        return Err(FileFault::Folder);
    }
    let file = File::open(path).map_err(|error| fault(&error))?;
    let mut hash = blake3::Hasher::new();
    hash.update_reader(file).map_err(|error| fault(&error))?;
    Ok(FileFacts {
        digest: Key::new(*hash.finalize().as_bytes()),
        bytes: hash.count(),
    })
}

fn fault(error: &io::Error) -> FileFault {
    match error.kind() {
        io::ErrorKind::NotFound => FileFault::Missing,
        _ => FileFault::Refused(error.to_string()),
    }
}
