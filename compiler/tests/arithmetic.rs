//! Mixtures as arithmetic: nested however deep, they are what plain fractions say.

mod common;

use std::collections::BTreeMap;

use common::plan;
use num_bigint::BigInt;
use num_rational::Ratio;
use num_traits::{One, Zero};
use proptest::prelude::*;
use vpc_compiler::plan::{Key, Plan, Task};

type Exact = Ratio<BigInt>;

/// The categories at the bottom: one world each, so that each has a key of its own.
const CATEGORIES: [&str; 4] = ["web", "code", "math", "literature"];

const AROUND: &str = "use std.world\n\
    scale tiny { layers: 1, width: 16, heads: 2, context: 16, batch: 4, rate: 0.01 }\n\
    tokenizer bpe { vocabulary: 300, data: web }\n\
    experiment bases {\n  vary c: [web, code, math, literature]\n  \
    pretrain p { model: tiny, data: c, tokenizer: bpe, tokens: 1k }\n}\n";

fn exact(above: u32, below: u32) -> Exact {
    Exact::new(above.into(), below.into())
}

/// A mixture to be written: weights of what was written before it, and how.
#[derive(Debug, Clone)]
struct Recipe {
    /// Which earlier mixture or category, and its weight.
    parts: BTreeMap<usize, u32>,
    /// Whether the last part is written as `rest`.
    rest: bool,
    /// How the shares are written.
    form: usize,
}

/// Writes a share in one of several equal ways.
fn written(above: u32, below: u32, form: usize) -> String {
    let hundred = u64::from(above) * 100;
    match form {
        0 => format!("{above}/{below}"),
        1 => format!("{hundred}% / {below}"),
        2 => format!("1 - {}/{below}", below - above),
        _ => format!("({above} + {above}) / (2 * {below})"),
    }
}

impl Recipe {
    /// Returns the entries, and the shares of the categories by plain fractions.
    fn write(&self, names: &[String], shares: &[Vec<Exact>]) -> (String, Vec<Exact>) {
        let mut weights: BTreeMap<usize, u32> = BTreeMap::new();
        for (part, weight) in &self.parts {
            *weights.entry(part % names.len()).or_default() += weight;
        }
        let total: u32 = weights.values().sum();
        let mut entries = Vec::new();
        let mut sums = vec![Exact::zero(); CATEGORIES.len()];
        for (at, (&part, &weight)) in weights.iter().enumerate() {
            let last = at + 1 == weights.len();
            let share = if last && self.rest {
                "rest".to_owned()
            } else {
                written(weight, total, self.form)
            };
            entries.push(format!("{}: {share}", names[part]));
            for (sum, share) in sums.iter_mut().zip(&shares[part]) {
                *sum += share * exact(weight, total);
            }
        }
        (entries.join(", "), sums)
    }
}

fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
    let parts = prop::collection::btree_map(0_usize..8, 1_u32..20, 1..5);
    let recipe = (parts, any::<bool>(), 0_usize..4).prop_map(|(parts, rest, form)| Recipe {
        parts,
        rest,
        form,
    });
    prop::collection::vec(recipe, 1..7)
}

/// The corpora that a run reads, with their shares.
fn shares(plan: &Plan, key: Key) -> BTreeMap<Key, Exact> {
    let job = plan.job(key).unwrap();
    let Task::Pretrain(task) = &job.task else {
        panic!("{} trains nothing", job.name())
    };
    let inputs = job.inputs.iter().zip(&task.shares);
    inputs
        .map(|(input, share)| {
            let (above, below) = share.parts();
            (input.key, Exact::new(above.into(), below.into()))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nested_mixtures_are_what_fractions_say(recipes in recipes()) {
        let mut names = CATEGORIES.map(str::to_owned).to_vec();
        let unit = |at: usize| {
            let share = |other| if other == at { Exact::one() } else { Exact::zero() };
            (0..CATEGORIES.len()).map(share).collect::<Vec<_>>()
        };
        let mut expected: Vec<Vec<Exact>> = (0..CATEGORIES.len()).map(unit).collect();
        let mut text = AROUND.to_owned();
        for (at, recipe) in recipes.iter().enumerate() {
            let (entries, sums) = recipe.write(&names, &expected);
            text += &format!("mixture m{at} {{ {entries} }}\n");
            names.push(format!("m{at}"));
            expected.push(sums);
        }
        let last = recipes.len() - 1;
        text += &format!(
            "experiment all {{ pretrain p {{ model: tiny, data: m{last}, tokenizer: bpe, tokens: 1k }} }}\n"
        );
        let plan = plan(&text);
        let runs = |name: &str| {
            let experiment = plan.experiments.iter().find(|one| one.name == name).unwrap();
            experiment.runs.iter().map(|run| run.key).collect::<Vec<Key>>()
        };
        let found = shares(&plan, runs("all")[0]);
        prop_assert_eq!(found.values().sum::<Exact>(), Exact::one());
        let categories = runs("bases").into_iter().map(|key| *shares(&plan, key).keys().next().unwrap());
        let wanted = categories.zip(expected.pop().unwrap());
        let wanted: BTreeMap<Key, Exact> = wanted.filter(|share| !share.1.is_zero()).collect();
        prop_assert_eq!(found, wanted, "{}", text);
    }

    /// One part in a million too much or too little is no mixture.
    #[test]
    fn what_misses_the_whole_is_refused(parts in prop::collection::vec(1_u32..1000, 2..4), less: bool) {
        let total: u32 = parts.iter().sum();
        let mut entries: Vec<String> =
            parts.iter().zip(CATEGORIES).map(|(part, name)| format!("{name}: {part}/{total}")).collect();
        let whole = format!("use std.world\nmixture m {{ {} }}\n", entries.join(", "));
        prop_assert!(common::compile_with(&whole, &[]).plan.is_some());
        entries[0] += if less { " - 1/1_000_000" } else { " + 1/1_000_000" };
        let text = format!("use std.world\nmixture m {{ {} }}\n", entries.join(", "));
        let compiled = common::compile_with(&text, &[]);
        let codes: Vec<&str> = compiled.problems.iter().map(|problem| problem.code.0).collect();
        prop_assert_eq!(codes, ["V0302"], "{}", text);
    }
}
