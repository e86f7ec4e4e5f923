//! A folder for others to read, outside of any store: it is there whole, or not at all.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::During;
use crate::limits::CHUNK_BYTES;
use crate::name::check_name;
use crate::{StoreError, disk};

/// A folder being written beside the place where it will be; dropping it unpublished removes it.
#[derive(Debug)]
#[must_use = "a folder that is not published is removed"]
pub struct NewFolder {
    part: PathBuf,
    to: PathBuf,
}

impl NewFolder {
    /// Begins a folder; its place must be free, or an empty folder, in a folder that is there.
    pub fn begin(to: &Path) -> Result<Self, StoreError> {
        if !is_free(to)? {
            return Err(taken(to));
        }
        let part = disk::above(to).join(disk::fresh_name(".vpc-export"));
        fs::create_dir(&part).during("make folder", &part)?;
        let to = to.to_owned();
        Ok(Self { part, to })
    }

    /// Writes one file, durable but for its name.
    pub fn write<E: From<StoreError>>(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        check_name(name)?;
        let path = self.part.join(name);
        let mut out = Named {
            out: BufWriter::with_capacity(CHUNK_BYTES, disk::begin(&path)?),
            path: &path,
        };
        content(&mut out)?;
        out.flush().map_err(StoreError::of_write)?;
        disk::seal(out.out.get_ref(), &path, 0o644)?;
        Ok(())
    }

    /// Gives the folder its name, unless something has come to have it.
    pub fn publish(self) -> Result<(), StoreError> {
        disk::sync_folder(&self.part)?;
        // Takes the place of an empty folder, and of nothing else.
        match fs::rename(&self.part, &self.to) {
            Err(error) if is_taken(error.kind()) => Err(taken(&self.to)),
            moved => moved.during("create", &self.to),
        }?;
        disk::sync_folder(&disk::above(&self.to))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // Published, it is no longer there.
        _ = fs::remove_dir_all(&self.part);
    }
}

/// A file whose errors say its path; see [`StoreError::of_write`].
struct Named<'p> {
    out: BufWriter<fs::File>,
    path: &'p Path,
}

impl Named<'_> {
    fn named<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, StoreError::io("write", self.path, error)),
        })
    }
}

impl Write for Named<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.out.write(bytes);
        self.named(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out.flush();
        self.named(done)
    }
}

fn is_free(to: &Path) -> Result<bool, StoreError> {
    let about = match to.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        about => about.during("look at", to)?,
    };
    if !about.is_dir() {
        return Ok(false);
    }
    Ok(fs::read_dir(to).during("list", to)?.next().is_none())
}

fn is_taken(kind: ErrorKind) -> bool {
    let kinds = [
        ErrorKind::DirectoryNotEmpty,
        ErrorKind::AlreadyExists,
        ErrorKind::NotADirectory,
    ];
    kinds.contains(&kind)
}

fn taken(to: &Path) -> StoreError {
    StoreError::Taken {
        path: to.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(to: &Path) -> Result<NewFolder, StoreError> {
        let folder = NewFolder::begin(to)?;
        folder.write::<StoreError>("a", |out| out.write_all(b"1").map_err(StoreError::of_write))?;
        Ok(folder)
    }

    fn names(folder: &Path) -> Vec<String> {
        crate::find::names_in(folder).unwrap()
    }

    #[test]
    fn a_folder_is_there_whole_or_not_at_all() {
        let around = tempfile::tempdir().unwrap();
        let to = around.path().join("x");
        drop(written(&to).unwrap());
        assert_eq!(names(around.path()), [""; 0]);
        written(&to).unwrap().publish().unwrap();
        assert_eq!(names(around.path()), ["x"]);
        assert_eq!(fs::read(to.join("a")).unwrap(), b"1");
        // An empty folder makes way, one with something in it never does.
        let empty = around.path().join("empty");
        fs::create_dir(&empty).unwrap();
        written(&empty).unwrap().publish().unwrap();
        assert!(matches!(
            NewFolder::begin(&to),
            Err(StoreError::Taken { .. })
        ));
        assert_eq!(names(around.path()), ["empty", "x"]);
    }

    #[test]
    fn what_came_meanwhile_stays() {
        let around = tempfile::tempdir().unwrap();
        for (name, make) in [
            (
                "full",
                (|to| {
                    fs::create_dir(to)?;
                    fs::write(to.join("theirs"), "2")
                }) as fn(&Path) -> io::Result<()>,
            ),
            ("file", |to| fs::write(to, "2")),
            ("link", |to| std::os::unix::fs::symlink("elsewhere", to)),
        ] {
            let to = around.path().join(name);
            let folder = written(&to).unwrap();
            make(&to).unwrap();
            assert!(
                matches!(folder.publish(), Err(StoreError::Taken { .. })),
                "{name}"
            );
            assert!(
                matches!(NewFolder::begin(&to), Err(StoreError::Taken { .. })),
                "{name}"
            );
        }
        assert_eq!(names(around.path()), ["file", "full", "link"]);
    }

    #[test]
    fn names_stay_in_the_folder() {
        let around = tempfile::tempdir().unwrap();
        let folder = NewFolder::begin(&around.path().join("x")).unwrap();
        for name in ["../a", "/a", ".a", ""] {
            let refused = folder.write::<StoreError>(name, |_| Ok(()));
            assert!(matches!(refused, Err(StoreError::Name { .. })), "{name}");
        }
        assert!(NewFolder::begin(&around.path().join("none/x")).is_err());
    }
}
