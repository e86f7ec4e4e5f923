//! Results: reports and the like, derived from artifacts and therefore replaceable.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::During;
use crate::layout::parent;
use crate::name::check_relative;
use crate::{Store, StoreError, disk};

impl Store {
    /// Writes a file below `results/`, replacing an older one as a whole; returns its path.
    ///
    /// Readers see the old content or the new, never a mixture. Paths with `..` or a leading `/`
    /// are refused.
    pub fn write_result(&self, below: &Path, bytes: &[u8]) -> Result<PathBuf, StoreError> {
        self.must_write()?;
        check_relative(below)?;
        let to = self.layout().folder("results").join(below);
        disk::make_folders(parent(&to))?;
        let scratch = self.scratch("result")?;
        let from = scratch.join("result");
        disk::write_new(&from, bytes, 0o644)?;
        fs::rename(&from, &to).during("replace", &to)?;
        disk::sync_folder(parent(&to))?;
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_replaced_and_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("s")).unwrap();
        let below = Path::new("study/report.html");
        let path = store.write_result(below, b"one").unwrap();
        assert_eq!(store.write_result(below, b"two").unwrap(), path);
        assert_eq!(fs::read(path).unwrap(), b"two");
        for bad in ["../x", "/tmp/x", "a/../../x", ""] {
            assert!(store.write_result(Path::new(bad), b"").is_err(), "{bad}");
        }
        assert_eq!(fs::read_dir(store.root().join("tmp")).unwrap().count(), 0);
    }
}
