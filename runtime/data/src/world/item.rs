//! Items of the world: pictures with questions whose answers the wording does not betray, and facts without pictures.

use crate::image::Picture;
use crate::world::ask::{ask, ask_fact, content, facts};
use crate::world::dice::Dice;
use crate::world::picture::render;
use crate::world::scene::Scene;
use crate::world::words::COLOURS;

/// The side of an item's picture in pixels.
pub const ITEM_SIDE: usize = 96;

/// The blake3 key-derivation context of the side that a content belongs to.
const DOMAIN: &str = "vpc-data 2025 split of world content v1";

/// What an item asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// To describe the picture; open, without options.
    Caption,
    /// Perception: whether a kind of thing is there.
    Existence,
    /// Perception: the colour of a thing.
    Colour,
    /// Perception: the size of a thing.
    Size,
    /// Perception: how many things have a colour.
    Count,
    /// Perception: in which quarter of the picture a thing is.
    Place,
    /// Reasoning: which of two things is larger or smaller.
    Compare,
    /// Reasoning: how a thing stands to another.
    Relate,
    /// Reasoning: the sum or the difference of two counts.
    Arithmetic,
    /// Reasoning: the colour of the thing that is nearest to another.
    TwoHops,
    /// Language only: a fact that the encyclopedia states.
    Fact,
}

impl ItemKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [ItemKind; 11] = [
        ItemKind::Caption,
        ItemKind::Existence,
        ItemKind::Colour,
        ItemKind::Size,
        ItemKind::Count,
        ItemKind::Place,
        ItemKind::Compare,
        ItemKind::Relate,
        ItemKind::Arithmetic,
        ItemKind::TwoHops,
        ItemKind::Fact,
    ];

    /// The labels of its items.
    pub fn labels(self) -> &'static [&'static str] {
        use ItemKind::{Arithmetic, Caption, Compare, Fact, Relate, TwoHops};
        match self {
            Caption => &["other"],
            Fact => &["other", "language_only"],
            Compare | Relate | Arithmetic | TwoHops => &["reasoning"],
            _ => &["perception"],
        }
    }
}

/// A side of the world's contents; no scene and no fact is on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// To learn from.
    Train,
    /// To be asked.
    Test,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldItem {
    /// The picture, [`ITEM_SIDE`] pixels square; none where the language is enough.
    pub picture: Option<Picture>,
    /// What is asked.
    pub question: String,
    /// The right answer.
    pub answer: String,
    /// Two or four answers of which one is right; none where the question is open.
    pub options: Vec<String>,
    /// Where in the options the answer stands.
    pub right: Option<usize>,
    /// `perception`, `reasoning` or `other`, and `language_only`.
    pub labels: Vec<&'static str>,
}

/// Item `index` of (`kind`, `split`, `seed`).
///
/// Of each run of (answers x positions) indices that begins at a multiple of it, every answer stands once at every
/// position, in an order of its own. For [`ItemKind::Compare`] the answers are the thing named first and the second.
pub fn item(kind: ItemKind, split: Split, seed: u64, index: u64) -> WorldItem {
    build(kind, split, seed, index).1
}

/// The item with the scene that it shows.
pub(super) fn build(
    kind: ItemKind,
    split: Split,
    seed: u64,
    index: u64,
) -> (Option<Scene>, WorldItem) {
    let name = format!("item {kind:?} {split:?}");
    let facts = if kind == ItemKind::Fact {
        facts(|fact| side_of(fact) == split)
    } else {
        Vec::new()
    };
    let (values, positions) = match kind {
        ItemKind::Caption => (1, 1),
        ItemKind::Existence | ItemKind::Compare => (2, 2),
        ItemKind::Colour | ItemKind::TwoHops => (COLOURS.len(), 4),
        ItemKind::Size | ItemKind::Count | ItemKind::Arithmetic => (5, 4),
        ItemKind::Place | ItemKind::Relate => (4, 4),
        ItemKind::Fact => (facts.len(), 4),
    };
    let stratum = stratum(&name, seed, index, values * positions);
    let (value, position) = (stratum % values, stratum / values);
    let mut dice = Dice::named(&name, seed, index);
    let (scene, asked) = if kind == ItemKind::Fact {
        (None, ask_fact(&mut dice, &facts, value))
    } else {
        // The side is a hash of the content, so that turning scenes away leaves the answers as they are.
        loop {
            let (scene, asked) = ask(&mut dice, kind, value);
            if side_of(&content(&scene)) == split {
                break (Some(scene), asked);
            }
        }
    };
    let mut options = asked.others;
    dice.shuffle(&mut options);
    options.truncate(positions - 1);
    let right = (positions > 1).then_some(position);
    if let Some(right) = right {
        options.insert(right, asked.answer.clone());
    }
    let item = WorldItem {
        picture: scene.as_ref().map(|scene| render(scene, ITEM_SIDE).picture),
        question: asked.question,
        answer: asked.answer,
        options,
        right,
        labels: kind.labels().to_vec(),
    };
    (scene, item)
}

/// The place of `index` within its run of `size`, in the run's own order.
fn stratum(name: &str, seed: u64, index: u64, size: usize) -> usize {
    let (run, place) = (index / size as u64, index % size as u64);
    let mut order: Vec<usize> = (0..size).collect();
    Dice::named(&format!("{name} order"), seed, run).shuffle(&mut order);
    order[place as usize]
}

/// The side that a content belongs to.
fn side_of(content: &str) -> Split {
    let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
    hasher.update(content.as_bytes());
    if hasher.finalize().as_bytes()[0] & 1 == 0 {
        Split::Train
    } else {
        Split::Test
    }
}
