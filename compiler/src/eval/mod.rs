//! Expressions and declarations to values.

mod amend;
mod apply;
mod block;
mod call;
mod encoder;
mod expr;
mod fields;
mod items;
mod mix;
mod mixture;
mod published;
mod sight;
mod text;
mod things;
mod typed;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use vpc_grammar::tree::{Expr, ExprKind, Let, Name};
use vpc_grammar::{Code, Problem, Problems, Severity, Sources, Span};

use crate::library::Library;
use crate::limits;
use crate::modules::{Declared, Module, ModuleId};
use crate::nearest::advice;
use crate::value::Value;

pub(crate) use call::Call;
pub(crate) use fields::{Fields, Given, Reads, entry_span, misplaced};

/// Evaluates declarations on demand, each once.
pub(crate) struct Evaluator<'a> {
    pub(crate) library: &'a dyn Library,
    pub(crate) sources: &'a Sources,
    pub(crate) modules: &'a [Module],
    problems: RefCell<Problems>,
    /// Code and place of each problem, since one mistake is told once.
    told: RefCell<BTreeSet<(&'static str, Span)>>,
    done: RefCell<BTreeMap<(ModuleId, String), Value>>,
    /// Expressions being evaluated within each other.
    depth: Cell<usize>,
    /// Steps of the evaluation at hand.
    steps: Cell<usize>,
    /// Whether there were ever too many of either.
    spent: Cell<bool>,
    /// Declarations being evaluated, for rings.
    busy: RefCell<Vec<(ModuleId, String)>>,
}

/// What names mean at a place.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'s> {
    pub(crate) module: ModuleId,
    /// Parameters, axes at one point, elements of comprehensions.
    pub(crate) locals: Vec<(String, Value)>,
    /// `let`s of the experiment.
    pub(crate) lets: &'s [Let],
    /// How often each job of the experiment is repeated, once known.
    pub(crate) counts: &'s [(String, usize)],
    pub(crate) depth: usize,
}

