//! Sources of items: files, folders of photographs, scenes of the world.

use vpc_grammar::tree::ExprKind;
use vpc_grammar::{Code, Problem, Span};

use super::{Call, Evaluator, Reads};
use crate::library::FileFacts;
use crate::modules::{ModuleId, file_problem, join};
use crate::nearest::advice;
use crate::plan::{
    Ask, Broken, FileSpec, Fraction, ItemFields, ItemsSpec, Operation, PartSpec, PicturesSpec,
    Split,
};
use crate::schema::Type;
use crate::value::Value;

/// Kinds of items of the world, as it lists them itself.
const KINDS: [&str; 18] = [
    "caption",
    "existence",
    "colour",
    "size",
    "count",
    "place",
    "compare",
    "relate",
    "arithmetic",
    "two_hops",
    "fact",
    "digits",
    "letters",
    "chart",
    "existence_small",
    "existence_medium",
    "existence_large",
    "dialogue",
];

/// A part of a source, or all of it.
struct Taken(Option<PartSpec>);

impl Evaluator<'_> {
    /// Where items come from: what a function made, or a file read as it stands.
    pub(super) fn items(&self, span: Span, value: Value, module: ModuleId) -> Option<ItemsSpec> {
        match value {
            Value::Items(items) => Some(items),
            Value::Planned(_) | Value::Text(_) | Value::Located(_) => {
                Some(match self.files(span, value, module)? {
                    FileSpec::Planned { what } => ItemsSpec::Planned {
                        what,
                        advice: Operation::default(),
                    },
                    FileSpec::File { path, digest } => ItemsSpec::File {
                        path,
                        digest,
                        pictures: None,
                        fields: ItemFields::default(),
                        broken: Broken::default(),
                        part: None,
                    },
                })
            }
            other => {
                self.mismatch(span, Type::Items.words(), &other);
                None
            }
        }
    }

    /// `items(…)`, `folder(…)`, `scenes(…)`.
    pub(super) fn items_made(&self, call: &Call<'_>, module: ModuleId) -> Option<Value> {
        let seed = |span, value| self.count(span, value, 0);
        let made = match call.function.name {
            "scenes" => ItemsSpec::Scenes {
                kinds: self.kinds(call)?,
                side: side(call)?,
                seed: call.or("seed", 0, seed)?,
            },
            "folder" => {
                let folder = |span, path| self.folder_at(span, path, module);
                let (path, facts) = call.need("path", folder)?;
                let options = call.or("options", 4, |span, value| self.count(span, value, 2))?;
                ItemsSpec::Folder {
                    path: Operation::new(path),
                    digest: facts.digest,
                    ask: match call.word("ask")? {
                        "caption" => Ask::Caption,
                        _ => Ask::Options(options),
                    },
                    seed: call.or("seed", 0, seed)?,
                    broken: broken(call)?,
                    part: self.part(call)?.0,
                }
            }
            _ => {
                let (span, path) = call.value("path")?;
                let path = self.text_of(span, path, Type::Path)?;
                let (path, facts) = self.data_file(&path, span, module)?;
                let pictures = call.or("pictures", None, |span, path| {
                    let (path, facts) = self.folder_at(span, path, module)?;
                    Some(Some(PicturesSpec {
                        path: Operation::new(path),
                        digest: facts.digest,
                    }))
                })?;
                let known = ItemFields::default();
                let name = |name, known| {
                    call.or(name, known, |span, value| {
                        self.text_of(span, value, Type::Text)
                    })
                };
                ItemsSpec::File {
                    path: Operation::new(path),
                    digest: facts.digest,
                    pictures,
                    fields: ItemFields {
                        image: name("image", known.image)?,
                        question: name("question", known.question)?,
                        answer: name("answer", known.answer)?,
                    },
                    broken: broken(call)?,
                    part: self.part(call)?.0,
                }
            }
        };
        Some(Value::Items(made))
    }

    /// The folder at a path, with its facts.
    fn folder_at(&self, span: Span, path: Value, module: ModuleId) -> Option<(String, FileFacts)> {
        let path = self.text_of(span, path, Type::Path)?;
        self.folder(join(&self.module(module)?.folder, &path), span)
    }

    /// Asks for the facts of a folder.
    pub(super) fn folder(&self, path: String, span: Span) -> Option<(String, FileFacts)> {
        match self.library.folder(&path) {
            Ok(facts) if facts.bytes == 0 => {
                let message = format!("`{path}` has no files in it");
                self.report(
                    Problem::error(Code("V0602"), span, message).help("name the folder that has"),
                );
                None
            }
            Ok(facts) => Some((path, facts)),
            Err(fault) => {
                self.report(file_problem(&path, span, &fault));
                None
            }
        }
    }

    /// The part of a source that is taken.
    fn part(&self, call: &Call<'_>) -> Option<Taken> {
        let nothing = Fraction::new(0, 1)?;
        let held_out = call.or("held_out", nothing, |span, value| self.share(span, value))?;
        let side = side(call)?;
        let (out, whole) = held_out.parts();
        let at = |name: &str| call.expr(name).map_or(call.span, |expr| expr.span);
        if out == whole {
            let message = "the held-out share must leave items on both sides";
            self.report(Problem::error(Code("V0304"), at("held_out"), message));
            return None;
        }
        if out == 0 && side == Split::Test {
            let message = "nothing is held out of this source";
            self.report(
                Problem::error(Code("V0304"), at("side"), message)
                    .help("say how much is: `held_out: 20%`, the same for both sides"),
            );
            return None;
        }
        Some(Taken((out > 0).then_some(PartSpec { held_out, side })))
    }

    /// `[caption, existence]`: kinds of items.
    fn kinds(&self, call: &Call<'_>) -> Option<Vec<String>> {
        let expr = call.expr("kinds")?;
        let words = match &expr.kind {
            ExprKind::List(words) => words.as_slice(),
            _ => std::slice::from_ref(expr),
        };
        let mut kinds: Vec<String> = Vec::new();
        for word in words {
            let shown = self.sources.slice(word.span);
            if !KINDS.contains(&shown) {
                let message = format!("the world has no items of kind `{shown}`");
                let help = advice(shown, "kinds", KINDS);
                self.report(Problem::error(Code("V0214"), word.span, message).help(help));
                return None;
            }
            if kinds.iter().any(|known| known == shown) {
                let message = format!("the kind `{shown}` is listed twice");
                self.report(Problem::error(Code("V0404"), word.span, message));
                return None;
            }
            kinds.push(shown.to_owned());
        }
        if kinds.is_empty() {
            let message = "the list of kinds is empty";
            self.report(Problem::error(Code("V0214"), expr.span, message));
            return None;
        }
        Some(kinds)
    }
}

fn side(call: &Call<'_>) -> Option<Split> {
    Some(match call.word("side")? {
        "test" => Split::Test,
        _ => Split::Train,
    })
}

fn broken(call: &Call<'_>) -> Option<Broken> {
    Some(match call.word("broken")? {
        "skip" => Broken::Skip,
        _ => Broken::Fatal,
    })
}
