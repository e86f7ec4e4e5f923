//! pest's pairs to the syntax tree: items, blocks and entries.

mod expr;

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use crate::cut::Piece;
use crate::parse::explain;
use crate::problem::Problems;
use crate::source::{Source, Span};
use crate::syntax::{Rule, Syntax, without_gap};
use crate::tree::{
    Block, Body, Entry, Expr, Field, Item, Let, ModulePath, Name, Param, Text, Use, Vary,
};

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
