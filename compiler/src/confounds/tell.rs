//! What is said of confounds.

use std::collections::BTreeSet;

use vpc_grammar::{Code, Problem, Span};

use super::balance::Uneven;
use super::judge::{Judge, Outcome};
use super::table::Table;
use super::{Compared, View};
use crate::plan::{Besides, Comparison};
use crate::schema::Trait;

/// Most values, and most arms of one value, that a message lists.
const LISTED: usize = 3;

impl Judge<'_> {
    /// Warns of what differs and is not accepted.
    pub(super) fn tell(
        &mut self,
        view: &View,
        compared: &Compared,
        outcome: &Outcome,
        accepted: &BTreeSet<Trait>,
    ) {
        let axis = &compared.axis;
        // What the experiment accepts need not be said again.
        let own: BTreeSet<Trait> = view.said.accept.iter().map(|word| word.0).collect();
        if !outcome.told.is_empty() {
            let differs = outcome.told.iter().map(|of| outcome.words(*of));
            let differs = differs.collect::<Vec<_>>().join(", ");
            let besides = match outcome.factor {
                Some(factor) if !outcome.told.contains(&factor) => {
                    format!("more than the {}: ", factor.words().said)
                }
                _ => String::new(),
            };
            let message = format!("the arms of `{axis}` differ in {besides}{differs}");
            let mut advice: Vec<&str> = outcome.told.iter().map(|of| of.words().remedy).collect();
            advice.dedup();
            let all: Vec<&str> = own.union(&outcome.told).map(|of| of.word()).collect();
            let help = format!("{}\n{}", advice.join("; "), meant(view, &all));
            self.warn(view, Code("V0504"), compared.span, (message, help));
        }
        if let Some(uneven) = &outcome.uneven
            && !accepted.contains(&Trait::Balance)
        {
            let words = own.union(&outcome.told).map(|of| of.word());
            let words: Vec<&str> = words.chain([Trait::Balance.word()]).collect();
            let remedy = Trait::Balance.words().remedy;
            let help = format!("{remedy}\n{}", meant(view, &words));
            let message = format!("the arms of `{axis}` {uneven}");
            self.warn(view, Code("V0505"), compared.span, (message, help));
        }
    }

    /// Warns, unless the same was said of the same experiments.
    fn warn(&mut self, view: &View, code: Code, span: Span, (message, help): (String, String)) {
        if self
            .told
            .insert((view.experiments.clone(), message.clone()))
        {
            let problem = Problem::warning(code, span, message);
            self.evaluator.report(problem.help(help));
        }
    }

    /// Refuses what must be the same and is not.
    pub(super) fn controls(
        &self,
        compared: &Compared,
        outcome: &Outcome,
        controls: Vec<(Trait, Span)>,
    ) {
        for (of, span) in controls {
            let axis = &compared.axis;
            let said = of.words().said;
            let message = if of == Trait::Balance
                && let Some(uneven) = &outcome.uneven
            {
                format!("the arms of `{axis}` {uneven}")
            } else if outcome.differs.contains_key(&of) && outcome.factor != Some(of) {
                let values = outcome.values(of);
                format!("the {said} must be the same along `{axis}`, and it is {values}")
            } else {
                continue;
            };
            let problem = Problem::error(Code("V0507"), span, message);
            let remedy = of.words().remedy;
            self.evaluator
                .report(problem.help(remedy).also(compared.span, "compared here"));
        }
    }

    /// Warns of acceptances that cover nothing.
    pub(super) fn stale(&self) {
        for (span, (of, covers)) in &self.accepted {
            // How often text is read may become known once it is there.
            let unknown = *of == Trait::Repetition && self.runs.in_the_dark;
            if *covers || unknown {
                continue;
            }
            let message = format!(
                "nothing that is compared here is confounded by `{}`",
                of.word()
            );
            let problem = Problem::warning(Code("V0506"), *span, message);
            self.evaluator.report(problem.help("take the word out"));
        }
    }
}

