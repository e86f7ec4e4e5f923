//! Declared blocks to values: categories, mixtures, tokenizers, scales.

use std::collections::BTreeMap;
use std::rc::Rc;

use vpc_grammar::tree::{Block, Body, Entry, Expr, ExprKind, Field, Literal};
use vpc_grammar::{Code, Problem, Span};

use super::{Evaluator, Scope};
use crate::modules::ModuleId;
use crate::nearest::advice;
use crate::plan::{CorpusTask, Fraction, Task};
use crate::schema::{self, KINDS, Kind, Need, Place, Type};
use crate::value::{
    Category, Exact, Mixture, MixtureFlaw, Part, Scale, Tokenizer, TokenizerSource, Value, percent,
};

/// The fields of a block, checked against its kind.
pub(crate) struct Fields<'e> {
    given: BTreeMap<&'static str, &'e Expr>,
    /// Whether every field is known and every needed one is there.
    pub(crate) sound: bool,
}

impl<'e> Fields<'e> {
    /// Returns a field's expression.
    pub(crate) fn get(&self, name: &str) -> Option<&'e Expr> {
        self.given.get(name).copied()
    }
}

impl Evaluator<'_> {
    /// Evaluates a block declared in column 0.
    pub(super) fn block(&self, block: &Block, module: ModuleId) -> Value {
        match schema::kind(&block.kind.text) {
            Some(kind) if kind.place == Place::File => {
                if block.params.is_empty() {
                    self.filled(block, &Scope::of_module(module))
                } else {
                    Value::Blueprint(block.name.text.clone())
                }
            }
            found => self.fail(misplaced(block, found, Place::File)),
        }
    }

    /// Evaluates a block whose parameters, if any, are bound in the scope.
    pub(super) fn filled(&self, block: &Block, scope: &Scope<'_>) -> Value {
        let Some(body) = &block.body else {
            return match &block.value {
                Some(value) if block.kind.text == "mixture" => self.equal_mixture(value, scope),
                Some(value) => self.eval(value, scope),
                None => Value::Unknown,
            };
        };
        let made = match block.kind.text.as_str() {
            "category" => self.category(block, body, scope),
            "mixture" => return self.mixture_block(block, body, scope),
            "tokenizer" => self.tokenizer_block(block, body, scope),
            "scale" => self.scale_block(block, body, scope),
            _ => None,
        };
        made.unwrap_or(Value::Unknown)
    }

    fn equal_mixture(&self, value: &Expr, scope: &Scope<'_>) -> Value {
        let inner = self.eval(value, scope);
        self.mixture(value.span, inner)
            .map_or(Value::Unknown, Value::Mixture)
    }

    /// Checks the entries of a block against its kind.
    pub(crate) fn fields<'e>(&self, block: &Block, body: &'e Body) -> Option<Fields<'e>> {
        let kind = schema::kind(&block.kind.text)?;
        let mut fields = Fields {
            given: BTreeMap::new(),
            sound: body.whole,
        };
        for entry in &body.entries {
            let sound = match entry {
                Entry::Field(field) => self.take(kind, field, &mut fields),
                other => {
                    let span = entry_span(other);
                    let message = format!("a `{}` holds fields only: `name: value`", kind.name);
                    self.report(Problem::error(Code("V0208"), span, message));
                    false
                }
            };
            fields.sound &= sound;
        }
        for field in kind.fields {
            let missing = !fields.given.contains_key(field.name) && body.whole;
            if field.need == Need::Required && missing {
                let message = format!("`{}` needs `{}`", block.name.text, field.name);
                self.report(
                    Problem::error(Code("V0212"), block.name.span, message).help(format!(
                        "add `{}: …`, {}",
                        field.name,
                        field.kind.words()
                    )),
                );
                fields.sound = false;
            }
        }
        Some(fields)
    }

    fn take<'e>(&self, kind: &'static Kind, field: &'e Field, fields: &mut Fields<'e>) -> bool {
        let written: Vec<&str> = field.path.iter().map(|name| name.text.as_str()).collect();
        let written = written.join(".");
        let span = field
            .path
            .iter()
            .map(|name| name.span)
            .reduce(Span::to)
            .unwrap_or(field.span);
        let Some(known) = kind.field(&written) else {
            let names = kind.fields.iter().map(|field| field.name);
            let message = format!("a `{}` has no field `{written}`", kind.name);
            self.report(Problem::error(Code("V0210"), span, message).help(advice(
                &written,
                "its fields",
                names,
            )));
            return false;
        };
        if fields.given.insert(known.name, &field.value).is_some() {
            let message = format!("`{written}` is given twice");
            self.report(Problem::error(Code("V0211"), span, message).help("keep one of them"));
            return false;
        }
        true
    }

    fn category(&self, block: &Block, body: &Body, scope: &Scope<'_>) -> Option<Value> {
        let fields = self.fields(block, body)?;
        let source = fields.get("source")?;
        let source = match self.eval(source, scope) {
            Value::Source(source) => source,
            other => {
                self.mismatch(source.span, Type::Source.words(), &other);
                return None;
            }
        };
        let held_out = match fields.get("held_out") {
            Some(expr) => self.share(expr.span, self.eval(expr, scope))?,
            None => Fraction::new(1, 20)?,
        };
        if held_out.parts().0 == 0 || held_out.parts().0 == held_out.parts().1 {
            let span = fields
                .get("held_out")
                .map_or(block.name.span, |expr| expr.span);
            self.report(Problem::error(
                Code("V0304"),
                span,
                "the held-out share must leave text on both sides",
            ));
            return None;
        }
        let task = Task::Corpus(CorpusTask {
            source: source.clone(),
            held_out,
        });
        let key = task.record().key(task.kind(), task.version(), &[]);
        fields.sound.then(|| {
            Value::Category(Rc::new(Category {
                name: block.name.text.clone(),
                declared: block.name.span,
                source,
                held_out,
                key,
            }))
        })
    }

    fn mixture_block(&self, block: &Block, body: &Body, scope: &Scope<'_>) -> Value {
        let mut parts: Vec<(Span, Part)> = Vec::new();
        let mut rest: Option<Span> = None;
        let mut sound = true;
        for entry in &body.entries {
            let Entry::Field(field) = entry else {
                let message = "a `mixture` holds shares only: `category: 40%`";
                self.report(Problem::error(Code("V0208"), entry_span(entry), message));
                sound = false;
                continue;
            };
            if let (true, Some(first)) = (is_rest(&field.value), rest) {
                self.report(
                    Problem::error(Code("V0306"), field.value.span, "`rest` is taken already")
                        .also(first, "first here")
                        .help("only one part can take what is left; give the others a share"),
                );
                sound = false;
                continue;
            }
            if is_rest(&field.value) {
                rest = Some(field.value.span);
            }
            match self.part(field, scope) {
                Some(part) => parts.push((field.span, part)),
                None => sound = false,
            }
        }
        if !sound || !body.whole {
            return Value::Unknown;
        }
        let (spans, parts): (Vec<Span>, Vec<Part>) = parts.into_iter().unzip();
        match Mixture::blend(&parts) {
            Ok(mixture) => Value::Mixture(mixture),
            Err(flaw) => self.fail(flawed(block, &flaw, &spans, scope)),
        }
    }

    fn part(&self, field: &Field, scope: &Scope<'_>) -> Option<Part> {
        let mut path = field.path.iter();
        let first = path.next()?;
        let name = Expr {
            kind: ExprKind::Name(first.text.clone()),
            span: first.span,
        };
        let of = path.fold(name, |of, name| Expr {
            span: of.span.to(name.span),
            kind: ExprKind::Member(Box::new(of), name.clone()),
        });
        let of = self.mixture(of.span, self.eval(&of, scope));
        let share = if is_rest(&field.value) {
            None
        } else {
            Some(self.part_share(field.value.span, self.eval(&field.value, scope))?)
        };
        Some(Part { share, of: of? })
    }

    fn tokenizer_block(&self, block: &Block, body: &Body, scope: &Scope<'_>) -> Option<Value> {
        let fields = self.fields(block, body)?;
        let vocabulary = fields.get("vocabulary")?;
        let vocabulary = self.count(vocabulary.span, self.eval(vocabulary, scope), 2)?;
        let from = match (fields.get("data"), fields.get("file")) {
            (Some(data), None) => {
                let sample = match fields.get("sample") {
                    Some(expr) => self.bytes(expr.span, self.eval(expr, scope))?,
                    None => 4 << 20,
                };
                let data = self.mixture(data.span, self.eval(data, scope))?;
                if vocabulary < LEAST_VOCABULARY {
                    let span = fields.get("vocabulary")?.span;
                    let message = format!(
                        "a byte-level vocabulary needs at least {LEAST_VOCABULARY} entries: 256 bytes and the end of a text"
                    );
                    self.report(Problem::error(Code("V0304"), span, message));
                    return None;
                }
                TokenizerSource::Trained { data, sample }
            }
            (None, Some(file)) => {
                let text = self.text_of(file.span, self.eval(file, scope), Type::Path)?;
                let (path, digest) = self.data_file(&text, file.span, scope.module)?;
                TokenizerSource::Imported { path, digest }
            }
            _ => {
                let message = format!("`{}` needs either `data` or `file`", block.name.text);
                self.report(
                    Problem::error(Code("V0212"), block.name.span, message)
                        .help("`data` to train on a mixture, `file` to import a `tokenizer.json`"),
                );
                return None;
            }
        };
        fields.sound.then(|| {
            Value::Tokenizer(Rc::new(Tokenizer {
                name: block.name.text.clone(),
                declared: block.name.span,
                vocabulary,
                from,
            }))
        })
    }

    fn scale_block(&self, block: &Block, body: &Body, scope: &Scope<'_>) -> Option<Value> {
        let fields = self.fields(block, body)?;
        let count = |name: &str, default: Option<u64>| match fields.get(name) {
            Some(expr) => self.count(expr.span, self.eval(expr, scope), 1),
            None => default,
        };
        let width = count("width", None);
        let heads = count("heads", None);
        let (layers, context) = (count("layers", None), count("context", None));
        let (width, heads) = (width?, heads?);
        let kv_heads = count("kv_heads", Some(heads))?;
        let hidden = count("hidden", Some((8 * width).div_ceil(3).next_multiple_of(8)))?;
        let batch = match fields.get("batch") {
            Some(expr) => self.sequences(expr.span, self.eval(expr, scope))?,
            None => 16,
        };
        let rate = match fields.get("rate") {
            Some(expr) => self.number(expr.span, self.eval(expr, scope))?,
            None => Fraction::new(1, 1000)?,
        };
        let tied = match fields.get("tied") {
            Some(expr) => self.flag(expr.span, &self.eval(expr, scope))?,
            None => false,
        };
        let at = |name: &str| fields.get(name).map_or(block.name.span, |expr| expr.span);
        if let Some(problem) = indivisible(width, heads, kv_heads, &at) {
            self.report(problem);
            return None;
        }
        let rope_base = count("rope_base", Some(10_000))?;
        let (layers, context) = (layers?, context?);
        fields.sound.then(|| {
            Value::Scale(Rc::new(Scale {
                name: block.name.text.clone(),
                layers,
                width,
                heads,
                kv_heads,
                hidden,
                context,
                rope_base,
                tied,
                batch,
                rate,
            }))
        })
    }
}

