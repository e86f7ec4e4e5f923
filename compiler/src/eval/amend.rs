//! `value with { path: value }`: a declared value, amended.

use std::collections::BTreeSet;

use vpc_grammar::tree::{Block, Body, Entry, Expr, ExprKind, Field, Name};
use vpc_grammar::{Code, Label, Problem};

use super::fields::{entry_span, member, path_span};
use super::{Evaluator, Scope};
use crate::modules::{join, twice};
use crate::nearest::advice;
use crate::schema::{self, Type};
use crate::value::Value;

/// A block being amended: what is written in the change is evaluated where it is written, and
/// known inside the block under a name that nobody can write.
struct Amended<'c, 's> {
    block: Block,
    locals: Vec<(String, Value)>,
    scope: &'c Scope<'s>,
}

impl Amended<'_, '_> {
    /// Makes a value known inside the block; returns its name there.
    fn know(&mut self, value: Value) -> String {
        let name = format!("#{}", self.locals.len());
        self.locals.push((name.clone(), value));
        name
    }
}

impl Evaluator<'_> {
    /// Evaluates `of with { … }`.
    pub(super) fn with(&self, of: &Expr, changes: &Body, scope: &Scope<'_>) -> Value {
        let value = self.eval(of, scope);
        if matches!(value, Value::Unknown) {
            return value;
        }
        let Some(origin) = value.origin() else {
            let message = format!("{} cannot be amended", value.describe());
            return self.fail(Problem::error(Code("V0215"), of.span, message).help(
                "`with` amends what was declared with a block, such as a scale or an adaptation",
            ));
        };
        let mut amended = Amended {
            block: (*origin.block).clone(),
            locals: origin.locals.clone(),
            scope,
        };
        let mut sound = changes.whole;
        let mut seen = BTreeSet::new();
        for change in &changes.entries {
            let problem = match change {
                Entry::Field(field) if !seen.insert(path_of(field)) => {
                    let message = format!("`{}` is given twice", path_of(field));
                    let problem = Problem::error(Code("V0211"), path_span(field), message);
                    Some(problem.help("keep one of them"))
                }
                Entry::Field(field) => self.amend_field(&mut amended, field),
                Entry::Block(block) => self.amend_block(&mut amended, block),
                other => {
                    let message = "`with` holds fields and blocks only";
                    Some(Problem::error(Code("V0208"), entry_span(other), message))
                }
            };
            if let Some(problem) = problem {
                self.report(problem);
                sound = false;
            }
        }
        if !sound {
            return Value::Unknown;
        }
        let inner = Scope {
            locals: amended.locals,
            ..Scope::of_module(origin.module)
        };
        let before = self.problems.borrow().len();
        let value = self.filled(&amended.block, &inner);
        // What is wrong may show in a field that was right before the change.
        for problem in self.problems.borrow_mut().iter_mut().skip(before) {
            let at = problem.at.span;
            let inside = at.source == changes.span.source
                && (changes.span.start..changes.span.end).contains(&at.start);
            if !inside {
                let before = std::mem::replace(
                    &mut problem.at,
                    Label {
                        span: changes.span,
                        text: "with this change".to_owned(),
                    },
                );
                problem.fix = None;
                problem.more.push(before);
            }
        }
        value
    }

    /// Replaces or adds a field; `stage.field` reaches into a nested block.
    fn amend_field(&self, amended: &mut Amended<'_, '_>, field: &Field) -> Option<Problem> {
        let nested = match field.path.as_slice() {
            [first, _, ..] => nested(&amended.block, &first.text),
            _ => None,
        };
        let kind = nested
            .as_ref()
            .map_or(&amended.block.kind.text, |kind| kind)
            .clone();
        let path = field.path.get(usize::from(nested.is_some())..)?;
        let written: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
        let written = written.join(".");
        if let Some(problem) =
            unknown_path(&amended.block, nested.is_some(), field, &kind, &written)
        {
            return Some(problem);
        }
        let change = Field {
            path: self.bound_path(amended, &kind, path),
            value: self.bound(amended, &kind, &written, &field.value),
            span: field.span,
        };
        let name = nested.is_some().then(|| field.path.first()).flatten();
        let body = match name {
            Some(name) => inner(&mut amended.block, &name.text)?,
            None => amended.block.body.as_mut()?,
        };
        put(body, change);
        None
    }

    /// Replaces or adds a nested block.
    fn amend_block(&self, amended: &mut Amended<'_, '_>, block: &Block) -> Option<Problem> {
        let mut block = block.clone();
        let kind = block.kind.text.clone();
        let entries = block.body.iter_mut().flat_map(|body| &mut body.entries);
        // Of an unknown kind nothing else is said.
        for entry in entries.filter(|_| schema::kind(&kind).is_some()) {
            if let Entry::Field(field) = entry {
                field.value = self.bound(amended, &kind, &path_of(field), &field.value);
            }
        }
        let body = amended.block.body.as_mut()?;
        let known = body.entries.iter().find_map(|entry| match entry {
            Entry::Block(old) if old.name.text == block.name.text => Some(old.name.span),
            _ => None,
        });
        if let Some(first) = known {
            let name = &block.name;
            return Some(twice(name, first).help(format!(
                "to change what is there, write `{}.field: value`",
                name.text
            )));
        }
        body.entries.push(Entry::Block(block));
        None
    }

    /// Evaluates a change where it is written; words and `rest` stay as they are.
    fn bound(&self, amended: &mut Amended<'_, '_>, kind: &str, name: &str, value: &Expr) -> Expr {
        let field = schema::kind(kind).and_then(|kind| kind.field(name));
        let literal = matches!(
            field.map(|field| field.kind),
            Some(Type::Word(_) | Type::Modules | Type::Stage)
        ) || matches!(value.kind, ExprKind::Literal(_))
            || (kind == "mixture" && name == "overlap");
        if literal {
            return value.clone();
        }
        let mut known = self.eval(value, amended.scope);
        let a_path = matches!(
            field.map(|field| field.kind),
            Some(Type::Path | Type::Files)
        );
        if let (true, Value::Text(text)) = (a_path, &known) {
            // A path is relative to the file it stands in, which is this one.
            let module = self.module(amended.scope.module);
            let folder = module.map_or("", |module| module.folder.as_str());
            known = Value::Located(join(folder, text));
        }
        Expr {
            kind: ExprKind::Name(amended.know(known)),
            span: value.span,
        }
    }

    /// A label below `labels.` that is new in the block is the one of this place.
    fn bound_path(&self, amended: &mut Amended<'_, '_>, kind: &str, path: &[Name]) -> Vec<Name> {
        let [family, names @ ..] = path else {
            return path.to_vec();
        };
        let schema = schema::kind(kind);
        if schema
            .and_then(|kind| kind.field(&format!("{}.…", family.text)))
            .is_none()
        {
            return path.to_vec();
        }
        let (Some(label), Some(body)) = (member(names), &amended.block.body) else {
            return path.to_vec();
        };
        let text = |path: &[Name]| {
            path.iter()
                .map(|name| name.text.clone())
                .collect::<Vec<_>>()
        };
        if body.fields().any(|field| text(&field.path) == text(path)) {
            return path.to_vec();
        }
        let name = Name {
            text: amended.know(self.eval(&label, amended.scope)),
            span: label.span,
        };
        vec![family.clone(), name]
    }
}

