//! The few steps on the file system that the promise rests on.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, CWD, RenameFlags};
use rustix::io::Errno;

use crate::StoreError;
use crate::error::During;

/// What became of a file that was to be moved to a free name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It has the name now.
    Placed,
    /// The name was taken; the file is where it was.
    Taken,
}

/// Makes the entries of a folder durable.
///
/// File systems that know no such thing say `EINVAL`, and nothing more can be done there.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = File::open(path).during("open folder", path)?;
    match folder.sync_all() {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        done => done.during("sync folder", path),
    }
}

/// Makes one folder; false where it was there.
pub(crate) fn make_folder(path: &Path) -> Result<bool, StoreError> {
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(StoreError::io("make folder", path, error)),
    }
}

/// Makes a folder and all that lead to it, each durable in its parent.
pub(crate) fn make_folders(path: &Path) -> Result<(), StoreError> {
    let missing: Vec<_> = path
        .ancestors()
        .take_while(|path| is_missing(path))
        .collect();
    for folder in missing.into_iter().rev() {
        if make_folder(folder)? {
            sync_folder(&above(folder))?;
        }
    }
    Ok(())
}

fn is_missing(path: &Path) -> bool {
    !path.as_os_str().is_empty() && !path.is_dir()
}

/// The folder above, `.` for a bare name.
pub(crate) fn above(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    }
}

/// Begins a new file for writing; fails where the name is taken.
pub(crate) fn begin(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.during("create", path)
}

/// Makes a written file read-only (`0444`) and durable.
pub(crate) fn seal(file: &File, path: &Path, mode: u32) -> Result<(), StoreError> {
    file.set_permissions(fs::Permissions::from_mode(mode))
        .during("set the mode of", path)?;
    file.sync_all().during("sync", path)
}

/// Writes a whole new file, durable but for its name.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    let mut file = begin(path)?;
    file.write_all(bytes)
        .map_err(|error| StoreError::io_sized("write", path, bytes.len() as u64, error))?;
    seal(&file, path, mode)
}

/// Moves a file to a name that must be free, in one step.
pub(crate) fn move_new(from: &Path, to: &Path) -> io::Result<Moved> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Moved::Placed),
        Err(Errno::EXIST) => Ok(Moved::Taken),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_new(from, to),
        Err(error) => Err(error.into()),
    }
}

/// The same for file systems without `RENAME_NOREPLACE`.
fn link_new(from: &Path, to: &Path) -> io::Result<Moved> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from).map(|()| Moved::Placed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Moved::Taken),
        Err(error) => Err(error),
    }
}

/// Asks whether this process may write into a folder.
pub(crate) fn may_write(folder: &Path) -> Result<(), StoreError> {
    rustix::fs::access(folder, Access::WRITE_OK).during("write below", folder)
}

/// The bytes free on the file system of a path or of what would hold it.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let space = path
        .ancestors()
        .find_map(|path| rustix::fs::statvfs(path).ok())?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

/// A name that no other process or thread will choose.
pub(crate) fn fresh_name(stem: &str) -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{stem}-{}-{:016x}", std::process::id(), hasher.finish())
}

/// What a name of [`fresh_name`] was made from.
pub(crate) fn stem_of(name: &str) -> Option<&str> {
    let (rest, _chance) = name.rsplit_once('-')?;
    rest.rsplit_once('-').map(|(stem, _process)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
        write_new(&a, b"1", 0o444).unwrap();
        write_new(&b, b"2", 0o444).unwrap();
        for mover in [move_new, link_new] {
            assert_eq!(mover(&a, &b).unwrap(), Moved::Taken);
            assert_eq!(mover(&a, &c).unwrap(), Moved::Placed);
            assert!(!a.exists());
            assert_eq!(mover(&c, &a).unwrap(), Moved::Placed);
        }
        assert_eq!(
            (fs::read(&a).unwrap(), fs::read(&b).unwrap()),
            (b"1".into(), b"2".into())
        );
        assert!(write_new(&a, b"3", 0o444).is_err());
    }

    #[test]
    fn folders_are_made_all_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("x/y/z");
        make_folders(&deep).unwrap();
        make_folders(&deep).unwrap();
        assert!(!make_folder(&deep).unwrap());
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(make_folders(&folder.path().join("file/below")).is_err());
        assert_eq!(above(Path::new("bare")), Path::new("."));
    }

    #[test]
    fn fresh_names_differ() {
        let names: std::collections::BTreeSet<_> = (0..1000).map(|_| fresh_name("x")).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| stem_of(name) == Some("x")));
        assert_eq!(
            stem_of(&fresh_name("study-a-b.json")),
            Some("study-a-b.json")
        );
    }
}