/// 256 bytes and the end of a text.
const LEAST_VOCABULARY: u64 = 257;

/// Says where a kind of block belongs, or that there is no such kind.
pub(crate) fn misplaced(block: &Block, found: Option<&Kind>, here: Place) -> Problem {
    let word = &block.kind.text;
    let place = |place: Place| match place {
        Place::File => "in column 0 of a file",
        Place::Experiment => "inside an `experiment`",
        Place::Report => "inside a `report`",
    };
    match found {
        Some(kind) => {
            let message = format!("a `{word}` stands {}", place(kind.place));
            Problem::error(Code("V0208"), block.kind.span, message)
        }
        None if schema::RESERVED.contains(&word.as_str()) => {
            let message = format!("`{word}` is a kind that this version of vpc cannot run yet");
            Problem::error(Code("V0209"), block.kind.span, message)
                .help("take the block out, or wait for a version that has it")
        }
        None => {
            let fitting = KINDS
                .iter()
                .filter(|kind| kind.place == here)
                .map(|kind| kind.name);
            let message = format!("`{word}` is no kind of block");
            Problem::error(Code("V0207"), block.kind.span, message).help(advice(
                word,
                "kinds here",
                fitting,
            ))
        }
    }
}

fn is_rest(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(Literal::Rest))
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