/// The kind of a nested block, by its name.
fn nested(block: &Block, name: &str) -> Option<String> {
    let body = block.body.as_ref()?;
    body.entries.iter().find_map(|entry| match entry {
        Entry::Block(block) if block.name.text == name => Some(block.kind.text.clone()),
        _ => None,
    })
}

/// Says that there is nothing of that path to amend.
fn unknown_path(
    block: &Block,
    nested: bool,
    field: &Field,
    kind: &str,
    written: &str,
) -> Option<Problem> {
    let schema = schema::kind(kind)?;
    let body = block.body.as_ref()?;
    let known: Vec<String> = if schema.fields.is_empty() {
        body.fields().map(path_of).collect()
    } else {
        let fields = schema.fields.iter().map(|field| field.name.to_owned());
        let blocks = body.entries.iter().filter_map(|entry| match entry {
            Entry::Block(inner) if !nested => Some(format!("{}.…", inner.name.text)),
            _ => None,
        });
        fields.chain(blocks).collect()
    };
    let family = written.split_once('.').map(|path| format!("{}.…", path.0));
    if known.iter().any(|name| name == written) || family.is_some_and(|f| known.contains(&f)) {
        return None;
    }
    let message = format!("`{}` has no `{}` to amend", block.name.text, path_of(field));
    Some(
        Problem::error(Code("V0216"), path_span(field), message).help(advice(
            written,
            "it has",
            known.iter().map(String::as_str),
        )),
    )
}

fn path_of(field: &Field) -> String {
    let names: Vec<&str> = field
        .path
        .iter()
        .map(|name: &Name| name.text.as_str())
        .collect();
    names.join(".")
}

/// The entries of a nested block.
fn inner<'b>(block: &'b mut Block, name: &str) -> Option<&'b mut Body> {
    let body = block.body.as_mut()?;
    body.entries.iter_mut().find_map(|entry| match entry {
        Entry::Block(block) if block.name.text == name => block.body.as_mut(),
        _ => None,
    })
}

/// Replaces the field of the same path, or adds it.
fn put(body: &mut Body, change: Field) {
    let path = path_of(&change);
    let old = body.entries.iter_mut().find_map(|entry| match entry {
        Entry::Field(old) if path_of(old) == path => Some(old),
        _ => None,
    });
    match old {
        Some(old) => *old = change,
        None => body.entries.push(Entry::Field(change)),
    }
}