impl Scope<'_> {
    pub(crate) fn of_module(module: ModuleId) -> Self {
        Self {
            module,
            locals: Vec::new(),
            lets: &[],
            counts: &[],
            depth: 0,
        }
    }

    pub(crate) fn with(&self, name: &str, value: Value) -> Self {
        let mut inner = self.clone();
        inner.locals.push((name.to_owned(), value));
        inner
    }
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        library: &'a dyn Library,
        sources: &'a Sources,
        modules: &'a [Module],
        problems: Problems,
    ) -> Self {
        Self {
            library,
            sources,
            modules,
            problems: RefCell::new(problems),
            told: RefCell::default(),
            done: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            spent: Cell::new(false),
            busy: RefCell::default(),
        }
    }

    /// Reports a problem unless the same was said of the same place.
    pub(crate) fn report(&self, problem: Problem) {
        let mut told = self.told.borrow_mut();
        if told.len() < limits::PROBLEMS && told.insert((problem.code.0, problem.at.span)) {
            self.problems.borrow_mut().push(problem);
        }
    }

    /// Whether no error was reported.
    pub(crate) fn is_sound(&self) -> bool {
        let problems = self.problems.borrow();
        problems
            .iter()
            .all(|problem| problem.severity != Severity::Error)
    }

    pub(crate) fn into_problems(self) -> Problems {
        self.problems.into_inner()
    }

    pub(crate) fn module(&self, id: ModuleId) -> Option<&'a Module> {
        self.modules.get(id.0)
    }

    /// Returns the value of a name at a place.
    fn lookup(&self, name: &str, span: Span, scope: &Scope<'_>) -> Value {
        if let Some((_, value)) = scope.locals.iter().rev().find(|local| local.0 == name) {
            return value.clone();
        }
        if let Some(item) = scope.lets.iter().find(|item| item.name.text == name) {
            return self.local_let(item, scope);
        }
        match self.find(name, span, scope.module) {
            Some(module) => self.declared(module, name, span),
            None => {
                self.unknown_name(name, span, scope);
                Value::Unknown
            }
        }
    }

    /// Evaluates a `let` of an experiment at the point at hand.
    fn local_let(&self, item: &Let, scope: &Scope<'_>) -> Value {
        if scope.depth > limits::LETS {
            let message = format!("`{}` is defined through itself", item.name.text);
            self.report(Problem::error(Code("V0204"), item.name.span, message));
            return Value::Unknown;
        }
        let mut inner = scope.clone();
        inner.depth += 1;
        self.eval(&item.value, &inner)
    }

    /// Returns the module that a bare name is declared in.
    fn find(&self, name: &str, span: Span, from: ModuleId) -> Option<ModuleId> {
        let module = self.module(from)?;
        let mut found: Vec<(ModuleId, String)> = Vec::new();
        if module.declared.contains_key(name) {
            found.push((from, "this file".to_owned()));
        }
        for used in module.uses.iter().filter(|used| used.open) {
            if self
                .module(used.module)
                .is_some_and(|module| module.declared.contains_key(name))
            {
                found.push((used.module, format!("`{}`", used.name)));
            }
        }
        if let [_, (_, second), ..] = found.as_slice() {
            let places: Vec<&str> = found.iter().map(|place| place.1.as_str()).collect();
            let message = format!("`{name}` is declared in {}", places.join(" and in "));
            let word = second.trim_matches('`');
            self.report(Problem::error(Code("V0203"), span, message).help(format!(
                "say which: write `{word}.{name}`, or take in the module with `as`"
            )));
        }
        found.first().map(|place| place.0)
    }

    /// Returns the value of a declaration, evaluating it at first need.
    pub(crate) fn declared(&self, module: ModuleId, name: &str, span: Span) -> Value {
        let id = (module, name.to_owned());
        if let Some(value) = self.done.borrow().get(&id) {
            return value.clone();
        }
        if self.busy.borrow().contains(&id) {
            self.ring(&id, span);
            return Value::Unknown;
        }
        let declared = self
            .module(module)
            .and_then(|module| module.declared.get(name));
        self.busy.borrow_mut().push(id.clone());
        let value = match declared {
            Some(Declared::Let(item)) => self.eval(&item.value, &Scope::of_module(module)),
            Some(Declared::Block(block)) => self.block(block, module),
            Some(Declared::Lost(_)) | None => Value::Unknown,
        };
        self.busy.borrow_mut().pop();
        self.done.borrow_mut().insert(id, value.clone());
        value
    }

    fn ring(&self, id: &(ModuleId, String), span: Span) {
        let busy = self.busy.borrow();
        let names = busy
            .iter()
            .skip_while(|other| *other != id)
            .map(|other| other.1.as_str());
        let ring: Vec<&str> = names.chain([id.1.as_str()]).collect();
        let message = format!("declarations form a ring: {}", ring.join(" → "));
        let declared = self
            .module(id.0)
            .and_then(|module| module.declared.get(&id.1));
        let mut problem = Problem::error(Code("V0204"), span, message)
            .label("closes the ring")
            .help("take one of the uses out");
        if let Some(declared) = declared {
            problem = problem.also(declared.name().span, "starts here");
        }
        self.report(problem);
    }

    fn unknown_name(&self, name: &str, span: Span, scope: &Scope<'_>) {
        if self.told.borrow().len() >= limits::PROBLEMS {
            return;
        }
        let known = self.names(scope);
        let problem = Problem::error(Code("V0201"), span, format!("nothing is called `{name}`"));
        let advice = advice(name, "names", known.iter().map(String::as_str));
        let problem = match crate::nearest::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => problem.fix(span, near.to_owned()),
            None => problem,
        };
        self.report(problem.help(advice));
    }

    /// All names known at a place.
    fn names(&self, scope: &Scope<'_>) -> Vec<String> {
        let locals = scope.locals.iter().map(|local| local.0.clone());
        // Names that nobody can write are those of what `with` changes.
        let mut names: Vec<String> = locals.filter(|name| !name.starts_with('#')).collect();
        names.extend(scope.lets.iter().map(|item| item.name.text.clone()));
        if let Some(module) = self.module(scope.module) {
            names.extend(module.declared.keys().cloned());
            for used in &module.uses {
                let inner = self
                    .module(used.module)
                    .map(|module| module.declared.keys());
                for name in inner.into_iter().flatten() {
                    names.push(format!("{}.{name}", used.name));
                    if used.open {
                        names.push(name.clone());
                    }
                }
            }
        }
        names
    }

    /// Returns the module a word before a dot stands for.
    pub(crate) fn used_module(&self, word: &str, scope: &Scope<'_>) -> Option<ModuleId> {
        let shadowed = scope.locals.iter().any(|local| local.0 == word);
        let module = self.module(scope.module).filter(|_| !shadowed)?;
        module
            .uses
            .iter()
            .find(|used| used.name == word)
            .map(|used| used.module)
    }

    /// Evaluates `word.name`.
    fn member(&self, of: &Expr, name: &Name, scope: &Scope<'_>) -> Value {
        if let ExprKind::Name(word) = &of.kind
            && let Some(module) = self.used_module(word, scope)
        {
            let declared = self.module(module).map(|module| &module.declared);
            if declared.is_some_and(|declared| declared.contains_key(&name.text)) {
                return self.declared(module, &name.text, name.span);
            }
            let known = declared.into_iter().flat_map(|declared| declared.keys());
            let message = format!("`{word}` declares no `{}`", name.text);
            let help = advice(&name.text, "its names", known.map(String::as_str));
            self.report(Problem::error(Code("V0201"), name.span, message).help(help));
            return Value::Unknown;
        }
        let value = self.eval(of, scope);
        if !matches!(value, Value::Unknown) {
            let message = format!("{} has no parts with names", value.describe());
            self.report(
                Problem::error(Code("V0214"), name.span, message)
                    .help("a dot follows the name of a module taken in with `use`"),
            );
        }
        Value::Unknown
    }
}
