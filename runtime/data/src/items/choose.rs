//! Which items are used: by label, thinned, or so many; by content, so that smaller choices are parts of larger ones.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, ItemError};
use crate::error::DataError;

/// The blake3 key-derivation context of the order in which items are chosen; a new one would move every choice.
const ORDER_DOMAIN: &str = "vpc-data 2026 order of chosen items v1";

/// A choice of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Those with one of these labels.
    Only(Vec<String>),
    /// Those with none of these labels.
    Without(Vec<String>),
    /// A share of those with one of these labels, and all others.
    Thin {
        /// The labels.
        words: Vec<String>,
        /// The share as a fraction, from 0 to 1.
        to: (u64, u64),
    },
    /// So many.
    Sample(u64),
}

/// Takes a choice of items, in their order.
///
/// Items are ranked by a hash of their content, equal ones by how many equal ones came before; the first of the ranking
/// are taken. So a smaller share or sample of the same items is a part of a larger one, and the order of the items
/// decides nothing but their order. [`Choice::Thin`] keeps `to` of the matching items, rounded to the nearest
/// whole number, halves up.
///
/// # Errors
/// [`ItemError::Share`] for a share that is none, [`ItemError::Sample`] for more than there are, and
/// [`ItemError::NoneChosen`] where no item is left.
pub fn choose(items: Vec<Item>, choice: &Choice) -> Result<Vec<Item>, DataError> {
    let there = items.len();
    let chosen = match choice {
        Choice::Only(words) => keep(items, |item| has(item, words)),
        Choice::Without(words) => keep(items, |item| !has(item, words)),
        Choice::Thin { words, to } => {
            let matching: Vec<bool> = items.iter().map(|item| has(item, words)).collect();
            let count = matching.iter().filter(|matches| **matches).count();
            first_of(items, &matching, rounded(*to, count)?)
        }
        Choice::Sample(wanted) => {
            let most = usize::try_from(*wanted).ok().filter(|most| *most <= there);
            let most = most.ok_or(ItemError::Sample {
                wanted: *wanted,
                there: there as u64,
            })?;
            let all = vec![true; there];
            first_of(items, &all, most)
        }
    };
    if chosen.is_empty() {
        let items = there as u64;
        return Err(ItemError::NoneChosen { items }.into());
    }
    Ok(chosen)
}

/// How many items of `a` have a content that one of `b` has.
pub fn common_content(a: &[Item], b: &[Item]) -> usize {
    let contents: BTreeSet<[u8; 32]> = b.iter().map(Item::content).collect();
    let common = a.iter().filter(|item| contents.contains(&item.content()));
    common.count()
}

fn has(item: &Item, words: &[String]) -> bool {
    item.labels.iter().any(|label| words.contains(label))
}

fn keep(mut items: Vec<Item>, wanted: impl Fn(&Item) -> bool) -> Vec<Item> {
    items.retain(wanted);
    items
}

/// A share of a count, rounded to the nearest whole number, halves up.
fn rounded((numerator, denominator): (u64, u64), count: usize) -> Result<usize, ItemError> {
    if denominator == 0 || numerator > denominator {
        return Err(ItemError::Share {
            numerator,
            denominator,
        });
    }
    let twice = 2 * u128::from(numerator) * count as u128 + u128::from(denominator);
    // At most the count, since the share is at most 1.
    Ok((twice / (2 * u128::from(denominator))) as usize)
}

/// Keeps the first `most` of the ranking of the matching items, and all others.
fn first_of(items: Vec<Item>, matching: &[bool], most: usize) -> Vec<Item> {
    let mut equals: BTreeMap<[u8; 32], u64> = BTreeMap::new();
    let mut ranking = Vec::new();
    for (place, (item, matches)) in items.iter().zip(matching).enumerate() {
        if *matches {
            let content = item.content();
            let before = equals.entry(content).or_default();
            ranking.push((rank(&content, *before), place));
            *before += 1;
        }
    }
    ranking.sort_unstable();
    let left_out = ranking.into_iter().skip(most);
    let left_out: BTreeSet<usize> = left_out.map(|(_, place)| place).collect();
    let kept = items.into_iter().enumerate();
    kept.filter(|(place, _)| !left_out.contains(place))
        .map(|(_, item)| item)
        .collect()
}

fn rank(content: &[u8; 32], before: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(ORDER_DOMAIN);
    hasher.update(content).update(&before.to_le_bytes());
    *hasher.finalize().as_bytes()
}
