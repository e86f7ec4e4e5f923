//! Mixtures as written: parts, shares, and what happens where parts overlap.

use std::rc::Rc;

use num_traits::One;
use vpc_grammar::tree::{Block, Body, Entry, Expr, ExprKind, Field, Literal};
use vpc_grammar::{Code, Problem, Span};

use super::block::origin;
use super::fields::{entry_span, member};
use super::{Evaluator, Scope};
use crate::nearest::advice;
use crate::plan::{Clause, Filter};
use crate::value::{Category, Exact, Leaf, Mixture, MixtureFlaw, Part, Value, percent};

/// What happens to a text that several parts could take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overlap {
    /// It belongs to the first of them.
    First,
    /// It belongs to one of them, by its content.
    Split,
    /// Each may take it.
    Allow,
}

/// A mixture's entries.
#[derive(Default)]
struct Written {
    parts: Vec<(Span, Part)>,
    overlap: Option<Overlap>,
    rest: Option<Span>,
}

impl Evaluator<'_> {
    pub(super) fn mixture_block(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
    ) -> Option<Value> {
        let mut written = Written::default();
        let mut sound = body.whole;
        for entry in &body.entries {
            let taken = match entry {
                Entry::Field(field) if is_overlap(field) => self.overlap(field, &mut written),
                Entry::Field(field) => self.take_part(field, scope, &mut written),
                other => {
                    let message = "a `mixture` holds shares only: `category: 40%`";
                    self.report(Problem::error(Code("V0208"), entry_span(other), message));
                    None
                }
            };
            sound &= taken.is_some();
        }
        if !sound {
            return None;
        }
        self.untangle(block, &mut written)?;
        let (spans, parts): (Vec<Span>, Vec<Part>) = written.parts.into_iter().unzip();
        match Mixture::blend(&parts) {
            Ok(mixture) => {
                let mut mixture = mixture.named(&block.name.text);
                mixture.origin = Some(origin(block, scope));
                Some(Value::Mixture(Rc::new(mixture)))
            }
            Err(flaw) => {
                self.report(flawed(block, &flaw, &spans, scope));
                None
            }
        }
    }

    fn overlap(&self, field: &Field, written: &mut Written) -> Option<()> {
        let word = self.sources.slice(field.value.span);
        let policy = match word {
            "first" => Overlap::First,
            "split" => Overlap::Split,
            "allow" => Overlap::Allow,
            _ => {
                let message = format!("`{word}` is no way to treat parts that overlap");
                let help = advice(word, "ways", ["first", "split", "allow"]);
                self.report(Problem::error(Code("V0312"), field.value.span, message).help(help));
                return None;
            }
        };
        if written.overlap.replace(policy).is_some() {
            let message = "`overlap` is given twice";
            self.report(
                Problem::error(Code("V0211"), field.span, message).help("keep one of them"),
            );
            return None;
        }
        Some(())
    }

    fn take_part(&self, field: &Field, scope: &Scope<'_>, written: &mut Written) -> Option<()> {
        if is_rest(&field.value) {
            if let Some(first) = written.rest {
                self.report(
                    Problem::error(Code("V0306"), field.value.span, "`rest` is taken already")
                        .also(first, "first here")
                        .help("only one part can take what is left; give the others a share"),
                );
                return None;
            }
            written.rest = Some(field.value.span);
        }
        let of = member(&field.path)?;
        let of = self.mixture(of.span, self.eval(&of, scope));
        let share = if is_rest(&field.value) {
            None
        } else {
            Some(self.part_share(field.value.span, self.eval(&field.value, scope))?)
        };
        let part = Part { share, of: of? };
        written.parts.push((field.span, part));
        Some(())
    }

    /// Makes sure that parts which can take the same text say how.
    fn untangle(&self, block: &Block, written: &mut Written) -> Option<()> {
        let Some((one, other)) = tangled(&written.parts) else {
            return Some(());
        };
        let Some(policy) = written.overlap else {
            let message = format!("parts of `{}` can take the same text", block.name.text);
            let spans = (written.parts.get(one)?.0, written.parts.get(other)?.0);
            self.report(
                Problem::error(Code("V0312"), spans.1, message)
                    .label("a text with both labels fits here")
                    .also(spans.0, "and here")
                    .help("add `overlap: first` (the first part gets it), `overlap: split` (one of them, by its content) or `overlap: allow` (both)"),
            );
            return None;
        };
        if policy == Overlap::Allow {
            return Some(());
        }
        let before: Vec<Rc<Mixture>> = written.parts.iter().map(|part| part.1.of.clone()).collect();
        for (at, (span, part)) in written.parts.iter_mut().enumerate() {
            let rivals = before.iter().enumerate().filter(|rival| match policy {
                Overlap::First => rival.0 < at,
                Overlap::Split | Overlap::Allow => rival.0 != at,
            });
            let rivals: Vec<&Category> = rivals
                .flat_map(|rival| rival.1.parts())
                .map(|leaf| leaf.0.as_ref())
                .collect();
            let leaves = part.of.parts().iter();
            let leaves = leaves
                .map(|leaf| separated(leaf, &rivals, policy))
                .collect();
            let Some(of) = Mixture::in_proportion(leaves) else {
                let message =
                    "nothing is left for this part: the parts before it take all of its text";
                self.report(Problem::error(Code("V0312"), *span, message));
                return None;
            };
            part.of = Rc::new(of);
        }
        Some(())
    }
}

