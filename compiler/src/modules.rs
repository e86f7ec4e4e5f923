//! Loads the main file and everything it uses.

use std::collections::BTreeMap;

use vpc_grammar::tree::{Block, File, Item, Let, ModulePath, Name, Use};
use vpc_grammar::{Code, Problem, Problems, Sources, Span, parse};

use crate::library::{FileFault, Library};
use crate::nearest::advice;

/// Number of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModuleId(pub(crate) usize);

/// A parsed file and its names.
#[derive(Debug)]
pub(crate) struct Module {
    /// Folder of the file, with a trailing `/` unless empty; data paths are relative to it.
    pub(crate) folder: String,
    pub(crate) declared: BTreeMap<String, Declared>,
    /// Experiments in the order written.
    pub(crate) experiments: Vec<String>,
    pub(crate) uses: Vec<Used>,
}

/// Something declared in column 0.
#[derive(Debug)]
pub(crate) enum Declared {
    Let(Let),
    Block(Block),
    /// It could not be read, which was said.
    Lost(Name),
}

/// A module in use.
#[derive(Debug)]
pub(crate) struct Used {
    /// The word before the dot.
    pub(crate) name: String,
    /// Whether its names are also known without the word.
    pub(crate) open: bool,
    pub(crate) module: ModuleId,
}

/// The embedded standard library.
const STD: &[(&str, &str)] = &[
    ("adapt", include_str!("../../stdlib/adapt.vp")),
    ("laptop", include_str!("../../stdlib/laptop.vp")),
    ("bench", include_str!("../../stdlib/bench.vp")),
    ("encoders", include_str!("../../stdlib/encoders.vp")),
    ("labels", include_str!("../../stdlib/labels.vp")),
    ("mixtures", include_str!("../../stdlib/mixtures.vp")),
    ("scales", include_str!("../../stdlib/scales.vp")),
    ("sources", include_str!("../../stdlib/sources.vp")),
    (
        "sources_estimated",
        include_str!("../../stdlib/sources_estimated.vp"),
    ),
    ("tokenizers", include_str!("../../stdlib/tokenizers.vp")),
    ("world", include_str!("../../stdlib/world.vp")),
];

impl Declared {
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Let(item) => &item.name,
            Self::Block(block) => &block.name,
            Self::Lost(name) => name,
        }
    }
}

