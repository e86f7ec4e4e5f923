//! The file system as the compiler sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use vpc_compiler::grammar::limits::FILE_BYTES;
use vpc_compiler::plan::Key;
use vpc_compiler::{FileFacts, FileFault, Library};

/// Reads studies and digests data files, each once.
#[derive(Debug, Default)]
pub(crate) struct Files {
    known: RefCell<BTreeMap<String, Result<FileFacts, FileFault>>>,
}

impl Library for Files {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        if Path::new(path).is_dir() {
            return Err(FileFault::Folder);
        }
        let text = String::from_utf8(read(path).map_err(|error| fault(&error))?)
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

/// Reads a text, of one that is too long just enough to be refused; `/dev/zero` has no end.
fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = FILE_BYTES as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Digests a data file. It is read again by the run, so that a pipe or a device cannot be one.
fn digest(path: &Path) -> Result<FileFacts, FileFault> {
    let about = fs::metadata(path).map_err(|error| fault(&error))?;
    if about.is_dir() {
        return Err(FileFault::Folder);
    }
    if !about.is_file() {
        let why = "it is a pipe or a device; save its content to a file first";
        return Err(FileFault::Refused(why.to_owned()));
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
