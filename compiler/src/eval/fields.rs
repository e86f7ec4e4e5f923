//! The fields of a block, checked against its kind.

use std::collections::BTreeMap;

use vpc_grammar::tree::{Block, Body, Entry, Expr, ExprKind, Field};
use vpc_grammar::{Code, Problem, Span};

use super::{Evaluator, Scope};
use crate::nearest::{a, advice};
use crate::schema::{self, KINDS, Kind, Need, Place, Type};
use crate::value::Value;

/// The fields and nested blocks of a block.
pub(crate) struct Fields<'e> {
    given: BTreeMap<&'static str, &'e Expr>,
    /// Fields below a family such as `labels.…`: what stands after the dot, and the value.
    pub(crate) families: Vec<(Expr, &'e Expr)>,
    /// Nested blocks, in the order written.
    pub(crate) blocks: Vec<&'e Block>,
    /// Whether every field is known and every needed one is there.
    pub(crate) sound: bool,
}

/// Fields with a way to evaluate them.
#[derive(Clone, Copy)]
pub(crate) struct Given<'g> {
    pub(crate) fields: &'g Fields<'g>,
    /// The kind's word.
    pub(crate) kind: &'g str,
    /// The block's name, for what is said of the whole.
    pub(crate) name: Span,
    pub(crate) evaluator: &'g Evaluator<'g>,
    /// Evaluates an expression at the point at hand.
    pub(crate) eval: &'g dyn Fn(&Expr) -> Value,
}

/// Something with values by name: the fields of a block, the arguments of a call.
pub(crate) trait Reads {
    /// Returns a value and its place, where it is given.
    fn value(&self, name: &str) -> Option<(Span, Value)>;

    /// Reads what must be given; that it is missing was reported.
    fn need<T>(&self, name: &str, read: impl FnOnce(Span, Value) -> Option<T>) -> Option<T> {
        let (span, value) = self.value(name)?;
        read(span, value)
    }

    /// Reads a value, or takes the default where it is left out; `None` after a mistake.
    fn or<T>(
        &self,
        name: &str,
        default: T,
        read: impl FnOnce(Span, Value) -> Option<T>,
    ) -> Option<T> {
        match self.value(name) {
            Some((span, value)) => read(span, value),
            None => Some(default),
        }
    }
}

impl<'e> Fields<'e> {
    /// Returns a field's expression.
    pub(crate) fn get(&self, name: &str) -> Option<&'e Expr> {
        self.given.get(name).copied()
    }
}

impl Given<'_> {
    /// Returns where a field stands, or the block's name where it is left out.
    pub(crate) fn at(&self, name: &str) -> Span {
        self.fields.get(name).map_or(self.name, |expr| expr.span)
    }

    /// Reads a field that holds one of a few words; `None` after a mistake.
    pub(crate) fn word(&self, name: &str, default: &'static str) -> Option<&'static str> {
        let Some(expr) = self.fields.get(name) else {
            return Some(default).filter(|word| !word.is_empty());
        };
        let field = schema::kind(self.kind).and_then(|kind| kind.field(name))?;
        let Type::Word(words) = field.kind else {
            return None;
        };
        let shown = self.evaluator.sources.slice(expr.span);
        let found = words.iter().find(|word| **word == shown);
        if found.is_none() {
            let message = format!("`{shown}` is no `{name}` of {}", a(self.kind));
            let help = advice(shown, "it is one of", words.iter().copied());
            self.evaluator
                .report(Problem::error(Code("V0214"), expr.span, message).help(help));
        }
        found.copied()
    }
}

impl Reads for Given<'_> {
    fn value(&self, name: &str) -> Option<(Span, Value)> {
        let expr = self.fields.get(name)?;
        Some((expr.span, (self.eval)(expr)))
    }
}

