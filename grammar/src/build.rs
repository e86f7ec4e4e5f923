//! pest's pairs to the syntax tree.

use std::cell::RefCell;
use std::sync::LazyLock;

use pest::Parser;
use pest::iterators::{Pair, Pairs};
use pest::pratt_parser::{Assoc, Op, PrattParser};

use crate::cut::Piece;
use crate::limits;
use crate::parse::{TOO_DEEP, explain, too_many_parts};
use crate::problem::Problems;
use crate::source::{Source, Span};
use crate::syntax::{Rule, Syntax, without_gap};
use crate::tree::{
    Arg, Binary, Block, Body, Choose, Each, Entry, Expr, ExprKind, Field, Item, Let, Literal,
    ModulePath, Name, Param, Quantity, Range, Text, Unary, Use, Vary,
};

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

/// Builds the tree of one item.
pub(crate) struct Builder<'a> {
    source: &'a Source,
    piece: &'a Piece,
    /// Offset within the piece of the text being built.
    start: usize,
    /// Parts between the item and what is being built.
    depth: usize,
    pub(crate) problems: Problems,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(source: &'a Source, piece: &'a Piece) -> Self {
        Self {
            source,
            piece,
            start: 0,
            depth: 0,
            problems: Problems::new(),
        }
    }

    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        let end = span.start() + without_gap(pair.as_str()).len();
        self.range(span.start(), end)
    }

    fn range(&self, start: usize, end: usize) -> Span {
        let origin = |at| self.piece.origin(self.start + at);
        Span::new(self.source.id, origin(start), origin(end))
    }

    /// Builds the items of a piece or of a whole file; `None` where one cannot be built.
    pub(crate) fn items(&mut self, pairs: Pairs<'_, Rule>) -> Option<Vec<Item>> {
        let items = pairs.flat_map(Pair::into_inner);
        items
            .filter(|item| item.as_rule() != Rule::EOI)
            .map(|item| self.item(item))
            .collect()
    }

    fn item(&mut self, item: Pair<'_, Rule>) -> Option<Item> {
        match item.as_rule() {
            Rule::use_item => self.use_item(item).map(Item::Use),
            Rule::let_item => self.let_item(item).map(Item::Let),
            _ => self.block(item).map(Item::Block),
        }
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name {
            text: pair.as_str().trim_end().to_owned(),
            span: self.span(pair),
        }
    }

    fn use_item(&mut self, pair: Pair<'_, Rule>) -> Option<Use> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner().filter(|part| !is_keyword(part.as_rule()));
        let first = inner.next()?;
        let module = match first.as_rule() {
            Rule::string => ModulePath::File(self.text(first)),
            _ => ModulePath::Dotted(self.names(first)),
        };
        Some(Use {
            module,
            alias: inner.next().map(|name| self.name(&name)),
            span,
        })
    }

    fn names(&self, pair: Pair<'_, Rule>) -> Vec<Name> {
        pair.into_inner().map(|name| self.name(&name)).collect()
    }

    fn let_item(&mut self, pair: Pair<'_, Rule>) -> Option<Let> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner().filter(|part| !is_keyword(part.as_rule()));
        let name = self.name(&inner.next()?);
        Some(Let {
            name,
            value: self.expr(inner.next()?)?,
            span,
        })
    }

    fn text(&self, pair: Pair<'_, Rule>) -> Text {
        let span = self.span(&pair);
        let value = pair
            .into_inner()
            .map(|part| match (part.as_rule(), part.as_str()) {
                (Rule::escape, "\\n") => "\n",
                (Rule::escape, "\\t") => "\t",
                (Rule::escape, other) => other.get(1..).unwrap_or_default(),
                (_, text) => text,
            });
        Text {
            value: value.collect(),
            span,
        }
    }

    fn block(&mut self, pair: Pair<'_, Rule>) -> Option<Block> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let kind = self.name(&inner.next()?);
        let name = self.name(&inner.next()?);
        let mut block = Block {
            kind,
            name,
            doc: None,
            params: Vec::new(),
            value: None,
            body: None,
            span,
        };
        for part in inner {
            match part.as_rule() {
                Rule::string => block.doc = Some(self.text(part)),
                Rule::params => block.params = self.params(part),
                Rule::body => block.body = Some(self.body(part)),
                _ => block.value = self.expr(part),
            }
        }
        Some(block)
    }

    fn params(&mut self, pair: Pair<'_, Rule>) -> Vec<Param> {
        let mut params = Vec::new();
        for part in pair.into_inner() {
            let mut inner = part.into_inner();
            if let (Some(name), Some(kind)) = (inner.next(), inner.next()) {
                let default = inner.next().and_then(|value| self.expr(value));
                params.push(Param {
                    name: self.name(&name),
                    kind: self.name(&kind),
                    default,
                });
            }
        }
        params
    }

    fn body(&mut self, pair: Pair<'_, Rule>) -> Body {
        let span = self.span(&pair);
        let before = self.problems.len();
        let entries = pair
            .into_inner()
            .filter_map(|entry| self.entry(entry))
            .collect();
        Body {
            entries,
            whole: self.problems.len() == before && !self.piece.mended,
            span,
        }
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> Option<Entry> {
        match pair.as_rule() {
            Rule::vary => self.vary(pair).map(Entry::Vary),
            Rule::where_entry => self.operand(pair).map(Entry::Where),
            Rule::check => self.operand(pair).map(Entry::Check),
            Rule::let_item => self.let_item(pair).map(Entry::Let),
            Rule::field => self.field(pair).map(Entry::Field),
            Rule::block => self.block(pair).map(Entry::Block),
            _ => self.bad_entry(&pair),
        }
    }

    /// Parses a swallowed entry by itself, to find the exact place of the mistake.
    fn bad_entry(&mut self, pair: &Pair<'_, Rule>) -> Option<Entry> {
        let at = self.start + pair.as_span().start();
        let text = pair.as_str();
        match Syntax::parse(Rule::one_entry, text) {
            Err(error) => {
                let problem = explain(self.source, self.piece, at, text, &error);
                self.problems.extend(problem);
                None
            }
            Ok(pairs) => {
                let outer = std::mem::replace(&mut self.start, at);
                let entry = pairs.into_iter().next()?.into_inner().next();
                let entry = entry.and_then(|entry| self.entry(entry));
                self.start = outer;
                entry
            }
        }
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let value = pair.into_inner().find(|part| !is_keyword(part.as_rule()))?;
        self.expr(value)
    }

    fn vary(&mut self, pair: Pair<'_, Rule>) -> Option<Vary> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner().filter(|part| !is_keyword(part.as_rule()));
        let first = inner.next()?;
        let names = match first.as_rule() {
            Rule::vary_names => self.names(first),
            _ => vec![self.name(&first)],
        };
        Some(Vary {
            names,
            values: self.expr(inner.next()?)?,
            span,
        })
    }

    fn field(&mut self, pair: Pair<'_, Rule>) -> Option<Field> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let path = self.names(inner.next()?);
        Some(Field {
            path,
            value: self.expr(inner.next()?)?,
            span,
        })
    }

    fn expr(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let parts = pair.clone().into_inner().count();
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
        let parts = pair.clone().into_inner().count();
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

fn is_keyword(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::kw_use
            | Rule::kw_as
            | Rule::kw_let
            | Rule::kw_vary
            | Rule::kw_where
            | Rule::kw_check
            | Rule::kw_with
            | Rule::kw_for
            | Rule::kw_in
            | Rule::kw_if
            | Rule::kw_then
            | Rule::kw_else
            | Rule::kw_every
    )
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
