//! `report` blocks and what stands in them.

use vpc_grammar::tree::{Block, Entry, ExprKind, Name};
use vpc_grammar::{Code, Problem};

use super::view::Parts;
use super::{About, Results, doc, in_report};
use crate::eval::{Given, Reads, entry_span, misplaced};
use crate::modules::twice;
use crate::plan::{Band, Correlation, Experiment, Fraction, Plot, Ranking, Report, Table, Trend};
use crate::schema::{self, Place, Type, function};
use crate::value::Value;

impl<'e> Results<'e> {
    pub(super) fn report(&self, block: &Block, own: Option<&'e Experiment>) -> Report {
        let mut report = Report {
            name: block.name.text.clone(),
            doc: doc(block),
            tables: Vec::new(),
            plots: Vec::new(),
            trends: Vec::new(),
            rankings: Vec::new(),
            correlations: Vec::new(),
        };
        let mut names: Vec<&Name> = Vec::new();
        for entry in block.body.iter().flat_map(|body| &body.entries) {
            match entry {
                Entry::Block(part) if in_report(part) => {
                    match names.iter().find(|known| known.text == part.name.text) {
                        Some(first) => self.evaluator.report(twice(&part.name, first.span)),
                        None => {
                            let before = self.views.borrow().len();
                            self.part(part, own, &mut report);
                            self.within_report(before, &report.name);
                        }
                    }
                    names.push(&part.name);
                }
                Entry::Block(part) => {
                    let found = schema::kind(&part.kind.text);
                    self.evaluator.report(misplaced(part, found, Place::Report));
                }
                other => {
                    let message = "a `report` holds tables, plots and analyses";
                    self.evaluator.report(
                        Problem::error(Code("V0208"), entry_span(other), message)
                            .help("write `table name { cells: […], rows: axis }`"),
                    );
                }
            }
        }
        report
    }

    fn part(&self, part: &Block, own: Option<&'e Experiment>, report: &mut Report) {
        let sound = match part.kind.text.as_str() {
            "plot" => self.plot(part, own).map(|plot| report.plots.push(plot)),
            "trend" => self.trend(part, own).map(|trend| report.trends.push(trend)),
            "ranking" => self.ranking(part, own).map(|one| report.rankings.push(one)),
            "correlation" => {
                let read = self.correlation(part, own);
                read.map(|one| report.correlations.push(one))
            }
            _ => self.table(part, own).map(|table| report.tables.push(table)),
        };
        // What could not be read was reported.
        sound.unwrap_or_default();
    }

    fn table(&self, block: &Block, own: Option<&'e Experiment>) -> Option<Table> {
        self.reading(block, |given| {
            let about = self.about(&given, own)?;
            let cells = self.cells(&given, "cells", &about);
            let rows = self.axes(&given, "rows", &about);
            let columns = self.axes(&given, "columns", &about);
            let (cells, rows, columns) = (cells?, rows?, columns?);
            let relative_to = match given.fields.get("relative_to") {
                None => None,
                Some(expr) => {
                    let [axis] = rows.as_slice() else {
                        let message = "what is relative to a value has one axis of rows";
                        self.evaluator
                            .report(Problem::error(Code("V0501"), expr.span, message));
                        return None;
                    };
                    Some(self.on_axis(expr, axis, &about)?)
                }
            };
            let parts = Parts {
                compared: &["rows", "columns"],
                within: &[],
                claims: false,
            };
            self.compares(block, &given, &about, (&cells, &parts))?;
            self.holds_against(relative_to.as_deref());
            Some(Table {
                name: block.name.text.clone(),
                doc: doc(block),
                cells,
                rows,
                columns,
                relative_to,
                over: about.names(),
            })
        })
    }

