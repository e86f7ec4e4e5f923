//! `max_epochs`: how often text may be gone through.

use std::collections::BTreeSet;

use vpc_grammar::{Code, Problem, Span};

use super::Expander;
use crate::plan::{Demand, Fraction, Key, PretrainTask, Supply};
use crate::value::{Category, Exact, Supply as Size};

/// What the runs of a block ask of text beyond what it allows.
pub(crate) struct Excess {
    most: Fraction,
    /// The demand that goes furthest, and how far.
    worst: Option<(Fraction, Demand)>,
    /// Runs that ask too much.
    runs: usize,
    /// Categories of which nobody knows how much there is.
    unknown: BTreeSet<Key>,
}

impl Expander<'_, '_> {
    /// Remembers how much text there is: as it was counted, or as the category declares.
    pub(super) fn note_supply(&mut self, tokens: Key, category: &Category) {
        let counted = self.evaluator.library.tokens(tokens);
        let supply = match (counted, &category.supply) {
            (Some(tokens), _) => Supply {
                tokens,
                counted: true,
            },
            (None, Some(Size::Tokens(whole))) => {
                let (held, of) = category.held_out.parts();
                let trained = Exact::new((of - held).into(), of.into());
                let tokens = (whole * trained).to_integer().try_into();
                Supply {
                    tokens: tokens.unwrap_or(u64::MAX),
                    counted: false,
                }
            }
            (None, Some(Size::Bytes(_)) | None) => return,
        };
        self.shared.supply.insert(tokens, supply);
    }

    /// Compares what a run asks of text with what its block allows.
    pub(super) fn bound_epochs(
        &mut self,
        task: &PretrainTask,
        inputs: &[Key],
        most: Fraction,
        span: Span,
    ) {
        let excess = self.shared.excess.entry(span).or_insert_with(|| Excess {
            most,
            worst: None,
            runs: 0,
            unknown: BTreeSet::new(),
        });
        let mut is_excessive = false;
        for demand in task.demands(inputs.iter().copied(), &self.shared.supply) {
            let Some(epochs) = demand.epochs() else {
                excess.unknown.insert(demand.job);
                continue;
            };
            if epochs <= most {
                continue;
            }
            is_excessive = true;
            if excess.worst.is_none_or(|(known, _)| known < epochs) {
                excess.worst = Some((epochs, demand));
            }
        }
        excess.runs += usize::from(is_excessive);
    }

    /// Tells what the blocks of an experiment ask of text beyond what they allow.
    pub(in crate::expand) fn tell_excess(&mut self) {
        for (span, excess) in std::mem::take(&mut self.shared.excess) {
            let most = excess.most;
            if let Some((epochs, demand)) = excess.worst {
                let category = self.category_of(demand.job);
                let message = format!("`{category}` is gone through more than {most} times");
                let runs = match excess.runs {
                    1 => String::new(),
                    runs => format!("; {runs} runs ask too much, this one most"),
                };
                let label = format!(
                    "{} tokens of it are read, and one pass has {}: {} epochs{runs}",
                    demand.tokens,
                    demand.epoch.unwrap_or_default(),
                    tenths(epochs),
                );
                self.evaluator.report(
                    Problem::error(Code("V0314"), span, message)
                        .label(label)
                        .help("lower `tokens` or the share of it, add text, or raise `max_epochs`"),
                );
            }
            let unknown = excess.unknown.iter().map(|key| self.category_of(*key));
            let unknown: Vec<String> = unknown.map(|name| format!("`{name}`")).collect();
            if !unknown.is_empty() {
                let message = format!(
                    "how much text {} {} is not known yet",
                    unknown.join(", "),
                    if unknown.len() == 1 { "holds" } else { "hold" }
                );
                self.evaluator.report(
                    Problem::warning(Code("V0315"), span, message)
                        .label("so this is checked when a run begins, not now")
                        .help("count it with `vpc lock --count`, or say it: `supply: 50B`"),
                );
            }
        }
    }

    /// The category that a `tokens` job encodes.
    fn category_of(&self, tokens: Key) -> String {
        let name = self.jobs.name(tokens);
        let name = name.strip_prefix("tokens/").unwrap_or(name);
        name.split('@').next().unwrap_or(name).to_owned()
    }
}

/// A number with one digit after the point, never below what it is.
fn tenths(number: Fraction) -> String {
    let (numerator, denominator) = number.parts();
    let tenths = (10 * u128::from(numerator)).div_ceil(u128::from(denominator));
    format!("{}.{}", tenths / 10, tenths % 10)
}
