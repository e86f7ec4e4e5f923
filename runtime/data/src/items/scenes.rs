//! Items of the synthetic world, with their pictures as PNG.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::intake::Intake;
use super::{Item, ItemError, Turn};
use crate::error::DataError;
use crate::image::png;
use crate::world::{ItemKind, Split, WorldItem, item};

/// Items that are made at once, in parallel.
const BATCH: u64 = 256;

/// Visits `items` items; number `i` is item `i / n` of kind `kinds[i % n]`, of `n` kinds.
pub(super) fn visit(
    kinds: &[ItemKind],
    split: Split,
    seed: u64,
    items: u64,
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    let different: BTreeSet<ItemKind> = kinds.iter().copied().collect();
    if kinds.is_empty() || different.len() < kinds.len() {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let found = match names.as_slice() {
            [] => "no kind".to_owned(),
            names => format!("kinds `{}`", names.join("`, `")),
        };
        return Err(ItemError::Kinds { found }.into());
    }
    let count = kinds.len() as u64;
    for first in (0..items).step_by(BATCH as usize) {
        let batch = first..items.min(first.saturating_add(BATCH));
        let made: Vec<_> = batch
            .into_par_iter()
            .filter_map(|at| {
                let kind = *kinds.get((at % count) as usize)?;
                let index = at / count;
                let world = item(kind, split, seed, index);
                let picture = world.picture.as_ref().map(png);
                let id = format!("{split}-{kind}-{index}");
                Some((worded(world, id), picture))
            })
            .collect();
        for (item, picture) in made {
            let picture = picture.transpose()?;
            if intake.take_made(item, picture.as_deref())?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn worded(world: WorldItem, id: String) -> Item {
    let mut labels: Vec<String> = world.labels.into_iter().map(str::to_owned).collect();
    labels.sort_unstable();
    let last = (world.question, world.answer);
    let turns = world.before.into_iter().chain([last]);
    Item {
        id,
        turns: turns
            .map(|(question, answer)| Turn { question, answer })
            .collect(),
        options: world.options,
        right: world.right,
        labels,
        ..Item::default()
    }
}
