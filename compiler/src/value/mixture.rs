//! Mixtures: exact shares of categories, flattened.

use std::rc::Rc;

use num_traits::{One, Signed, Zero};

use super::{Category, Exact, Origin};

/// Shares of categories; they sum to exactly one.
#[derive(Debug, Clone)]
pub(crate) struct Mixture {
    /// Its name, where it was declared.
    pub(crate) name: Option<String>,
    /// The block that made it.
    pub(crate) origin: Option<Origin>,
    leaves: Vec<Leaf>,
}

/// A category and its share.
pub(crate) type Leaf = (Rc<Category>, Exact);

/// One part of a mixture as written: `None` stands for `rest`.
pub(crate) struct Part {
    pub(crate) share: Option<Exact>,
    pub(crate) of: Rc<Mixture>,
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
        Self {
            name: Some(category.name.clone()),
            origin: None,
            leaves: vec![(category, Exact::one())],
        }
    }

    fn unnamed(leaves: Vec<Leaf>) -> Self {
        Self {
            name: None,
            origin: None,
            leaves,
        }
    }

    /// Makes a mixture with shares in proportion to weights; `None` where they are all zero.
    pub(crate) fn in_proportion(weights: Vec<Leaf>) -> Option<Self> {
        let all: Exact = weights.iter().map(|leaf| leaf.1.clone()).sum();
        if !all.is_positive() {
            return None;
        }
        let mut leaves = Vec::new();
        for (category, weight) in weights {
            add(&mut leaves, &category, weight / &all);
        }
        Some(Self::unnamed(leaves))
    }

    /// Blends parts; a nested mixture is spread over its own categories.
    pub(crate) fn blend(parts: &[Part]) -> Result<Self, Flaw> {
        let named: Exact = parts.iter().filter_map(|part| part.share.clone()).sum();
        let rest = Exact::one() - &named;
        let mut leaves = Vec::new();
        let mut sum = Exact::zero();
        for (at, part) in parts.iter().enumerate() {
            let share = part.share.as_ref().unwrap_or(&rest);
            if share.is_negative() {
                return Err(Flaw::Negative(at, share.clone()));
            }
            sum += share;
            for (category, inner) in &part.of.leaves {
                add(&mut leaves, category, share * inner);
            }
        }
        if sum.is_one() {
            Ok(Self::unnamed(leaves))
        } else {
            Err(Flaw::Sum(sum))
        }
    }

    /// Returns the same mixture under a name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Returns categories and shares in the order written, shares of zero too.
    pub(crate) fn parts(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Returns the categories with a share above zero, ordered by content and never by name.
    pub(crate) fn leaves(&self) -> Vec<Leaf> {
        let shared = self.leaves.iter().filter(|leaf| !leaf.1.is_zero());
        let mut leaves: Vec<_> = shared.cloned().collect();
        leaves.sort_by_key(|leaf| leaf.0.key);
        leaves
    }
}

/// Adds a share; what is the same text is one category, whatever it is called.
fn add(leaves: &mut Vec<Leaf>, category: &Rc<Category>, share: Exact) {
    match leaves.iter_mut().find(|leaf| leaf.0.key == category.key) {
        Some(leaf) => leaf.1 += share,
        None => leaves.push((Rc::clone(category), share)),
    }
}

impl PartialEq for Mixture {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (Leaf, Leaf)| a.0.key == b.0.key && a.1 == b.1;
        let (mine, others) = (self.leaves(), other.leaves());
        mine.len() == others.len() && mine.into_iter().zip(others).all(same)
    }
}
