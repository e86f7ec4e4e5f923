//! Hypotheses and parts of reports as comparisons.

use vpc_grammar::tree::Block;

use super::{About, Results, elements};
use crate::confounds::{Compared, Said, View};
use crate::eval::Given;
use crate::plan::{Cell, Hypothesis};

/// The part that axes have in a kind of block: which fields name what is compared, and which name
/// what stands apart.
pub(super) struct Parts {
    pub(super) compared: &'static [&'static str],
    pub(super) within: &'static [&'static str],
    /// Whether the block claims something, and does not only show it.
    pub(super) claims: bool,
}

impl Results<'_> {
    /// Notes what a block compares; `None` after a mistake.
    pub(super) fn compares(
        &self,
        block: &Block,
        given: &Given<'_>,
        about: &About<'_>,
        (cells, parts): (&[Cell], &Parts),
    ) -> Option<()> {
        let said = Said::read(given)?;
        let named = |fields: &[&str]| {
            let exprs = fields.iter().filter_map(|field| given.fields.get(field));
            exprs.flat_map(elements).collect::<Vec<_>>()
        };
        let shown = |span| self.evaluator.sources.slice(span).to_owned();
        let compared = named(parts.compared).into_iter().map(|expr| Compared {
            axis: shown(expr.span),
            span: expr.span,
            pair: None,
            reference: None,
        });
        let names = |fields: &[&str]| named(fields).into_iter().map(|expr| shown(expr.span));
        self.views.borrow_mut().push(View {
            kind: block.kind.text.clone(),
            name: block.name.text.clone(),
            own: about.own.map(|own| own.name.clone()),
            experiments: about.experiments().map(|one| one.name.clone()).collect(),
            cells: cells.to_vec(),
            compared: compared.collect(),
            within: names(parts.within).collect(),
            blocks: names(&["blocks"]).collect(),
            claims: parts.claims,
            said,
        });
        Some(())
    }

    /// Notes what a hypothesis compares, which can be two values of its axis alone.
    pub(super) fn claims(
        &self,
        block: &Block,
        given: &Given<'_>,
        about: &About<'_>,
        claim: &Hypothesis,
    ) -> Option<()> {
        let parts = Parts {
            compared: &["along", "lines"],
            within: &["within"],
            // Lines are compared where they cross; along the axis they are curves.
            claims: claim.expect != "crosses",
        };
        let cells = std::slice::from_ref(&claim.measure);
        self.compares(block, given, about, (cells, &parts))?;
        let two = matches!(claim.expect.as_str(), "higher" | "lower" | "equal");
        let ends = || {
            let mut axes = about.experiments().flat_map(|one| &one.axes);
            let axis = axes.find(|axis| axis.name == claim.along)?;
            let pair = (axis.values.first()?.clone(), axis.values.last()?.clone());
            (two && pair.0 != pair.1).then_some(pair)
        };
        let pair = claim.between.clone().or_else(ends);
        let mut views = self.views.borrow_mut();
        let compared = views.last_mut().and_then(|view| view.compared.first_mut());
        if let Some(compared) = compared {
            compared.pair = pair;
        }
        Some(())
    }

    /// Says of what compares from here on that it stands in a report.
    pub(super) fn within_report(&self, from: usize, report: &str) {
        for view in self.views.borrow_mut().iter_mut().skip(from) {
            view.name = format!("{report}.{}", view.name);
        }
    }

    /// Says to which value of its rows a table holds the others.
    pub(super) fn holds_against(&self, value: Option<&str>) {
        let mut views = self.views.borrow_mut();
        let compared = views.last_mut().and_then(|view| view.compared.first_mut());
        if let Some(compared) = compared {
            compared.reference = value.map(str::to_owned);
        }
    }
}
