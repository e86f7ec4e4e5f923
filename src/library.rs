//! The file system as the compiler sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use vpc_compiler::grammar::limits::FILE_BYTES;
use vpc_compiler::plan::Key;
use vpc_compiler::{FileFacts, FileFault, Library};
use vpc_store::{Digests, Store};

use crate::locked::Locked;

/// Where the files of published benchmarks lie, instead of in `benchmarks` beside a study.
const BENCHMARKS: &str = "VPC_BENCHMARKS";

/// Reads studies and digests data files, each once, and remembers which.
#[derive(Debug, Default)]
pub(crate) struct Files {
    known: RefCell<BTreeMap<String, Result<FileFacts, FileFault>>>,
    /// The same of folders.
    folders: RefCell<BTreeMap<String, Result<FileFacts, FileFault>>>,
    digests: RefCell<Digests>,
    anew: bool,
    locked: Locked,
    texts: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The store, for what was counted there.
    store: Option<Store>,
}

impl Files {
    /// Reads with what a store remembers of data files and has counted, and with what the study's lock file says.
    pub(crate) fn new(store: Option<Store>, anew: bool, locked: Locked) -> Self {
        let digests = store.as_ref().and_then(|store| store.digests().ok());
        Self {
            digests: RefCell::new(digests.unwrap_or_default()),
            store,
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

    /// The `.vp` files that were read, by path.
    pub(crate) fn texts(&self) -> BTreeMap<String, Vec<u8>> {
        self.texts.borrow().clone()
    }

    /// The data files that were asked for and are there.
    pub(crate) fn data(&self) -> Vec<String> {
        let (files, folders) = (self.known.borrow(), self.folders.borrow());
        // Files of benchmarks may be missing without a mistake.
        let known = files.iter().chain(folders.iter());
        let known = known
            .filter(|(_, facts)| !matches!(facts, Err(FileFault::Folder | FileFault::Missing)));
        let all = known.map(|(path, _)| path);
        all.cloned().collect()
    }

    fn look(&self, path: &str) -> Result<FileFacts, FileFault> {
        let about = fs::metadata(path);
        if about.as_ref().is_ok_and(fs::Metadata::is_dir) {
            return Err(FileFault::Folder);
        }
        // It is read again by the run.
        if about.is_ok_and(|about| !about.is_file()) {
            let why = "it is a pipe or a device; save its content to a file first";
            return Err(FileFault::Refused(why.to_owned()));
        }
        match self.digests.borrow_mut().of(Path::new(path), self.anew) {
            Ok((digest, bytes)) => Ok(FileFacts {
                digest: Key::new(*digest.bytes()),
                bytes,
            }),
            // A plan needs to know what a file holds, not to have it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let known = self.locked.file(path);
                known
                    .map(super::locked::LockedFile::facts)
                    .ok_or(FileFault::Missing)
            }
            Err(error) => Err(fault(&error)),
        }
    }
}

impl Files {
    /// What is known of a folder.
    fn look_into(&self, path: &str) -> Result<FileFacts, FileFault> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let known = self.locked.file(path);
                return known
                    .map(super::locked::LockedFile::facts)
                    .ok_or(FileFault::Missing);
            }
            Err(error) => return Err(fault(&error)),
            Ok(about) if !about.is_dir() => return Err(FileFault::NoFolder),
            Ok(_) => {}
        }
        let mut digests = self.digests.borrow_mut();
        let (digest, bytes) = digests
            .of_folder(Path::new(path), self.anew)
            .map_err(|error| fault(&error))?;
        Ok(FileFacts {
            digest: Key::new(*digest.bytes()),
            bytes,
        })
    }

    /// The facts of a file or of a folder.
    pub(crate) fn facts_of_any(&self, path: &str) -> Result<FileFacts, FileFault> {
        match self.facts(path) {
            Err(FileFault::Folder) => self.folder(path),
            facts => facts,
        }
    }
}

impl Library for Files {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        if Path::new(path).is_dir() {
            return Err(FileFault::Folder);
        }
        let bytes = read(path).map_err(|error| fault(&error))?;
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
            let facts = self.look(path);
            self.known
                .borrow_mut()
                .insert(path.to_owned(), facts.clone());
            facts
        })
    }

    fn folder(&self, path: &str) -> Result<FileFacts, FileFault> {
        let known = self.folders.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let facts = self.look_into(path);
            let mut folders = self.folders.borrow_mut();
            folders.insert(path.to_owned(), facts.clone());
            facts
        })
    }

    fn benchmark(&self, folder: &str, file: &str) -> (String, Result<FileFacts, FileFault>) {
        let told = std::env::var(BENCHMARKS)
            .ok()
            .filter(|told| !told.is_empty());
        let path = match told {
            Some(told) => format!("{}/{file}", told.trim_end_matches('/')),
            None => format!("{folder}benchmarks/{file}"),
        };
        let facts = match path.strip_suffix('/') {
            Some(inner) => self.folder(inner),
            None => self.facts(&path),
        };
        (path.trim_end_matches('/').to_owned(), facts)
    }

    fn tokens(&self, job: Key) -> Option<u64> {
        let counted = self.store.as_ref().and_then(|store| {
            let manifest = store.look_back(job).ok().flatten()?;
            manifest.metrics.get("train")?.get("tokens")?.as_u64()
        });
        counted.or_else(|| self.locked.tokens(job))
    }
}

/// Reads a text, of one that is too long just enough to be refused; `/dev/zero` has no end.
fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = FILE_BYTES as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn fault(error: &io::Error) -> FileFault {
    match error.kind() {
        io::ErrorKind::NotFound => FileFault::Missing,
        _ => FileFault::Refused(error.to_string()),
    }
}
