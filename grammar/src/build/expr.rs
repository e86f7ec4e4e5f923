//! pest's pairs to the syntax tree: expressions.

use std::cell::RefCell;
use std::sync::LazyLock;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Builder, is_keyword};
use crate::limits;
use crate::parse::{TOO_DEEP, too_many_parts};
use crate::source::Span;
use crate::syntax::Rule;
use crate::tree::{Arg, Binary, Choose, Each, Expr, ExprKind, Literal, Quantity, Range, Unary};

/// How tightly operators bind, loosest first.
static PRATT: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::kw_or))
        .op(left(Rule::kw_and))
        .op(Op::prefix(Rule::kw_not))
        .op(left(Rule::eq)
            | left(Rule::ne)
            | left(Rule::lt)
            | left(Rule::le)
            | left(Rule::gt)
            | left(Rule::ge))
        .op(left(Rule::range_by))
        .op(left(Rule::range))
        .op(left(Rule::add) | left(Rule::sub))
        .op(left(Rule::mul) | left(Rule::div))
        .op(Op::prefix(Rule::neg))
});

impl Builder<'_> {
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let parts = pair.clone().into_inner().len();
        self.within(parts, &self.span(&pair), |builder| builder.fold(pair))
    }

    /// Builds something whose tree is at most `parts` deep, unless that is deeper than allowed.
    fn within<T>(
        &mut self,
        parts: usize,
        span: &Span,
        build: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if self.depth + parts > limits::EXPRESSION {
            if !self.problems.iter().any(|known| known.code == TOO_DEEP) {
                self.problems.push(too_many_parts(*span));
            }
            return None;
        }
        self.depth += parts;
        let built = build(self);
        self.depth -= parts;
        built
    }

    /// Folds terms and operators, the tighter ones first.
    fn fold(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let this = RefCell::new(self);
        PRATT
            .map_primary(|term| this.borrow_mut().term(term))
            .map_prefix(|op, value| {
                let value = value?;
                let span = this.borrow().span(&op).to(value.span);
                let op = if op.as_rule() == Rule::neg {
                    Unary::Neg
                } else {
                    Unary::Not
                };
                Some(Expr {
                    kind: ExprKind::Unary(op, Box::new(value)),
                    span,
                })
            })
            .map_infix(|left, op, right| Some(infix(left?, op.as_rule(), right?)))
            .parse(pair.into_inner())
    }

    fn term(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let parts = pair.clone().into_inner().len();
        self.within(parts, &self.span(&pair), |builder| builder.postfixes(pair))
    }

    fn postfixes(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let mut inner = pair.into_inner();
        let mut value = self.primary(inner.next()?)?;
        for postfix in inner {
            let span = value.span.to(self.span(&postfix));
            let of = Box::new(value);
            let kind = match postfix.as_rule() {
                Rule::call => ExprKind::Call(of, self.args(postfix)),
                Rule::member => ExprKind::Member(of, self.name(&postfix.into_inner().next()?)),
                _ => {
                    let body = postfix
                        .into_inner()
                        .find(|part| part.as_rule() == Rule::body)?;
                    ExprKind::With(of, self.body(body))
                }
            };
            value = Expr { kind, span };
        }
        Some(value)
    }

    fn args(&mut self, pair: Pair<'_, Rule>) -> Vec<Arg> {
        let arg = |arg: Pair<'_, Rule>| {
            let mut inner = arg.into_inner();
            let first = inner.next()?;
            match inner.next() {
                Some(value) => Some(Arg {
                    name: Some(self.name(&first)),
                    value: self.expr(value)?,
                }),
                None => Some(Arg {
                    name: None,
                    value: self.expr(first)?,
                }),
            }
        };
        pair.into_inner().filter_map(arg).collect()
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::quantity => ExprKind::Quantity(self.quantity(pair)),
            Rule::string => ExprKind::Text(self.text(pair).value),
            Rule::literal => ExprKind::Literal(literal(pair.as_str().trim_end())),
            Rule::every => ExprKind::Every(Box::new(self.operand(pair)?)),
            Rule::list => self.list(pair)?,
            Rule::group => {
                let mut values: Vec<Expr> = pair
                    .into_inner()
                    .filter_map(|part| self.expr(part))
                    .collect();
                if values.len() == 1 {
                    return values.pop().map(|inner| Expr { span, ..inner });
                }
                ExprKind::Tuple(values)
            }
            Rule::choose => {
                let mut parts = pair.into_inner().filter(|part| !is_keyword(part.as_rule()));
                let condition = self.expr(parts.next()?)?;
                let yes = self.expr(parts.next()?)?;
                let no = self.expr(parts.next()?)?;
                ExprKind::Choose(Box::new(Choose { condition, yes, no }))
            }
            _ => ExprKind::Name(pair.as_str().trim_end().to_owned()),
        };
        Some(Expr { kind, span })
    }

    fn quantity(&self, pair: Pair<'_, Rule>) -> Quantity {
        let mut quantity = Quantity {
            digits: String::new(),
            suffix: None,
            unit: None,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::number => quantity.digits = part.as_str().replace('_', ""),
                Rule::unit => quantity.unit = Some(self.name(&part)),
                _ => quantity.suffix = Some(part.as_str().to_owned()),
            }
        }
        quantity
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> Option<ExprKind> {
        let mut values = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::for_clause {
                let mut inner = part.into_inner().filter(|part| !is_keyword(part.as_rule()));
                let name = self.name(&inner.next()?);
                let list = self.expr(inner.next()?)?;
                let condition = inner.next().and_then(|condition| self.expr(condition));
                let each = Each {
                    value: values.pop()?,
                    name,
                    list,
                    condition,
                };
                return Some(ExprKind::Each(Box::new(each)));
            }
            values.extend(self.expr(part));
        }
        Some(ExprKind::List(values))
    }
}

fn literal(word: &str) -> Literal {
    match word {
        "rest" => Literal::Rest,
        "true" => Literal::True,
        "false" => Literal::False,
        _ => Literal::None,
    }
}

fn infix(left: Expr, op: Rule, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    let binary = match op {
        Rule::range => {
            let range = Range {
                from: left,
                to: right,
                by: None,
            };
            return Expr {
                kind: ExprKind::Range(Box::new(range)),
                span,
            };
        }
        Rule::range_by => return by(left, right, span),
        Rule::add => Binary::Add,
        Rule::sub => Binary::Sub,
        Rule::mul => Binary::Mul,
        Rule::div => Binary::Div,
        Rule::eq => Binary::Eq,
        Rule::ne => Binary::Ne,
        Rule::lt => Binary::Lt,
        Rule::le => Binary::Le,
        Rule::gt => Binary::Gt,
        Rule::ge => Binary::Ge,
        Rule::kw_and => Binary::And,
        _ => Binary::Or,
    };
    Expr {
        kind: ExprKind::Binary(binary, Box::new(left), Box::new(right)),
        span,
    }
}

/// `by` belongs to the range before it; elsewhere it has no meaning and is kept as a bare step.
fn by(left: Expr, step: Expr, span: Span) -> Expr {
    let ExprKind::Range(mut range) = left.kind else {
        let range = Range {
            from: left.clone(),
            to: left,
            by: Some(step),
        };
        return Expr {
            kind: ExprKind::Range(Box::new(range)),
            span,
        };
    };
    range.by = Some(step);
    Expr {
        kind: ExprKind::Range(range),
        span,
    }
}