/// Says why parts make no mixture, with the values of the parameters involved.
fn flawed(block: &Block, flaw: &MixtureFlaw, spans: &[Span], scope: &Scope<'_>) -> Problem {
    let one = Exact::from_integer(1.into());
    let bound: Vec<String> = scope
        .locals
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Number(number) => Some(format!("`{name}` = {}", number.show())),
            _ => None,
        })
        .collect();
    let with = if bound.is_empty() {
        String::new()
    } else {
        format!(" with {}", bound.join(", "))
    };
    match flaw {
        MixtureFlaw::Negative(at, share) => {
            let span = spans.get(*at).copied().unwrap_or(block.name.span);
            let message = format!("this part would get {}{with}", percent(share));
            Problem::error(Code("V0305"), span, message)
                .label("a share cannot be negative")
                .help("lower the other shares so that they leave something")
        }
        MixtureFlaw::Sum(sum) => {
            let message = format!("shares sum to {}, not 100%{with}", percent(sum));
            let problem = Problem::error(Code("V0302"), block.name.span, message);
            if *sum < one {
                let missing = percent(&(&one - sum));
                problem
                    .label(format!("{missing} is unassigned"))
                    .help("let one part take what is left: `name: rest`")
            } else {
                let over = percent(&(sum - &one));
                problem
                    .label(format!("{over} too much"))
                    .help("lower the shares to 100% in all")
            }
        }
    }
}

fn indivisible(
    width: u64,
    heads: u64,
    kv_heads: u64,
    at: &dyn Fn(&str) -> Span,
) -> Option<Problem> {
    let code = Code("V0311");
    if !width.is_multiple_of(heads) {
        let message = format!("the width {width} is not divisible by {heads} heads");
        let near = width.div_ceil(heads) * heads;
        return Some(
            Problem::error(code, at("width"), message)
                .also(at("heads"), "heads")
                .help(format!("for example `width: {near}`")),
        );
    }
    if !(width / heads).is_multiple_of(2) {
        let message = format!(
            "each head is {} wide, but rotary positions need an even width",
            width / heads
        );
        return Some(Problem::error(code, at("heads"), message));
    }
    if !heads.is_multiple_of(kv_heads) {
        let message = format!("{heads} heads cannot share {kv_heads} key and value heads evenly");
        return Some(
            Problem::error(code, at("kv_heads"), message).help("`kv_heads` must divide `heads`"),
        );
    }
    None
}