/// Loads modules depth first.
pub(crate) struct Loader<'a> {
    library: &'a dyn Library,
    pub(crate) sources: Sources,
    pub(crate) problems: Problems,
    pub(crate) modules: Vec<Module>,
    known: BTreeMap<String, ModuleId>,
    /// Paths being loaded, for rings.
    loading: Vec<String>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(library: &'a dyn Library) -> Self {
        Self {
            library,
            sources: Sources::default(),
            problems: Problems::new(),
            modules: Vec::new(),
            known: BTreeMap::new(),
            loading: Vec::new(),
        }
    }

    /// Loads the main file; `Err` when there is no text to speak of.
    pub(crate) fn main(&mut self, path: &str) -> Result<ModuleId, FileFault> {
        let text = self.library.text(path)?;
        Ok(self.add(path, text))
    }

    fn add(&mut self, path: &str, text: String) -> ModuleId {
        let id = self.sources.add(path, text);
        let parsed = self.sources.get(id).map(parse).unwrap_or_default();
        self.problems.extend(parsed.problems);
        self.loading.push(path.to_owned());
        let folder = path
            .rfind('/')
            .and_then(|at| path.get(..=at))
            .unwrap_or_default()
            .to_owned();
        let module = self.declare(parsed.tree, folder);
        self.loading.pop();
        let number = ModuleId(self.modules.len());
        self.modules.push(module);
        self.known.insert(path.to_owned(), number);
        number
    }

    fn declare(&mut self, file: File, folder: String) -> Module {
        let mut module = Module {
            folder,
            declared: BTreeMap::new(),
            experiments: Vec::new(),
            uses: Vec::new(),
        };
        for name in file.lost {
            self.insert(&mut module, Declared::Lost(name));
        }
        for item in file.items {
            match item {
                Item::Use(item) => self.used(&mut module, &item),
                Item::Let(item) => self.insert(&mut module, Declared::Let(item)),
                Item::Block(block) => {
                    if block.kind.text == "experiment" {
                        module.experiments.push(block.name.text.clone());
                    }
                    self.insert(&mut module, Declared::Block(block));
                }
            }
        }
        module
    }

    fn insert(&mut self, module: &mut Module, declared: Declared) {
        let name = declared.name().clone();
        if let Some(first) = module.declared.get(&name.text) {
            let problem = twice(&name, first.name().span);
            self.problems.push(problem);
        } else {
            module.declared.insert(name.text, declared);
        }
    }

    fn used(&mut self, module: &mut Module, item: &Use) {
        let (path, word, span) = match &item.module {
            ModulePath::Dotted(names) => match self.standard(names) {
                Some(word) => (format!("std/{word}.vp"), word, item.span),
                None => return,
            },
            ModulePath::File(text) => {
                let stem = text.value.rsplit('/').next().unwrap_or_default();
                let stem = stem.split('.').next().unwrap_or_default().to_owned();
                (join(&module.folder, &text.value), stem, text.span)
            }
        };
        let name = item.alias.as_ref().map_or(word, |alias| alias.text.clone());
        if let Some(found) = self.load(&path, span) {
            module.uses.push(Used {
                name,
                open: item.alias.is_none(),
                module: found,
            });
        }
    }

    /// Returns the last word of `std.word`.
    fn standard(&mut self, names: &[Name]) -> Option<String> {
        let problem = match names {
            [std, word] if std.text == "std" => {
                if STD.iter().any(|module| module.0 == word.text) {
                    return Some(word.text.clone());
                }
                let known = STD.iter().map(|module| module.0);
                let message = format!("there is no `std.{}`", word.text);
                Problem::error(Code("V0205"), word.span, message).help(advice(
                    &word.text,
                    "modules of `std`",
                    known,
                ))
            }
            _ => {
                let span = names.iter().map(|name| name.span).reduce(Span::to)?;
                Problem::error(Code("V0205"), span, "only `std` has modules by name").help(
                    "write `use std.scales`, or give a file in quotes: `use \"file.vp\" as name`",
                )
            }
        };
        self.problems.push(problem);
        None
    }

    fn load(&mut self, path: &str, span: Span) -> Option<ModuleId> {
        if let Some(&known) = self.known.get(path) {
            return Some(known);
        }
        if self.loading.iter().any(|loading| loading == path) {
            let ring = self.loading.join("` uses `");
            let message = format!("files use each other in a ring: `{ring}` uses `{path}`");
            let problem = Problem::error(Code("V0206"), span, message)
                .help("move what both need into a third file");
            self.problems.push(problem);
            return None;
        }
        let standard = path
            .strip_prefix("std/")
            .and_then(|rest| rest.strip_suffix(".vp"));
        let embedded = STD.iter().find(|module| Some(module.0) == standard);
        let text = match embedded {
            Some((_, text)) => Ok((*text).to_owned()),
            None => self.library.text(path),
        };
        match text {
            Ok(text) => Some(self.add(path, text)),
            Err(fault) => {
                self.problems.push(file_problem(path, span, &fault));
                None
            }
        }
    }
}

/// Says that a name is declared twice.
pub(crate) fn twice(name: &Name, first: Span) -> Problem {
    Problem::error(
        Code("V0202"),
        name.span,
        format!("`{}` is declared twice", name.text),
    )
    .label("again here")
    .also(first, "first here")
    .help("give one of them another name")
}

/// Says why a file cannot be used.
pub(crate) fn file_problem(path: &str, span: Span, fault: &FileFault) -> Problem {
    let (message, help) = match fault {
        FileFault::Missing => (
            format!("there is no file `{path}`"),
            "paths are relative to the folder of this `.vp` file; check the spelling",
        ),
        FileFault::Folder => (format!("`{path}` is a folder"), "name a file in it"),
        FileFault::NoFolder => (
            format!("`{path}` is no folder"),
            "name the folder that it is in",
        ),
        FileFault::NotUtf8(at) => (
            format!("`{path}` is not UTF-8: byte {at} starts no character"),
            "save the file as UTF-8",
        ),
        FileFault::Refused(why) => (
            format!("`{path}` cannot be read: {why}"),
            "check the file's permissions",
        ),
    };
    Problem::error(Code("V0601"), span, message).help(help)
}

/// Joins a folder and a relative path.
pub(crate) fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{folder}{path}")
    }
}
