//! The file system as the compiler sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use vpc_compiler::plan::Key;
use vpc_compiler::{FileFacts, FileFault, Library};
use vpc_store::Digests;

use crate::locked::Locked;

/// Reads studies and digests data files, each once.
#[derive(Debug, Default)]
pub(crate) struct Files {
    known: RefCell<BTreeMap<String, Result<FileFacts, FileFault>>>,
    digests: RefCell<Digests>,
    anew: bool,
    locked: Locked,
}

impl Files {
    /// Reads with what a store remembers of data files and with what the study's lock file says.
    pub(crate) fn new(digests: Digests, anew: bool, locked: Locked) -> Self {
        Self {
            digests: RefCell::new(digests),
            anew,
            locked,
            ..Self::default()
        }
    }

    /// Returns what is to be remembered of data files.
    pub(crate) fn into_digests(self) -> Digests {
        self.digests.into_inner()
    }

    /// Returns what the study's lock file says.
    pub(crate) fn locked(&self) -> &Locked {
        &self.locked
    }

    fn look(&self, path: &str) -> Result<FileFacts, FileFault> {
        if Path::new(path).is_dir() {
            return Err(FileFault::Folder);
        }
        match self.digests.borrow_mut().of(Path::new(path), self.anew) {
            Ok((digest, bytes)) => Ok(FileFacts {
                digest: Key::new(*digest.bytes()),
                bytes,
            }),
            // A plan needs to know what a file holds, not to have it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let known = self.locked.file(path);
                known.map(|known| known.facts()).ok_or(FileFault::Missing)
            }
            Err(error) => Err(fault(&error)),
        }
    }
}

impl Library for Files {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        if Path::new(path).is_dir() {
            return Err(FileFault::Folder);
        }
        let bytes = std::fs::read(path).map_err(|error| fault(&error))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| FileFault::NotUtf8(error.utf8_error().valid_up_to()))?;
        Ok(text
            .strip_prefix('\u{feff}')
            .map_or(text.clone(), str::to_owned))
    }

    fn facts(&self, path: &str) -> Result<FileFacts, FileFault> {
        let known = self.known.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let facts = self.look(path);
            self.known
                .borrow_mut()
                .insert(path.to_owned(), facts.clone());
            facts
        })
    }
}

fn fault(error: &io::Error) -> FileFault {
    match error.kind() {
        io::ErrorKind::NotFound => FileFault::Missing,
        _ => FileFault::Refused(error.to_string()),
    }
}
