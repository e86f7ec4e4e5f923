//! Calls of built-in functions and of blocks with parameters.

use std::collections::BTreeMap;

use vpc_grammar::tree::{Arg, Block, Expr, ExprKind};
use vpc_grammar::{Code, Problem, Span};

use super::{Evaluator, Reads, Scope};
use crate::modules::{Declared, ModuleId};
use crate::nearest::advice;
use crate::schema::{FUNCTIONS, Function, Parameter, Type, function};
use crate::value::Value;

/// A call of a built-in function: its arguments by parameter.
pub(crate) struct Call<'e> {
    pub(crate) function: &'static Function,
    given: BTreeMap<&'static str, &'e Expr>,
    pub(crate) span: Span,
    evaluator: &'e Evaluator<'e>,
    eval: &'e dyn Fn(&Expr) -> Value,
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
                let known = Type::parameter_words();
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
        let eval = |expr: &Expr| self.eval(expr, scope);
        let call = self.arguments(function, span, args, &eval);
        let value = call.and_then(|call| self.apply(&call, scope));
        value.unwrap_or(Value::Unknown)
    }

    /// Matches arguments with parameters.
    pub(crate) fn arguments<'e>(
        &'e self,
        function: &'static Function,
        span: Span,
        args: &'e [Arg],
        eval: &'e dyn Fn(&Expr) -> Value,
    ) -> Option<Call<'e>> {
        let mut given = BTreeMap::new();
        let mut positional = function.parameters.iter().filter(|p| p.positional);
        for arg in args {
            let parameter = match &arg.name {
                None => positional.next(),
                Some(name) => function.parameters.iter().find(|p| p.name == name.text),
            };
            let Some(parameter) = parameter else {
                self.no_parameter(function, arg);
                return None;
            };
            if given.insert(parameter.name, &arg.value).is_some() {
                let message = format!("`{}` is given twice", parameter.name);
                self.report(Problem::error(Code("V0213"), arg.value.span, message));
                return None;
            }
        }
        let missing = |p: &&Parameter| p.default.is_none() && !given.contains_key(p.name);
        if let Some(missing) = function.parameters.iter().find(missing) {
            let message = format!("`{}` needs {}", function.name, missing.kind.words());
            self.report(Problem::error(Code("V0213"), span, message).help(function.doc));
            return None;
        }
        Some(Call {
            function,
            given,
            span,
            evaluator: self,
            eval,
        })
    }

    fn no_parameter(&self, function: &Function, arg: &Arg) {
        let names = function.parameters.iter().map(|parameter| parameter.name);
        let name = arg.name.as_ref();
        let at = name.map_or(arg.value.span, |name| name.span);
        let shown = name.map_or("", |name| name.text.as_str());
        let message = match shown {
            "" => format!(
                "`{}` has no further parameter without a name",
                function.name
            ),
            name => format!("`{}` has no parameter `{name}`", function.name),
        };
        let help = advice(shown, "its parameters", names);
        self.report(Problem::error(Code("V0213"), at, message).help(help));
    }
}

impl Reads for Call<'_> {
    fn value(&self, name: &str) -> Option<(Span, Value)> {
        let expr = self.given.get(name)?;
        Some((expr.span, (self.eval)(expr)))
    }
}

impl Call<'_> {
    /// Returns an argument's expression.
    pub(crate) fn expr(&self, name: &str) -> Option<&Expr> {
        self.given.get(name).copied()
    }

    /// Returns an argument that is one of a few words, or its default.
    pub(crate) fn word(&self, name: &str) -> Option<&'static str> {
        let parameter = self.function.parameters.iter().find(|p| p.name == name)?;
        let Some(expr) = self.expr(name) else {
            return parameter.default;
        };
        let Type::Word(words) = parameter.kind else {
            return None;
        };
        let shown = self.evaluator.sources.slice(expr.span);
        let found = words.iter().find(|word| **word == shown);
        if found.is_none() {
            let message = format!("`{shown}` is no {name} of `{}`", self.function.name);
            let help = advice(shown, &format!("{name}s"), words.iter().copied());
            self.evaluator
                .report(Problem::error(Code("V0213"), expr.span, message).help(help));
        }
        found.copied()
    }
}
