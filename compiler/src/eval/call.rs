//! Calls of built-in functions and of blocks with parameters.

use std::collections::BTreeMap;

use vpc_grammar::tree::{Arg, Block, Expr, ExprKind};
use vpc_grammar::{Code, Problem, Span};

use super::{Evaluator, Scope};
use crate::modules::{Declared, ModuleId, file_problem, join};
use crate::nearest::advice;
use crate::plan::{ScheduleShape, SourceSpec};
use crate::schema::{FUNCTIONS, Function, Type, function};
use crate::value::{Number, Schedule, Value};

/// The arguments of a built-in function, by parameter.
struct Arguments<'e> {
    given: BTreeMap<&'static str, &'e Expr>,
    span: Span,
}

impl Evaluator<'_> {
    pub(super) fn call(&self, span: Span, callee: &Expr, args: &[Arg], scope: &Scope<'_>) -> Value {
        if let ExprKind::Name(name) = &callee.kind {
            let local = scope.locals.iter().any(|local| local.0 == *name);
            if let Some(function) = function(name).filter(|_| !local) {
                return self.built_in(function, span, args, scope);
            }
        }
        if let Some((module, block)) = self.blueprint(callee, scope) {
            return self.instance(block, module, span, args, scope);
        }
        if let ExprKind::Name(name) = &callee.kind
            && !self.names(scope).contains(name)
        {
            return self.no_function(name, callee.span, scope);
        }
        match self.eval(callee, scope) {
            Value::Unknown => Value::Unknown,
            other => {
                let names = FUNCTIONS.iter().map(|function| function.name);
                let message = format!("{} cannot be called", other.describe());
                let shown = self.sources.slice(callee.span);
                self.fail(
                    Problem::error(Code("V0213"), callee.span, message).help(advice(
                        shown,
                        "functions",
                        names,
                    )),
                )
            }
        }
    }

    fn no_function(&self, name: &str, span: Span, scope: &Scope<'_>) -> Value {
        let own = self
            .module(scope.module)
            .into_iter()
            .flat_map(|module| &module.declared);
        let blueprints = own.filter_map(|(name, declared)| match declared {
            Declared::Block(block) if !block.params.is_empty() => Some(name.as_str()),
            _ => None,
        });
        let known = FUNCTIONS
            .iter()
            .map(|function| function.name)
            .chain(blueprints);
        let message = format!("there is no function or mixture with parameters called `{name}`");
        self.fail(Problem::error(Code("V0201"), span, message).help(advice(
            name,
            "functions",
            known,
        )))
    }

    /// Returns the block with parameters that an expression names.
    fn blueprint(&self, callee: &Expr, scope: &Scope<'_>) -> Option<(ModuleId, &Block)> {
        let (module, name) = match &callee.kind {
            ExprKind::Name(name) if !scope.locals.iter().any(|local| local.0 == *name) => {
                (self.find_quietly(name, scope.module)?, name)
            }
            ExprKind::Member(of, name) => match &of.kind {
                ExprKind::Name(word) => (self.used_module(word, scope)?, &name.text),
                _ => return None,
            },
            _ => return None,
        };
        match self.module(module)?.declared.get(name)? {
            Declared::Block(block) if !block.params.is_empty() => Some((module, block)),
            _ => None,
        }
    }

    fn find_quietly(&self, name: &str, from: ModuleId) -> Option<ModuleId> {
        let module = self.module(from)?;
        if module.declared.contains_key(name) {
            return Some(from);
        }
        let open = module
            .uses
            .iter()
            .filter(|used| used.open)
            .map(|used| used.module);
        open.into_iter().find(|&id| {
            self.module(id)
                .is_some_and(|module| module.declared.contains_key(name))
        })
    }

    /// Evaluates a block with parameters for the arguments given.
    fn instance(
        &self,
        block: &Block,
        module: ModuleId,
        span: Span,
        args: &[Arg],
        scope: &Scope<'_>,
    ) -> Value {
        let mut inner = Scope::of_module(module);
        let mut given: BTreeMap<&str, &Expr> = BTreeMap::new();
        for (at, arg) in args.iter().enumerate() {
            let param = match &arg.name {
                None => block.params.get(at),
                Some(name) => block
                    .params
                    .iter()
                    .find(|param| param.name.text == name.text),
            };
            let Some(param) = param else {
                let names = block.params.iter().map(|param| param.name.text.as_str());
                let shown = arg.name.as_ref().map_or("", |name| name.text.as_str());
                let message = match shown {
                    "" => format!("`{}` is given more than it takes", block.name.text),
                    name => format!("`{}` has no parameter `{name}`", block.name.text),
                };
                return self.fail(
                    Problem::error(Code("V0213"), arg.value.span, message).help(advice(
                        shown,
                        "its parameters",
                        names,
                    )),
                );
            };
            given.insert(&param.name.text, &arg.value);
        }
        for param in &block.params {
            let Some(kind) = Type::of_parameter(&param.kind.text) else {
                let known = Type::PARAMETER_WORDS.iter().copied();
                let message = format!("`{}` is no type of parameter", param.kind.text);
                return self.fail(
                    Problem::error(Code("V0213"), param.kind.span, message).help(advice(
                        &param.kind.text,
                        "types",
                        known,
                    )),
                );
            };
            let value = match (given.get(param.name.text.as_str()), &param.default) {
                (Some(value), _) => self.argument(value, kind, scope),
                (None, Some(default)) => self.argument(default, kind, &inner),
                (None, None) => {
                    let message = format!("`{}` needs `{}`", block.name.text, param.name.text);
                    self.fail(
                        Problem::error(Code("V0213"), span, message)
                            .also(param.name.span, "declared here"),
                    );
                    None
                }
            };
            let Some(value) = value else {
                return Value::Unknown;
            };
            inner.locals.push((param.name.text.clone(), value));
        }
        self.filled(block, &inner)
    }

    fn built_in(
        &self,
        function: &'static Function,
        span: Span,
        args: &[Arg],
        scope: &Scope<'_>,
    ) -> Value {
        match self.arguments(function, span, args) {
            Some(arguments) => self
                .apply(function.name, &arguments, scope)
                .unwrap_or(Value::Unknown),
            None => Value::Unknown,
        }
    }

    /// Matches arguments with parameters.
    fn arguments<'e>(
        &self,
        function: &'static Function,
        span: Span,
        args: &'e [Arg],
    ) -> Option<Arguments<'e>> {
        let mut given = BTreeMap::new();
        let mut positional = function
            .parameters
            .iter()
            .filter(|parameter| parameter.positional);
        for arg in args {
            let parameter = match &arg.name {
                None => positional.next(),
                Some(name) => function.parameters.iter().find(|p| p.name == name.text),
            };
            let Some(parameter) = parameter else {
                let names = function.parameters.iter().map(|parameter| parameter.name);
                let (shown, at) = arg
                    .name
                    .as_ref()
                    .map_or(("", arg.value.span), |name| (name.text.as_str(), name.span));
                let message = match shown {
                    "" => format!(
                        "`{}` has no further parameter without a name",
                        function.name
                    ),
                    name => format!("`{}` has no parameter `{name}`", function.name),
                };
                self.report(Problem::error(Code("V0213"), at, message).help(advice(
                    shown,
                    "its parameters",
                    names,
                )));
                return None;
            };
            if given.insert(parameter.name, &arg.value).is_some() {
                let message = format!("`{}` is given twice", parameter.name);
                self.report(Problem::error(Code("V0213"), arg.value.span, message));
                return None;
            }
        }
        let missing = function
            .parameters
            .iter()
            .find(|p| p.default.is_none() && !given.contains_key(p.name));
        if let Some(missing) = missing {
            let message = format!("`{}` needs {}", function.name, missing.kind.words());
            self.report(Problem::error(Code("V0213"), span, message).help(function.doc));
            return None;
        }
        Some(Arguments { given, span })
    }

    fn apply(&self, name: &str, args: &Arguments<'_>, scope: &Scope<'_>) -> Option<Value> {
        let share = |whole: u32, per: u32| Number {
            value: crate::value::Exact::new(whole.into(), per.into()),
            unit: crate::value::Unit::Share,
        };
        Some(match name {
            "text" | "jsonl" => Value::Source(self.file_source(name, args, scope)?),
            "world" => Value::Source(self.world(args, scope)?),
            "constant" | "cosine" | "linear" | "wsd" => {
                let shape = match name {
                    "constant" => ScheduleShape::Constant,
                    "cosine" => ScheduleShape::Cosine,
                    "linear" => ScheduleShape::Linear,
                    _ => ScheduleShape::Wsd,
                };
                let floor = match shape {
                    ScheduleShape::Constant => share(1, 1),
                    ScheduleShape::Cosine => share(1, 10),
                    ScheduleShape::Linear | ScheduleShape::Wsd => share(0, 1),
                };
                let floor = args
                    .value(self, "floor", scope)
                    .unwrap_or(Value::Number(floor));
                let length = |name: &str, default: Number| match args.given.get(name) {
                    Some(expr) => self.length(expr.span, self.eval(expr, scope)),
                    None => Some(default),
                };
                let decay = match shape {
                    ScheduleShape::Wsd => Some(length("decay", share(1, 10))?),
                    _ => None,
                };
                Value::Schedule(Schedule {
                    shape,
                    warmup: length("warmup", share(1, 50))?,
                    decay,
                    floor: self.share(args.at("floor"), floor)?,
                })
            }
            "held_out" => {
                let value = args.value(self, "categories", scope)?;
                Value::Suite(self.categories(args.at("categories"), value)?)
            }
            "count" => self.count_of(args, scope)?,
            _ => Value::Unknown,
        })
    }

    fn file_source(
        &self,
        name: &str,
        args: &Arguments<'_>,
        scope: &Scope<'_>,
    ) -> Option<SourceSpec> {
        let span = args.at("path");
        let text = self.text_of(span, args.value(self, "path", scope)?, Type::Path)?;
        let (path, digest) = self.data_file(&text, span, scope.module)?;
        if name == "text" {
            return Some(SourceSpec::Text { path, digest });
        }
        let fields = match args.value(self, "field", scope) {
            Some(value) => self.texts(args.at("field"), value)?,
            None => vec!["text".to_owned()],
        };
        let join = match args.value(self, "join", scope) {
            Some(value) => self.text_of(args.at("join"), value, Type::Text)?,
            None => "\n".to_owned(),
        };
        Some(SourceSpec::Jsonl {
            path,
            digest,
            fields,
            join,
        })
    }

    /// Resolves a data file relative to the file that names it, and asks for its digest.
    pub(super) fn data_file(
        &self,
        text: &str,
        span: Span,
        module: ModuleId,
    ) -> Option<(String, crate::plan::Key)> {
        let path = join(&self.module(module)?.folder, text);
        match self.library.facts(&path) {
            Ok(facts) if facts.bytes == 0 => {
                let message = format!("`{path}` is empty");
                self.report(
                    Problem::error(Code("V0602"), span, message)
                        .help("give a file with text in it"),
                );
                None
            }
            Ok(facts) => Some((path, facts.digest)),
            Err(fault) => {
                self.report(file_problem(&path, span, &fault));
                None
            }
        }
    }

    fn world(&self, args: &Arguments<'_>, scope: &Scope<'_>) -> Option<SourceSpec> {
        let style = self.word("world", "style", args)?;
        let seed = match args.value(self, "seed", scope) {
            Some(value) => self.count(args.at("seed"), value, 0)?,
            None => 0,
        };
        let bytes = match args.value(self, "size", scope) {
            Some(value) => self.bytes(args.at("size"), value)?,
            None => 4 << 20,
        };
        Some(SourceSpec::World { style, seed, bytes })
    }

    /// An argument that is one of a few words, not a name of the study.
    fn word(&self, name: &str, parameter: &str, args: &Arguments<'_>) -> Option<String> {
        let kind = function(name)?
            .parameters
            .iter()
            .find(|p| p.name == parameter)?
            .kind;
        let Type::Word(words) = kind else { return None };
        let expr = args.given.get(parameter)?;
        let shown = self.sources.slice(expr.span).to_owned();
        if words.contains(&shown.as_str()) {
            return Some(shown);
        }
        let message = format!("`{shown}` is no {parameter} of `{name}`");
        self.report(
            Problem::error(Code("V0213"), expr.span, message).help(advice(
                &shown,
                &format!("{parameter}s"),
                words.iter().copied(),
            )),
        );
        None
    }

    fn count_of(&self, args: &Arguments<'_>, scope: &Scope<'_>) -> Option<Value> {
        let expr = args.given.get("job")?;
        let name = self.sources.slice(expr.span);
        if let Some((_, count)) = scope.counts.iter().find(|known| known.0 == name) {
            return Some(Value::Number(Number::plain(*count)));
        }
        let known = scope.counts.iter().map(|known| known.0.as_str());
        let message = format!("this experiment has no job `{name}`");
        self.report(
            Problem::error(Code("V0201"), expr.span, message).help(advice(name, "its jobs", known)),
        );
        None
    }
}

impl Arguments<'_> {
    fn value(&self, evaluator: &Evaluator<'_>, name: &str, scope: &Scope<'_>) -> Option<Value> {
        self.given.get(name).map(|expr| evaluator.eval(expr, scope))
    }

    fn at(&self, name: &str) -> Span {
        self.given.get(name).map_or(self.span, |expr| expr.span)
    }
}
