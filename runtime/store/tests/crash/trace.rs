//! What a program did to a folder, read from the log of `strace -f -y -xx`.

use std::fs;
use std::path::{Path, PathBuf};

/// One step of a program, as far as a power cut could tell it from none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    MakeFolder(PathBuf),
    /// A new, empty file.
    Create(PathBuf),
    /// Bytes at the end of a file.
    Write(PathBuf, Vec<u8>),
    /// The file was cut to nothing.
    Empty(PathBuf),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
    /// The program said something outside of the folder.
    Said(String),
}

/// The calls that [`steps`] understands, as strace's filter.
pub(crate) const CALLS: &str = "openat,?open,?creat,write,writev,pwrite64,fsync,fdatasync,\
    renameat2,?rename,?renameat,?mkdir,mkdirat,?unlink,unlinkat,?rmdir,?link,linkat,ftruncate,\
    ?truncate,?symlink,symlinkat";

/// Reads the steps in `folder` in order; calls that failed, or that a kill came before, are none.
pub(crate) fn steps(log: &str, folder: &Path) -> Vec<Step> {
    let mut whole = Vec::new();
    for line in log.lines() {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim();
        assert!(!call.contains("<unfinished"), "two at once: {line:.200}");
        if let Some((call, result)) = call.rsplit_once(" = ") {
            let number = result.split([' ', '<']).next().unwrap_or_default();
            if number.parse::<i64>().is_ok_and(|number| number >= 0) {
                whole.extend(step(call, number.parse().unwrap_or(0), folder));
            }
        }
    }
    whole
}

/// Texts in quotes, and paths of open files in angle brackets, of one call.
fn texts(call: &str) -> (Vec<Vec<u8>>, Vec<PathBuf>) {
    let (mut quoted, mut open) = (Vec::new(), Vec::new());
    let mut rest = call;
    while let Some(at) = rest.find(['"', '<']) {
        let (mark, after) = rest[at..].split_at(1);
        let end = after.find(if mark == "\"" { '"' } else { '>' });
        let (text, next) = after.split_at(end.expect("an open quote"));
        if mark == "\"" {
            quoted.push(bytes(text));
        } else {
            open.push(path(bytes(text)));
        }
        rest = &next[1..];
    }
    (quoted, open)
}

/// `\x2f\x74` as bytes; strace writes a few names, such as `pipe:[7]`, as they are.
fn bytes(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("\\x").map(|text| text.split("\\x"));
    match digits {
        None => text.into(),
        Some(digits) => digits
            .map(|two| u8::from_str_radix(two, 16).expect("two hexadecimal digits"))
            .collect(),
    }
}

fn path(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8(bytes).expect("a path in UTF-8").into()
}

fn step(call: &str, result: usize, folder: &Path) -> Option<Step> {
    let (name, arguments) = call.split_once('(')?;
    let (quoted, open) = texts(arguments);
    let paths = || {
        // A name is told from the folder before it, or in full.
        let before = |at: usize| open.get(at).cloned().unwrap_or_default();
        let named = quoted.iter().cloned().map(path).enumerate();
        named
            .map(|(at, name)| before(at).join(name))
            .collect::<Vec<_>>()
    };
    let inside = |path: &PathBuf| path.starts_with(folder);
    match name {
        "write" if !inside(open.first()?) => Some(Step::Said(
            String::from_utf8_lossy(quoted.first()?).into_owned(),
        )),
        "write" => {
            let bytes = quoted.first()?.get(..result).expect("all that was written");
            Some(Step::Write(open.first()?.clone(), bytes.to_vec()))
        }
        "fsync" | "fdatasync" => Some(Step::Sync(open.first()?.clone())),
        "open" | "openat" | "creat" => opened(arguments, paths().remove(0)),
        "mkdir" | "mkdirat" => Some(Step::MakeFolder(paths().remove(0))),
        "unlink" | "unlinkat" | "rmdir" => Some(Step::Remove(paths().remove(0))),
        "rename" | "renameat" | "renameat2" | "link" | "linkat" => {
            let [from, to] = <[PathBuf; 2]>::try_from(paths()).expect("two paths");
            Some(if name.starts_with("rename") {
                Step::Rename(from, to)
            } else {
                Step::Link(from, to)
            })
        }
        // Unknown to the model: whoever begins to use it must teach it here.
        other => panic!("`{other}` is not understood: {arguments:.200}"),
    }
    .filter(|step| step.path().is_none_or(|path| inside(&path.to_owned())))
}

fn opened(arguments: &str, path: PathBuf) -> Option<Step> {
    match (arguments.contains("O_CREAT"), arguments.contains("O_TRUNC")) {
        (_, true) => Some(Step::Empty(path)),
        (true, false) => Some(Step::Create(path)),
        (false, false) => None,
    }
}

impl Step {
    fn path(&self) -> Option<&Path> {
        match self {
            Self::MakeFolder(path)
            | Self::Create(path)
            | Self::Write(path, _)
            | Self::Empty(path)
            | Self::Sync(path)
            | Self::Rename(_, path)
            | Self::Link(_, path)
            | Self::Remove(path) => Some(path),
            Self::Said(_) => None,
        }
    }
}

/// Reads a log that strace has written.
pub(crate) fn read(log: &Path, folder: &Path) -> Vec<Step> {
    steps(&fs::read_to_string(log).unwrap(), folder)
}