impl Outcome {
    /// `peak rate (0.004 at nano, 0.002 at micro)`.
    fn words(&self, of: Trait) -> String {
        format!("{} ({})", of.words().said, self.values(of))
    }

    fn values(&self, of: Trait) -> String {
        let values = self.differs.get(&of).map(Vec::as_slice).unwrap_or_default();
        let one = |(value, arms): &(String, Vec<String>)| format!("{value} at {}", listed(arms));
        limited(values.iter().map(one))
    }

    /// The comparison as a plan shows it.
    pub(super) fn shown(
        &self,
        view: &View,
        compared: &Compared,
        accepted: &BTreeSet<Trait>,
    ) -> Comparison {
        let factor = self.factor.filter(|factor| !self.told.contains(factor));
        let besides = self.told.iter().chain(self.involved.intersection(accepted));
        let besides = besides.filter(|of| Some(**of) != factor);
        let besides = besides.map(|of| Besides {
            what: of.word().to_owned(),
            accepted: accepted.contains(of),
            values: self.differs.get(of).cloned().unwrap_or_default(),
        });
        Comparison {
            experiments: view.experiments.clone(),
            by: format!("{} {}", view.kind, view.name),
            axis: compared.axis.clone(),
            factor: factor.map(|factor| factor.word().to_owned()),
            besides: besides.collect(),
        }
    }
}

/// The text that says that differences are meant.
fn meant(view: &View, words: &[&str]) -> String {
    let list = match words {
        [one] => (*one).to_owned(),
        all => format!("[{}]", all.join(", ")),
    };
    let name = view.name.rsplit('.').next().unwrap_or_default();
    format!(
        "or say that it is meant, and why: `accept: {list}` in the {} `{name}`",
        view.kind
    )
}

/// What averages differ in, after "the arms of an axis".
pub(super) fn uneven(uneven: &Uneven, table: &Table, axis: usize) -> String {
    let name = |at: usize| table.axes.get(at).map_or("", |axis| axis.name.as_str());
    let arm = |value: u32| table.shown(axis, value).to_owned();
    let at = |groups: Vec<(String, Vec<String>)>| {
        limited(
            groups
                .iter()
                .map(|(what, arms)| format!("{what} at {}", listed(arms))),
        )
    };
    match uneven {
        Uneven::Blocks(block) => {
            let block = name(*block);
            format!("have no value of `{block}` in common, so that nothing can be paired")
        }
        Uneven::Counts(over, counts) => {
            let counts = counts
                .iter()
                .map(|(value, count)| (count.to_string(), arm(*value)));
            let counts = at(grouped(counts));
            format!(
                "are averages of different numbers of runs over `{}`: {counts}",
                name(*over)
            )
        }
        Uneven::Values(over, values) => {
            let values = values.iter().map(|(value, own)| {
                let own: Vec<String> = own
                    .iter()
                    .map(|it| table.shown(*over, *it).to_owned())
                    .collect();
                (listed(&own), arm(*value))
            });
            let values = at(grouped(values));
            format!(
                "are averaged over different values of `{}`: {values}",
                name(*over)
            )
        }
    }
}

/// Arms that have the same, together.
fn grouped(all: impl Iterator<Item = (String, String)>) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (what, arm) in all {
        match groups.iter_mut().find(|known| known.0 == what) {
            Some(known) => known.1.push(arm),
            None => groups.push((what, vec![arm])),
        }
    }
    groups
}

/// `a`, `a and b`, `a, b and 7 more`.
fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] if all.len() <= LISTED => format!("{} and {last}", others.join(", ")),
        all => {
            let shown: Vec<&str> = all.iter().take(LISTED - 1).map(String::as_str).collect();
            format!("{} and {} more", shown.join(", "), all.len() - shown.len())
        }
    }
}

fn limited(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let shown: Vec<&str> = all.iter().take(LISTED).map(String::as_str).collect();
    let more = if all.len() > LISTED { "; …" } else { "" };
    format!("{}{more}", shown.join("; "))
}
