//! The file `format`: what makes a folder a store, and of which layout.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::StoreError;
use crate::disk;
use crate::error::During;
use crate::find::open_if_there;
use crate::layout::Layout;
use crate::limits::{MAX_FORMAT_BYTES, MAX_TRIES, STORE_FORMAT};

/// Tells whether the folder is a store of this format; false where nothing is there yet.
pub(crate) fn check(layout: &Layout) -> Result<bool, StoreError> {
    match read(&layout.format())? {
        Some(text) => judge(layout, &text).map(|()| true),
        None if is_free(layout)? => Ok(false),
        None => judge_again(layout),
    }
}

/// Makes the folder a store where it is none.
pub(crate) fn ensure(layout: &Layout) -> Result<(), StoreError> {
    for _ in 0..MAX_TRIES {
        if check(layout)? {
            return Ok(());
        }
        write(layout)?;
    }
    Err(not_a_store(layout, "its `format` cannot be written"))
}

fn write(layout: &Layout) -> Result<(), StoreError> {
    disk::make_folders(layout.root())?;
    let temporary = layout.root().join(disk::fresh_name(".format"));
    disk::write_new(
        &temporary,
        format!("vpc store {STORE_FORMAT}\n").as_bytes(),
        0o444,
    )?;
    if disk::move_new(&temporary, &layout.format()).during("create", &layout.format())?
        == disk::Moved::Taken
    {
        fs::remove_file(&temporary).during("remove", &temporary)?;
    }
    disk::sync_folder(layout.root())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(file) = open_if_there(path)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    file.take(MAX_FORMAT_BYTES)
        .read_to_end(&mut text)
        .during("read", path)?;
    Ok(Some(text))
}

fn judge(layout: &Layout, text: &[u8]) -> Result<(), StoreError> {
    match number(text) {
        Some(found) if found == u64::from(STORE_FORMAT) => Ok(()),
        Some(found) => Err(StoreError::NewerFormat {
            path: layout.format(),
            found,
        }),
        None => Err(not_a_store(
            layout,
            "its file `format` does not read `vpc store 1`",
        )),
    }
}

fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix("vpc store ")?.strip_suffix('\n')?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// Another process may have made the store between the two looks.
fn judge_again(layout: &Layout) -> Result<bool, StoreError> {
    match read(&layout.format())? {
        Some(text) => judge(layout, &text).map(|()| true),
        None => Err(not_a_store(
            layout,
            "it has other content and no file `format`",
        )),
    }
}

/// Tells whether the folder is missing or has nothing but hidden files.
fn is_free(layout: &Layout) -> Result<bool, StoreError> {
    let root = layout.root();
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(not_a_store(layout, "it is not a folder"));
        }
        entries => entries.during("list", root)?,
    };
    for entry in entries {
        let name = entry.during("list", root)?.file_name();
        if name != "lost+found" && !name.as_encoded_bytes().starts_with(b".") {
            return Ok(false);
        }
    }
    Ok(true)
}

fn not_a_store(layout: &Layout, problem: &str) -> StoreError {
    StoreError::NotAStore {
        path: layout.root().to_owned(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind as Kind;

    fn kind_of(text: &str) -> Option<Kind> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("format"), text).unwrap();
        check(&Layout::new(folder.path()))
            .err()
            .map(|error| error.kind())
    }

    #[test]
    fn other_formats_are_refused() {
        assert_eq!(kind_of("vpc store 1\n"), None);
        assert_eq!(kind_of("vpc store 2\n"), Some(Kind::NewerFormat));
        for text in [
            "",
            "vpc store 1",
            "vpc store +1\n",
            "vpc stores\n",
            "vpc store \n",
        ] {
            assert_eq!(kind_of(text), Some(Kind::NotAStore), "{text:?}");
        }
    }

    #[test]
    fn a_foreign_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        fs::write(folder.path().join(".hidden"), "").unwrap();
        assert!(!check(&layout).unwrap());
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        assert_eq!(ensure(&layout).unwrap_err().kind(), Kind::NotAStore);
        let file = Layout::new(&folder.path().join("thesis.tex"));
        assert!(check(&file).is_err());
    }
}
