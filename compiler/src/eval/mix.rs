//! Functions of mixtures and datasets.

use std::rc::Rc;

use num_traits::{One, Signed, Zero};
use vpc_grammar::tree::{Expr, ExprKind};
use vpc_grammar::{Code, Problem, Span};

use super::{Call, Evaluator, Reads};
use crate::plan::{Choice, Fraction};
use crate::schema::Type;
use crate::value::{
    Category, Dataset, DatasetOf, Exact, Label, Leaf, Mixture, MixtureFlaw, Number, Part, Supply,
    Unit, Value, percent,
};

impl Evaluator<'_> {
    /// Applies a function of mixtures or datasets.
    pub(super) fn mixed(&self, call: &Call<'_>) -> Option<Value> {
        match call.function.name {
            "pool" => self.pool(call),
            "only" | "without" => self.by_label(call),
            "thin" => self.thin(call),
            "sample" => self.sample(call),
            "join" => self.joined(call),
            "blend" => self.blend(call),
            "lerp" => self.lerp(call),
            "share_of" => self.share_of(call),
            _ => None,
        }
    }

    /// All text of categories, in proportion to how much there is.
    fn pool(&self, call: &Call<'_>) -> Option<Value> {
        let (span, value) = call.value("categories")?;
        let categories = self.categories(span, value)?;
        let in_tokens =
            |category: &Rc<Category>| matches!(category.supply, Some(Supply::Tokens(_)));
        let tokens = categories.iter().any(in_tokens);
        let mut weights = Vec::new();
        for category in categories {
            let weight = match &category.supply {
                Some(Supply::Tokens(supply)) if tokens => supply.clone(),
                Some(Supply::Bytes(supply)) if !tokens => supply.clone(),
                _ => {
                    let message = format!(
                        "how much text the category `{}` has is not known{}",
                        category.name,
                        if tokens { " in tokens" } else { "" }
                    );
                    self.report(
                        Problem::error(Code("V0313"), span, message)
                            .also(category.declared, "declared here")
                            .help("add `supply: 50B` to the category"),
                    );
                    return None;
                }
            };
            weights.push((category, weight));
        }
        self.proportional(weights, call.span)
    }

    fn proportional(&self, weights: Vec<Leaf>, span: Span) -> Option<Value> {
        let mixture = Mixture::in_proportion(weights);
        if mixture.is_none() {
            let message = "there is no text in this mixture";
            self.report(Problem::error(Code("V0313"), span, message));
        }
        Some(Value::Mixture(Rc::new(mixture?)))
    }

    /// `only` and `without`.
    fn by_label(&self, call: &Call<'_>) -> Option<Value> {
        let label = call.need("label", |span, value| self.label_of(span, &value))?;
        let (span, value) = call.value("of")?;
        match value {
            Value::Dataset(dataset) => self.chosen_by(call, &dataset, &label),
            Value::Category(_) | Value::Mixture(_) => {
                let mixture = self.mixture(span, value)?;
                let mut weights = Vec::new();
                for (category, share) in mixture.parts() {
                    let part = match call.function.name {
                        "only" => category.only(&label),
                        _ => category.without(&label),
                    };
                    let Some((part, inner)) = part else {
                        self.unknown_share(category, &label, span);
                        return None;
                    };
                    if !inner.is_zero() {
                        weights.push((Rc::new(part), share * inner));
                    }
                }
                self.proportional(weights, call.span)
            }
            other => {
                self.mismatch(span, Type::Data.words(), &other);
                None
            }
        }
    }

    fn unknown_share(&self, category: &Category, label: &Label, span: Span) {
        let (name, label) = (&category.name, &label.name);
        let message =
            format!("how much of the category `{name}` has the label `{label}` is not known");
        let problem =
            Problem::error(Code("V0313"), span, message).also(category.declared, "declared here");
        self.report(if category.filter.is_all() {
            problem.help(format!("add `labels.{label}: …` to the category"))
        } else {
            problem.help("a part of a category knows only of the label it was made with: choose by this label first")
        });
    }

    fn chosen_by(&self, call: &Call<'_>, dataset: &Rc<Dataset>, label: &Label) -> Option<Value> {
        let labelled = self.items_with(dataset, label, call.span)?;
        let words = label.words.clone();
        let chosen = if call.function.name == "only" {
            let labels = vec![(words.clone(), labelled)];
            dataset.chosen(&label.name, Choice::Only(words), labelled, labels)
        } else {
            let labels = vec![(words.clone(), 0)];
            let left = dataset.items.saturating_sub(labelled);
            let suffix = format!("not_{}", label.name);
            dataset.chosen(&suffix, Choice::Without(words), left, labels)
        };
        self.not_empty(chosen, call.span)
    }

    fn items_with(&self, dataset: &Dataset, label: &Label, span: Span) -> Option<u64> {
        let labelled = dataset.labelled(&label.words);
        if labelled.is_none() {
            let (name, label) = (&dataset.name, &label.name);
            let message =
                format!("how many items of `{name}` have the label `{label}` is not known");
            let help = format!(
                "add `labels.{label}: …` to the dataset, or choose by this label before others"
            );
            self.report(
                Problem::error(Code("V0313"), span, message)
                    .also(dataset.declared, "declared here")
                    .help(help),
            );
        }
        labelled
    }

    fn not_empty(&self, dataset: Dataset, span: Span) -> Option<Value> {
        if dataset.items > 0 {
            return Some(Value::Dataset(Rc::new(dataset)));
        }
        self.report(Problem::error(Code("V0313"), span, "no items are left"));
        None
    }

    fn thin(&self, call: &Call<'_>) -> Option<Value> {
        let dataset = call.need("of", |span, value| self.dataset(span, &value))?;
        let label = call.need("label", |span, value| self.label_of(span, &value))?;
        let to = call.need("to", |span, value| self.share(span, value))?;
        if to.parts() == (1, 1) {
            return Some(Value::Dataset(dataset));
        }
        let labelled = self.items_with(&dataset, &label, call.span)?;
        let stay = to.of(labelled);
        let items = dataset.items.saturating_sub(labelled) + stay;
        let choice = Choice::Thin {
            words: label.words.clone(),
            to,
        };
        let suffix = format!("{}_{}", label.name, shown(to));
        let labels = vec![(label.words.clone(), stay)];
        self.not_empty(dataset.chosen(&suffix, choice, items, labels), call.span)
    }

    fn sample(&self, call: &Call<'_>) -> Option<Value> {
        let dataset = call.need("of", |span, value| self.dataset(span, &value))?;
        let items = call.need("items", |span, value| self.count(span, value, 1))?;
        if items > dataset.items {
            let message = format!("`{}` has only {} items", dataset.name, dataset.items);
            let at = call.expr("items").map_or(call.span, |expr| expr.span);
            self.report(Problem::error(Code("V0304"), at, message));
            return None;
        }
        if items == dataset.items {
            return Some(Value::Dataset(dataset));
        }
        // Every item or none has a label in a sample of those that were chosen by it.
        let scaled = |known: &(Vec<String>, u64)| match known.1 {
            0 => Some((known.0.clone(), 0)),
            all if all == dataset.items => Some((known.0.clone(), items)),
            _ => None,
        };
        let labels = dataset.labels.iter().filter_map(scaled).collect();
        let suffix = items.to_string();
        Some(Value::Dataset(Rc::new(dataset.chosen(
            &suffix,
            Choice::Sample(items),
            items,
            labels,
        ))))
    }

    fn joined(&self, call: &Call<'_>) -> Option<Value> {
        let datasets = call.need("datasets", |span, value| {
            self.several(span, value, |span, value| self.dataset(span, value))
        })?;
        let first = datasets.first()?;
        let mut labels: Vec<(Vec<String>, u64)> = Vec::new();
        for (words, _) in &first.labels {
            let counts: Option<Vec<u64>> = datasets
                .iter()
                .map(|dataset| dataset.labelled(words))
                .collect();
            labels.extend(counts.map(|counts| (words.clone(), total(counts))));
        }
        let names: Vec<&str> = datasets
            .iter()
            .map(|dataset| dataset.name.as_str())
            .collect();
        let name = match names.join("+") {
            long if long.len() > LONGEST_NAME => format!("join_of_{}", names.len()),
            name => name,
        };
        Some(Value::Dataset(Rc::new(Dataset {
            name,
            declared: first.declared,
            items: total(datasets.iter().map(|dataset| dataset.items)),
            labels,
            from: DatasetOf::Joined(datasets.clone()),
            origin: None,
        })))
    }

    fn blend(&self, call: &Call<'_>) -> Option<Value> {
        let (span, value) = call.value("parts")?;
        let Value::List(pairs) = value else {
            self.mismatch(span, Type::Parts.words(), &value);
            return None;
        };
        let places = places(call.expr("parts"));
        let mut parts = Vec::new();
        for (at, pair) in pairs.into_iter().enumerate() {
            let (of_at, share_at) = places.get(at).copied().unwrap_or((span, span));
            let Value::Tuple(pair) = pair else {
                self.mismatch(span, Type::Parts.words(), &pair);
                return None;
            };
            let Ok([mixture, share]) = <[Value; 2]>::try_from(pair) else {
                let message = "each part is a mixture and its share: `(mixture, 40%)`";
                self.report(Problem::error(Code("V0214"), span, message));
                return None;
            };
            parts.push(Part {
                of: self.mixture(of_at, mixture)?,
                share: Some(self.part_share(share_at, share)?),
            });
        }
        match Mixture::blend(&parts) {
            Ok(mixture) => Some(Value::Mixture(Rc::new(mixture))),
            Err(flaw) => {
                let (code, message) = match flaw {
                    MixtureFlaw::Negative(_, share) => (
                        Code("V0305"),
                        format!("a part would get {}", percent(&share)),
                    ),
                    MixtureFlaw::Sum(sum) => (
                        Code("V0302"),
                        format!("shares sum to {}, not 100%", percent(&sum)),
                    ),
                };
                self.report(Problem::error(code, span, message));
                None
            }
        }
    }

    fn lerp(&self, call: &Call<'_>) -> Option<Value> {
        let from = call.need("from", |span, value| self.mixture(span, value));
        let to = call.need("to", |span, value| self.mixture(span, value));
        let at = call.need("at", |span, value| {
            self.share(span, value.clone())?;
            self.part_share(span, value)
        })?;
        let parts = [
            Part {
                share: Some(Exact::one() - &at),
                of: from?,
            },
            Part {
                share: Some(at),
                of: to?,
            },
        ];
        let mixture = Mixture::blend(&parts).ok()?;
        Some(Value::Mixture(Rc::new(mixture)))
    }

    /// The share of a label, a category, or the categories of another mixture.
    fn share_of(&self, call: &Call<'_>) -> Option<Value> {
        let mixture = call.need("of", |span, value| self.mixture(span, value))?;
        let (span, what) = call.value("what")?;
        let mut sum = Exact::zero();
        for (category, share) in mixture.leaves() {
            sum += match &what {
                Value::Label(label) => match category.share(label) {
                    Some(inner) => share * inner,
                    None => {
                        self.unknown_share(&category, label, span);
                        return None;
                    }
                },
                Value::Category(one) if one.key == category.key => share,
                Value::Mixture(other) => {
                    let among = other.parts().iter();
                    let mut among = among.filter(|leaf| leaf.1.is_positive());
                    if among.any(|leaf| leaf.0.key == category.key) {
                        share
                    } else {
                        Exact::zero()
                    }
                }
                Value::Category(_) => Exact::zero(),
                other => {
                    self.mismatch(span, Type::Part.words(), other);
                    return None;
                }
            };
        }
        Some(Value::Number(Number {
            value: sum,
            unit: Unit::Share,
        }))
    }
}

/// Longer names of what was joined say only how much it was.
const LONGEST_NAME: usize = 60;

/// Where the mixture and the share of each written part stand.
fn places(parts: Option<&Expr>) -> Vec<(Span, Span)> {
    let Some(ExprKind::List(parts)) = parts.map(|parts| &parts.kind) else {
        return Vec::new();
    };
    let of = |part: &Expr| match &part.kind {
        ExprKind::Tuple(pair) => match pair.as_slice() {
            [of, share] => (of.span, share.span),
            _ => (part.span, part.span),
        },
        _ => (part.span, part.span),
    };
    parts.iter().map(of).collect()
}

/// Adds up, as far as numbers go.
fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// A share as part of a name: `50%` or `1/3`.
fn shown(share: Fraction) -> String {
    let (part, whole) = share.parts();
    percent(&Exact::new(part.into(), whole.into()))
}
