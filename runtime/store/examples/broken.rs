//! Writes a store in ways that are wrong: the fault tests must notice each of them.
//!
//! `broken ROOT COUNT MODE [SALT]` lets the real store make each job elsewhere and copies the files
//! over badly: `in-place` (written under their final names), `no-fsync`, `no-dir-fsync`, or
//! `rename-over` (what is there is replaced). The salt changes the content, not the keys.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use vpc_store::{Digest, Draft, Key, Store};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, count, mode, salt @ ..] = arguments.as_slice() else {
        return Err("usage: broken ROOT COUNT MODE [SALT]".into());
    };
    let salt: u64 = salt.first().map_or("0", String::as_str).parse()?;
    let root = Path::new(root);
    let model = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    drop(Store::open(root)?);
    for job in 0..count.parse()? {
        let key = make(&model.path().join(job.to_string()), job, salt)?;
        copy(&model.path().join(job.to_string()), root, mode)?;
        writeln!(io::stdout(), "committed {key}")?;
        sleep(Duration::from_millis(4));
    }
    Ok(())
}

fn make(root: &Path, job: u64, salt: u64) -> Outcome<Key> {
    let key: Key = Digest::of(&job.to_le_bytes()).to_string().parse()?;
    let mut attempt = Store::open(root)?.attempt(key)?;
    attempt.write("weights", &(job ^ salt).to_le_bytes().repeat(4_000))?;
    attempt.publish(Draft::default())?;
    Ok(key)
}

fn copy(from: &Path, root: &Path, mode: &str) -> Outcome<()> {
    for kind in ["objects", "jobs"] {
        for shard in fs::read_dir(from.join(kind))? {
            let shard = shard?;
            let to = root.join(kind).join(shard.file_name());
            fs::create_dir_all(&to)?;
            for file in fs::read_dir(shard.path())? {
                let file = file?;
                write(
                    &to.join(file.file_name()),
                    &fs::read(file.path())?,
                    root,
                    mode,
                )?;
            }
        }
    }
    Ok(())
}

fn write(to: &Path, bytes: &[u8], root: &Path, mode: &str) -> io::Result<()> {
    let temporary = root.join("tmp/copy");
    let path = if mode == "in-place" { to } else { &temporary };
    let mut file = File::create(path)?;
    bytes
        .chunks(9_999)
        .try_for_each(|piece| file.write_all(piece))?;
    if mode != "no-fsync" {
        file.sync_all()?;
    }
    if mode == "in-place" {
        Ok(())
    } else {
        fs::rename(path, to)
    }
}
