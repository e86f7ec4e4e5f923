//! `hypothesis` blocks.

use vpc_grammar::tree::{Block, Expr, ExprKind};
use vpc_grammar::{Code, Problem};

use super::{About, Results, doc, elements};
use crate::eval::{Given, Reads};
use crate::plan::{Experiment, Hypothesis, Test};
use crate::schema::Type;
use crate::value::Value;

impl Results<'_> {
    pub(super) fn hypothesis(&self, block: &Block, own: &Experiment) -> Option<Hypothesis> {
        let about = About {
            own: Some(own),
            over: Vec::new(),
        };
        self.reading(block, |given| {
            let measure = self.cell(given.fields.get("measure")?, &about);
            let along = self.axis(given.fields.get("along")?, &about);
            let within = self.axes(&given, "within", &about);
            let blocks = self.axes(&given, "blocks", &about);
            let lines = match given.fields.get("lines") {
                Some(expr) => Some(self.axis(expr, &about)?),
                None => None,
            };
            let expect = given.word("expect", "");
            if expect == Some("crosses") && lines.is_none() {
                let message = "what crosses is not said";
                self.evaluator.report(
                    Problem::error(Code("V0503"), given.at("expect"), message)
                        .help("add `lines: axis`, the axis whose values are the lines"),
                );
                return None;
            }
            let test = self.test(&given);
            let effect = given.or("effect", None, |span, value| {
                self.evaluator.number(span, value).map(Some)
            });
            let along = along?;
            let at = match given.fields.get("at") {
                Some(expr) => Some(self.on_axis(expr, &along, &about)?),
                None => None,
            };
            let between = match given.fields.get("between") {
                Some(expr) => Some(self.pair(expr, &along, &about)?),
                None => None,
            };
            let (within, blocks) = (within?, blocks?);
            let apart: Vec<String> = within.iter().chain(&lines).cloned().collect();
            self.apart(&given, &along, &apart, &blocks)?;
            let claim = Hypothesis {
                name: block.name.text.clone(),
                doc: doc(block),
                measure: measure?,
                along,
                within,
                blocks,
                lines,
                expect: expect?.to_owned(),
                at,
                between,
                effect: effect?,
                test: test?,
            };
            self.claims(block, &given, &about, &claim)?;
            Some(claim)
        })
    }

    fn test(&self, given: &Given<'_>) -> Option<Test> {
        given.need("test", |span, value| match value {
            Value::Test(test) => Some(test),
            other => {
                self.evaluator.mismatch(span, Type::Test.words(), &other);
                None
            }
        })
    }

    /// Two different values of the axis.
    fn pair(&self, expr: &Expr, along: &str, about: &About<'_>) -> Option<(String, String)> {
        let exprs = match &expr.kind {
            ExprKind::Tuple(exprs) => exprs.iter().collect(),
            _ => elements(expr),
        };
        let [one, other] = exprs.as_slice() else {
            let message = "two values of the axis are compared: `between: [a, b]`";
            self.evaluator
                .report(Problem::error(Code("V0503"), expr.span, message));
            return None;
        };
        let pair = (
            self.on_axis(one, along, about)?,
            self.on_axis(other, along, about)?,
        );
        if pair.0 == pair.1 {
            let message = format!("`{}` is compared with itself", pair.0);
            self.evaluator
                .report(Problem::error(Code("V0503"), expr.span, message));
            return None;
        }
        Some(pair)
    }

    /// An axis has one part in a hypothesis.
    fn apart(
        &self,
        given: &Given<'_>,
        along: &str,
        within: &[String],
        blocks: &[String],
    ) -> Option<()> {
        let twice = |name: &String| name == along || within.contains(name) && blocks.contains(name);
        let Some(name) = within.iter().chain(blocks).find(|name| twice(name)) else {
            return Some(());
        };
        let message = format!("the axis `{name}` has two parts in this hypothesis");
        self.evaluator
            .report(Problem::error(Code("V0503"), given.name, message).help(
            "an axis is what the claim moves along, or what it is judged within, or replication",
        ));
        None
    }
}