impl Evaluator<'_> {
    /// Checks the entries of a block against its kind.
    pub(crate) fn fields<'e>(&self, block: &Block, body: &'e Body) -> Option<Fields<'e>> {
        let kind = schema::kind(&block.kind.text)?;
        let mut fields = Fields {
            given: BTreeMap::new(),
            families: Vec::new(),
            blocks: Vec::new(),
            sound: body.whole,
        };
        for entry in &body.entries {
            let sound = match (entry, kind.inside()) {
                (Entry::Field(field), _) => self.take(kind, field, &mut fields),
                (Entry::Block(block), Some(place)) => self.nest(block, place, &mut fields),
                (other, _) => {
                    let span = entry_span(other);
                    let message = format!("{} holds fields only: `name: value`", a(kind.name));
                    self.report(Problem::error(Code("V0208"), span, message));
                    false
                }
            };
            fields.sound &= sound;
        }
        let left_out = |field: &&schema::Field| {
            field.need == Need::Required && !fields.given.contains_key(field.name)
        };
        let missing: Vec<_> = kind.fields.iter().filter(left_out).collect();
        if body.whole && !missing.is_empty() {
            self.incomplete(block, &missing);
            fields.sound = false;
        }
        Some(fields)
    }

    /// Says which fields must be given too.
    fn incomplete(&self, block: &Block, missing: &[&schema::Field]) {
        let names: Vec<String> = missing
            .iter()
            .map(|field| format!("`{}`", field.name))
            .collect();
        let (last, others) = names
            .split_last()
            .map_or(("", names.as_slice()), |split| (split.0.as_str(), split.1));
        let list = match others {
            [] => last.to_owned(),
            others => format!("{} and {last}", others.join(", ")),
        };
        let lines = missing.iter().map(|field| match field.kind {
            Type::Word(words) => {
                format!("add `{}: …`, one of `{}`", field.name, words.join("`, `"))
            }
            kind => format!("add `{}: …`, {}", field.name, kind.words()),
        });
        let message = format!("`{}` needs {list}", block.name.text);
        let help = lines.collect::<Vec<_>>().join("\n");
        self.report(Problem::error(Code("V0212"), block.name.span, message).help(help));
    }

    fn nest<'e>(&self, block: &'e Block, place: Place, fields: &mut Fields<'e>) -> bool {
        let found = schema::kind(&block.kind.text);
        if !found.is_some_and(|kind| kind.stands(place)) {
            self.report(misplaced(block, found, place));
            return false;
        }
        let same = |known: &&&Block| known.name.text == block.name.text;
        if let Some(first) = fields.blocks.iter().find(same) {
            self.report(crate::modules::twice(&block.name, first.name.span));
            return false;
        }
        fields.blocks.push(block);
        true
    }

    fn take<'e>(&self, kind: &'static Kind, field: &'e Field, fields: &mut Fields<'e>) -> bool {
        let written: Vec<&str> = field.path.iter().map(|name| name.text.as_str()).collect();
        let written = written.join(".");
        let span = path_span(field);
        if let [family, names @ ..] = field.path.as_slice()
            && kind.field(&format!("{}.…", family.text)).is_some()
            && let Some(expr) = member(names)
        {
            fields.families.push((expr, &field.value));
            return true;
        }
        let Some(known) = kind.field(&written) else {
            let names = kind.fields.iter().map(|field| field.name);
            let message = format!("{} has no field `{written}`", a(kind.name));
            let help = advice(&written, "its fields", names);
            self.report(Problem::error(Code("V0210"), span, message).help(help));
            return false;
        };
        if fields.given.insert(known.name, &field.value).is_some() {
            let message = format!("`{written}` is given twice");
            self.report(Problem::error(Code("V0211"), span, message).help("keep one of them"));
            return false;
        }
        true
    }

    /// Reads the fields of a block in a scope.
    pub(crate) fn reading<T>(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
        read: impl FnOnce(Given<'_>) -> Option<T>,
    ) -> Option<T> {
        let fields = self.fields(block, body)?;
        let made = read(Given {
            fields: &fields,
            kind: &block.kind.text,
            name: block.name.span,
            evaluator: self,
            eval: &|expr| self.eval(expr, scope),
        });
        made.filter(|_| fields.sound)
    }
}

/// Where the path of a field stands.
pub(crate) fn path_span(field: &Field) -> Span {
    let names = field.path.iter().map(|name| name.span);
    names.reduce(Span::to).unwrap_or(field.span)
}

/// `a.b.c` as an expression.
pub(crate) fn member(names: &[vpc_grammar::tree::Name]) -> Option<Expr> {
    let (first, rest) = names.split_first()?;
    let name = Expr {
        kind: ExprKind::Name(first.text.clone()),
        span: first.span,
    };
    Some(rest.iter().fold(name, |of, name| Expr {
        span: of.span.to(name.span),
        kind: ExprKind::Member(Box::new(of), name.clone()),
    }))
}

/// Says where a kind of block belongs, or that there is no such kind.
pub(crate) fn misplaced(block: &Block, found: Option<&Kind>, here: Place) -> Problem {
    let word = &block.kind.text;
    if let Some(kind) = found {
        let places: Vec<&str> = kind.places.iter().map(|place| place.words()).collect();
        let message = format!("{} stands {}", a(word), places.join(" or "));
        return Problem::error(Code("V0208"), block.kind.span, message);
    }
    let fitting = KINDS.iter().filter(|kind| kind.stands(here));
    let message = format!("`{word}` is no kind of block");
    Problem::error(Code("V0207"), block.kind.span, message).help(advice(
        word,
        "kinds here",
        fitting.map(|kind| kind.name),
    ))
}

/// Where an entry stands.
pub(crate) fn entry_span(entry: &Entry) -> Span {
    match entry {
        Entry::Field(field) => field.span,
        Entry::Block(block) => block.kind.span.to(block.name.span),
        Entry::Vary(vary) => vary.span,
        Entry::Let(item) => item.span,
        Entry::Where(expr) | Entry::Check(expr) => expr.span,
    }
}
