//! A library of made-up files.

use std::collections::BTreeMap;

use vpc_compiler::plan::{Key, Plan};
use vpc_compiler::{Compiled, FileFacts, FileFault, Library, compile};

/// Texts by path. Data files exist below `data/`; their digest is that of their name.
pub(crate) struct Made(pub(crate) BTreeMap<String, String>);

impl Library for Made {
    fn text(&self, path: &str) -> Result<String, FileFault> {
        self.0.get(path).cloned().ok_or(FileFault::Missing)
    }

    fn facts(&self, path: &str) -> Result<FileFacts, FileFault> {
        let name = path.rsplit('/').next().unwrap_or_default();
        match name {
            "photographs" => Err(FileFault::Folder),
            "missing.txt" => Err(FileFault::Missing),
            _ => Ok(FileFacts {
                digest: Key::new(*blake3::hash(name.as_bytes()).as_bytes()),
                bytes: if name == "empty.txt" { 0 } else { 1000 },
            }),
        }
    }

    fn folder(&self, path: &str) -> Result<FileFacts, FileFault> {
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.contains('.') {
            return Err(FileFault::NoFolder);
        }
        Ok(FileFacts {
            digest: Key::new(*blake3::hash(path.as_bytes()).as_bytes()),
            bytes: 1000,
        })
    }
}

/// Compiles one text, with others beside it.
pub(crate) fn compile_with(text: &str, others: &[(&str, &str)]) -> Compiled {
    let mut files: BTreeMap<String, String> = others
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    files.insert("study.vp".to_owned(), text.to_owned());
    compile("study.vp", &Made(files)).unwrap()
}

/// Compiles a text that must have no errors.
#[allow(dead_code, reason = "not every test needs a plan")]
pub(crate) fn plan(text: &str) -> Plan {
    let compiled = compile_with(text, &[]);
    let problems: Vec<_> = compiled
        .problems
        .iter()
        .map(|problem| problem.message.clone())
        .collect();
    compiled
        .plan
        .unwrap_or_else(|| panic!("{problems:?}\n{text}"))
}
