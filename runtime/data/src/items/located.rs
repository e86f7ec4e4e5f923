//! Pictures by path: every path stays below one folder, whatever it says and wherever links lead.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::ItemError;
use super::intake::{At, Found};
use crate::error::DataError;
use crate::limits::PICTURE_BYTES;
use crate::source::open::unreadable;
use crate::source::shown;

/// A folder that pictures lie below.
pub(super) struct PictureFolder {
    folder: PathBuf,
    /// The folder without links, once it was needed.
    real: Option<PathBuf>,
}

/// A picture's path within its folder.
pub(super) struct Located {
    name: String,
    path: Result<PathBuf, io::Error>,
}

impl PictureFolder {
    pub(super) fn new(folder: &Path) -> Self {
        let here = folder.as_os_str().is_empty();
        Self {
            folder: if here { Path::new(".") } else { folder }.to_owned(),
            real: None,
        }
    }

    /// Finds where a path leads, without reading what is there.
    pub(super) fn locate(&mut self, at: &At<'_>, name: &str) -> Result<Located, DataError> {
        let real = match &self.real {
            Some(real) => real,
            None => {
                let real = self.folder.canonicalize();
                let real = real.map_err(|error| unreadable(&self.folder, error))?;
                self.real.insert(real)
            }
        };
        let named = Path::new(name);
        let mut steps = named.components();
        let plain = steps.all(|step| matches!(step, Component::Normal(_) | Component::CurDir));
        let full = real.join(named);
        let path = full.canonicalize();
        // Of what is not there, the part that is.
        let nearest = match &path {
            Ok(path) => Some(path.clone()),
            Err(_) => full.ancestors().find_map(|part| part.canonicalize().ok()),
        };
        if !plain || !nearest.is_some_and(|nearest| nearest.starts_with(real)) {
            let error = ItemError::Outside {
                file: at.file.to_owned(),
                place: at.place.clone(),
                picture: name.to_owned(),
                folder: shown(&self.folder),
            };
            return Err(error.into());
        }
        let name = name.to_owned();
        Ok(Located { name, path })
    }
}

impl Located {
    /// Reads the picture.
    pub(super) fn read(self) -> Found<'static> {
        let bytes = self.path.and_then(|path| read(&path));
        let bytes = bytes.map_err(|error| in_words(&error));
        Found {
            name: self.name,
            bytes: bytes.map(Into::into),
        }
    }
}

/// Why a picture of more than [`PICTURE_BYTES`] is not read.
pub(super) fn too_large() -> String {
    format!(
        "it is larger than {} MiB; scale it down",
        PICTURE_BYTES >> 20
    )
}

/// Reads a picture that is a file of its own, of [`PICTURE_BYTES`] at most; else tells in words why not.
///
/// The bytes may be anything; [`decode`](crate::image::decode) tells whether they are a picture.
pub fn read_picture(path: &Path) -> Result<Vec<u8>, String> {
    read(path).map_err(|error| in_words(&error))
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist; check the path".to_owned(),
        io::ErrorKind::FileTooLarge => too_large(),
        _ => error.to_string(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, io::Error> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    let mut within = File::open(path)?.take(PICTURE_BYTES + 1);
    within.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > PICTURE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
