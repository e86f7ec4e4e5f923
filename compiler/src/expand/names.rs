//! The names an expression or block mentions.

use std::collections::BTreeSet;

use vpc_grammar::tree::{Block, Body, Entry, Expr, ExprKind, Let};

/// Names mentioned, with those of the experiment's `let`s followed.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn of_block(block: &Block, lets: &[Let]) -> Self {
        let mut names = Self::default();
        if let Some(body) = &block.body {
            names.body(body);
        }
        names.follow(lets);
        names
    }

    pub(super) fn of_body(body: &Body) -> Self {
        let mut names = Self::default();
        names.body(body);
        names
    }

    pub(super) fn of_expr(expr: &Expr, lets: &[Let]) -> Self {
        let mut names = Self::default();
        names.expr(expr);
        names.follow(lets);
        names
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Adds what the `let`s mentioned so far mention themselves.
    fn follow(&mut self, lets: &[Let]) {
        let mut followed = BTreeSet::new();
        loop {
            let next = lets
                .iter()
                .find(|item| self.has(&item.name.text) && !followed.contains(&item.name.text));
            let Some(item) = next else { return };
            followed.insert(item.name.text.clone());
            self.expr(&item.value);
        }
    }

    fn body(&mut self, body: &Body) {
        for entry in &body.entries {
            match entry {
                Entry::Field(field) => self.expr(&field.value),
                Entry::Vary(vary) => self.expr(&vary.values),
                Entry::Where(expr) | Entry::Check(expr) => self.expr(expr),
                Entry::Let(item) => self.expr(&item.value),
                Entry::Block(block) => {
                    if let Some(body) = &block.body {
                        self.body(body);
                    }
                }
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Quantity(_) | ExprKind::Text(_) | ExprKind::Literal(_) => {}
            ExprKind::Name(name) => {
                self.0.insert(name.clone());
            }
            ExprKind::List(values) | ExprKind::Tuple(values) => {
                for value in values {
                    self.expr(value);
                }
            }
            ExprKind::Each(each) => {
                self.expr(&each.value);
                self.expr(&each.list);
                each.condition
                    .iter()
                    .for_each(|condition| self.expr(condition));
            }
            ExprKind::Call(callee, args) => {
                self.expr(callee);
                for arg in args {
                    self.expr(&arg.value);
                }
            }
            ExprKind::Member(of, _) | ExprKind::Every(of) | ExprKind::Unary(_, of) => self.expr(of),
            ExprKind::With(of, body) => {
                self.expr(of);
                self.body(body);
            }
            ExprKind::Binary(_, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Range(range) => {
                self.expr(&range.from);
                self.expr(&range.to);
                range.by.iter().for_each(|by| self.expr(by));
            }
            ExprKind::Choose(choose) => {
                self.expr(&choose.condition);
                self.expr(&choose.yes);
                self.expr(&choose.no);
            }
        }
    }
}
