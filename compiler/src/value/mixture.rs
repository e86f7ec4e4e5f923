//! Mixtures: exact shares of categories, flattened.

use std::rc::Rc;

use num_traits::{One, Signed, Zero};

use super::{Category, Exact};

/// Shares of categories; they sum to exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mixture(Vec<(Rc<Category>, Exact)>);

/// One part of a mixture as written: `None` stands for `rest`.
pub(crate) struct Part {
    pub(crate) share: Option<Exact>,
    pub(crate) of: Mixture,
}

/// Why parts make no mixture.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The part at this index has a negative share.
    Negative(usize, Exact),
    /// The shares sum to this instead of one.
    Sum(Exact),
}

impl Mixture {
    /// Makes a mixture of one category.
    pub(crate) fn single(category: Rc<Category>) -> Self {
        Self(vec![(category, Exact::one())])
    }

    /// Blends parts; a nested mixture is spread over its own categories.
    pub(crate) fn blend(parts: &[Part]) -> Result<Self, Flaw> {
        let named: Exact = parts.iter().filter_map(|part| part.share.clone()).sum();
        let rest = Exact::one() - &named;
        let mut leaves: Vec<(Rc<Category>, Exact)> = Vec::new();
        let mut sum = Exact::zero();
        for (at, part) in parts.iter().enumerate() {
            let share = part.share.as_ref().unwrap_or(&rest);
            if share.is_negative() {
                return Err(Flaw::Negative(at, share.clone()));
            }
            sum += share;
            for (category, inner) in &part.of.0 {
                match leaves.iter_mut().find(|leaf| leaf.0 == *category) {
                    Some(leaf) => leaf.1 += share * inner,
                    None => leaves.push((Rc::clone(category), share * inner)),
                }
            }
        }
        if sum.is_one() {
            Ok(Self(leaves))
        } else {
            Err(Flaw::Sum(sum))
        }
    }

    /// Returns the categories with a share above zero, ordered by content and never by name.
    pub(crate) fn leaves(&self) -> Vec<(Rc<Category>, Exact)> {
        let mut leaves: Vec<_> = self
            .0
            .iter()
            .filter(|leaf| !leaf.1.is_zero())
            .cloned()
            .collect();
        leaves.sort_by_key(|leaf| leaf.0.key);
        leaves.dedup_by(|next, kept| {
            let same = next.0.key == kept.0.key;
            if same {
                kept.1 += &next.1;
            }
            same
        });
        leaves
    }
}