/// Two parts that can take the same text under different labels.
fn tangled(parts: &[(Span, Part)]) -> Option<(usize, usize)> {
    for (at, (_, part)) in parts.iter().enumerate() {
        for (before, (_, rival)) in parts.iter().enumerate().take(at) {
            let clash = |mine: &Leaf| {
                let rivals = rival.of.parts().iter();
                rivals.map(|leaf| &leaf.0).any(|rival| meet(&mine.0, rival))
            };
            if part.of.parts().iter().any(clash) {
                return Some((before, at));
            }
        }
    }
    None
}

/// Whether two different categories can have a text in common by their labels.
fn meet(mine: &Category, rival: &Category) -> bool {
    mine.key != rival.key
        && !(mine.filter.is_all() && rival.filter.is_all())
        && mine.source == rival.source
        && mine.held_out == rival.held_out
        && !mine.filter.excludes(&rival.filter)
}

/// Takes from a part what belongs to its rivals.
fn separated(leaf: &Leaf, rivals: &[&Category], policy: Overlap) -> Leaf {
    let (category, weight) = leaf;
    let met = rivals.iter().filter(|rival| meet(category, rival));
    let mut filters: Vec<Filter> = met.map(|rival| rival.filter.clone()).collect();
    if filters.is_empty() {
        return leaf.clone();
    }
    filters.sort_unstable();
    filters.dedup();
    if policy == Overlap::First {
        if filters.iter().any(Filter::is_all) {
            return (category.clone(), Exact::default());
        }
        let part = filters.iter().fold((**category).clone(), |part, filter| {
            part.part("rest", filter.outside(), &Exact::one())
        });
        let name = format!("{}.rest", category.name);
        return (Rc::new(Category { name, ..part }), weight.clone());
    }
    if let Err(at) = filters.binary_search(&category.filter) {
        filters.insert(at, category.filter.clone());
    }
    let this = filters.iter().position(|filter| *filter == category.filter);
    let clause = Clause::Chosen {
        this: this.unwrap_or_default() as u64,
        among: filters,
    };
    let part = category.part("split", clause, &Exact::one());
    (Rc::new(part), weight.clone())
}

fn is_overlap(field: &Field) -> bool {
    matches!(field.path.as_slice(), [name] if name.text == "overlap")
}

fn is_rest(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(Literal::Rest))
}

/// Says why parts make no mixture, with the values of the parameters involved.
fn flawed(block: &Block, flaw: &MixtureFlaw, spans: &[Span], scope: &Scope<'_>) -> Problem {
    let one = Exact::from_integer(1.into());
    let bound: Vec<String> = scope
        .locals
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Number(number) => Some(format!("`{name}` = {}", number.show())),
            _ => None,
        })
        .collect();
    let with = if bound.is_empty() {
        String::new()
    } else {
        format!(" with {}", bound.join(", "))
    };
    match flaw {
        MixtureFlaw::Negative(at, share) => {
            let span = spans.get(*at).copied().unwrap_or(block.name.span);
            let message = format!("this part would get {}{with}", percent(share));
            Problem::error(Code("V0305"), span, message)
                .label("a share cannot be negative")
                .help("lower the other shares so that they leave something")
        }
        MixtureFlaw::Sum(sum) => {
            let message = format!("shares sum to {}, not 100%{with}", percent(sum));
            let problem = Problem::error(Code("V0302"), block.name.span, message);
            if *sum < one {
                let missing = percent(&(&one - sum));
                problem
                    .label(format!("{missing} is unassigned"))
                    .help("let one part take what is left: `name: rest`")
            } else {
                let over = percent(&(sum - &one));
                problem
                    .label(format!("{over} too much"))
                    .help("lower the shares to 100% in all")
            }
        }
    }
}