    fn plot(&self, block: &Block, own: Option<&'e Experiment>) -> Option<Plot> {
        self.reading(block, |given| {
            let about = self.about(&given, own)?;
            let y = self.cells(&given, "y", &about);
            let x = self.axis(given.fields.get("x")?, &about);
            let colour = self.side(&given, "colour", &about);
            let panel = self.side(&given, "panel", &about);
            let band = match given.fields.get("band") {
                None => None,
                Some(_) => Some(self.band(&given, &about)?),
            };
            let parts = Parts {
                compared: &["x", "colour", "panel"],
                within: &[],
                claims: false,
            };
            let y = y?;
            self.compares(block, &given, &about, (&y, &parts))?;
            Some(Plot {
                name: block.name.text.clone(),
                doc: doc(block),
                y,
                x: x?,
                colour: colour?.pop(),
                panel: panel?.pop(),
                band,
                over: about.names(),
            })
        })
    }

    /// One axis at most.
    fn side(&self, given: &Given<'_>, name: &str, about: &About<'_>) -> Option<Vec<String>> {
        let axes = self.axes(given, name, about)?;
        if axes.len() > 1 {
            let message = format!("`{name}` takes one axis");
            self.evaluator
                .report(Problem::error(Code("V0501"), given.at(name), message));
            return None;
        }
        Some(axes)
    }

    /// `ci(seed, 95%)`.
    fn band(&self, given: &Given<'_>, about: &About<'_>) -> Option<Band> {
        let expr = given.fields.get("band")?;
        let ci = function("ci")?;
        let args = match &expr.kind {
            ExprKind::Call(callee, args) if self.evaluator.sources.slice(callee.span) == "ci" => {
                args
            }
            _ => {
                let found = (given.eval)(expr);
                self.evaluator
                    .mismatch(expr.span, Type::Band.words(), &found);
                return None;
            }
        };
        let call = self.evaluator.arguments(ci, expr.span, args, given.eval)?;
        let level = call.or("level", Fraction::new(19, 20)?, |span, value| {
            self.evaluator.share(span, value)
        });
        Some(Band {
            axis: self.axis(call.expr("over")?, about)?,
            level: level?,
        })
    }

    fn trend(&self, block: &Block, own: Option<&'e Experiment>) -> Option<Trend> {
        self.reading(block, |given| {
            let about = self.about(&given, own)?;
            let of = self.cells(&given, "of", &about);
            let along = self.axis(given.fields.get("along")?, &about);
            let within = self.axes(&given, "within", &about);
            let parts = Parts {
                compared: &["along"],
                within: &["within"],
                claims: true,
            };
            let of = of?;
            self.compares(block, &given, &about, (&of, &parts))?;
            Some(Trend {
                name: block.name.text.clone(),
                doc: doc(block),
                of,
                along: along?,
                within: within?,
                over: about.names(),
            })
        })
    }

    fn ranking(&self, block: &Block, own: Option<&'e Experiment>) -> Option<Ranking> {
        self.reading(block, |given| {
            let about = self.about(&given, own)?;
            let of = self.cells(&given, "of", &about);
            let rows = self.axis(given.fields.get("rows")?, &about);
            let formula = given.word("formula", "rank_sum");
            let (of, rows) = (of?, rows?);
            let one = Fraction::new(1, 1)?;
            let weights = given.or("weights", vec![one; of.len()], |span, value| {
                self.evaluator.several(span, value, |span, value: &Value| {
                    self.evaluator.number(span, value.clone())
                })
            })?;
            if weights.len() != of.len() {
                let message = format!("{} measures have {} weights", of.len(), weights.len());
                let at = given.at("weights");
                self.evaluator
                    .report(Problem::error(Code("V0214"), at, message));
                return None;
            }
            let parts = Parts {
                compared: &["rows"],
                within: &[],
                claims: true,
            };
            self.compares(block, &given, &about, (&of, &parts))?;
            Some(Ranking {
                name: block.name.text.clone(),
                doc: doc(block),
                of,
                rows,
                weights,
                formula: formula?.to_owned(),
                over: about.names(),
            })
        })
    }

    fn correlation(&self, block: &Block, own: Option<&'e Experiment>) -> Option<Correlation> {
        self.reading(block, |given| {
            let about = self.about(&given, own)?;
            let of = self.cells(&given, "of", &about);
            let method = given.word("method", "spearman");
            Some(Correlation {
                name: block.name.text.clone(),
                doc: doc(block),
                of: of?,
                method: method?.to_owned(),
                over: about.names(),
            })
        })
    }
}
