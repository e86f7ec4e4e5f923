//! Items of the world: pictures with questions whose answers the wording does not betray, and facts and dialogues
//! without pictures.

use crate::image::Picture;
use crate::world::ask::{Asked, ask, ask_fact, facts};
use crate::world::chart::{ChartQuestion, ask_chart};
use crate::world::close_up::{Level, WHOLE_KINDS, ask_existence};
use crate::world::dialogue::{Reference, ask_dialogue};
use crate::world::dice::Dice;
use crate::world::kind::{ItemKind, Split};
use crate::world::shown::Shown;
use crate::world::sign::{LENGTHS, ask_digits, ask_letters, words};
use crate::world::words::COLOURS;

/// The side of an item's picture in pixels.
pub const ITEM_SIDE: usize = 96;

/// The blake3 key-derivation context of the side that a content belongs to.
const DOMAIN: &str = "vpc-data 2025 split of world content v1";

/// A question with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldItem {
    /// The picture, [`ITEM_SIDE`] pixels square; none where the language is enough.
    pub picture: Option<Picture>,
    /// The turns before the last, each a question and its answer; none where there is one turn.
    pub before: Vec<(String, String)>,
    /// What is asked, last.
    pub question: String,
    /// The right answer.
    pub answer: String,
    /// Two or four answers of which one is right; none where the question is open.
    pub options: Vec<String>,
    /// Where in the options the answer stands.
    pub right: Option<usize>,
    /// `perception`, `reasoning` or `other`, and `language_only` or `ocr`.
    pub labels: Vec<&'static str>,
    /// The share of the picture's pixels that the thing covers which is asked about, or the sign's plate; none where
    /// no thing is, or more than one.
    pub covered: Option<f32>,
}

/// Item `index` of (`kind`, `split`, `seed`).
///
/// Of each run of (answers x positions) indices that begins at a multiple of it, every answer stands once at every
/// position, in an order of its own. For [`ItemKind::Compare`] the answers are the thing named first and the second,
/// for [`ItemKind::Digits`] numbers of two, three and four digits. The questions of [`ItemKind::Chart`] take turns, and
/// so do the last questions of [`ItemKind::Dialogue`]; the runs are those of each question.
pub fn item(kind: ItemKind, split: Split, seed: u64, index: u64) -> WorldItem {
    build(kind, split, seed, index).1
}

/// The item with what it shows.
pub(super) fn build(
    kind: ItemKind,
    split: Split,
    seed: u64,
    index: u64,
) -> (Option<Shown>, WorldItem) {
    let name = format!("item {kind:?} {split:?}");
    let turn = taking_turns(&ChartQuestion::ALL, index);
    let refers = taking_turns(&Reference::ALL, index);
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
        ItemKind::Digits => (LENGTHS, 4),
        ItemKind::Letters => (words().len(), 4),
        ItemKind::Chart => (turn.values(), 4),
        ItemKind::Dialogue => (refers.values(), 4),
        ItemKind::ExistenceSmall | ItemKind::ExistenceMedium | ItemKind::ExistenceLarge => {
            (WHOLE_KINDS, 4)
        }
    };
    let (run, turns) = match kind {
        ItemKind::Chart => (format!("{name} {turn:?}"), ChartQuestion::ALL.len()),
        ItemKind::Dialogue => (format!("{name} {refers:?}"), Reference::ALL.len()),
        _ => (name.clone(), 1),
    };
    let stratum = stratum(&run, seed, index / turns as u64, values * positions);
    let (value, position) = (stratum % values, stratum / values);
    let mut dice = Dice::named(&name, seed, index);
    // The side is a hash of the content, so that turning contents away leaves the answers as they are.
    let (shown, before, asked) = match kind {
        ItemKind::Fact => (None, Vec::new(), ask_fact(&mut dice, &facts, value)),
        ItemKind::Dialogue => loop {
            let dialogue = ask_dialogue(&mut dice, refers, value);
            if side_of(&dialogue.content) == split {
                break (None, dialogue.before, dialogue.asked);
            }
        },
        _ => loop {
            let (shown, asked) = show(&mut dice, kind, turn, value);
            if side_of(&shown.content()) == split {
                break (Some(shown), Vec::new(), asked);
            }
        },
    };
    let mut options = asked.others;
    dice.shuffle(&mut options);
    options.truncate(positions - 1);
    let right = (positions > 1).then_some(position);
    if let Some(right) = right {
        options.insert(right, asked.answer.clone());
    }
    let drawn = shown.as_ref().map(Shown::render);
    let covered = drawn.as_ref().filter(|_| about_one(kind, value));
    let share = |pixels: &usize| *pixels as f32 / (ITEM_SIDE * ITEM_SIDE) as f32;
    let item = WorldItem {
        covered: covered.and_then(|drawn| drawn.covered.first().map(share)),
        picture: drawn.map(|drawn| drawn.picture),
        before,
        question: asked.question,
        answer: asked.answer,
        options,
        right,
        labels: kind.labels().to_vec(),
    };
    (shown, item)
}

/// Something to show in which the answer is number `value`, and what is asked about it.
fn show(dice: &mut Dice, kind: ItemKind, turn: ChartQuestion, value: usize) -> (Shown, Asked) {
    let sign = |(sign, asked)| (Shown::Sign(sign), asked);
    let close_up = |(close_up, asked)| (Shown::CloseUp(close_up), asked);
    match kind {
        ItemKind::Digits => sign(ask_digits(dice, value)),
        ItemKind::Letters => sign(ask_letters(dice, value)),
        ItemKind::Chart => {
            let (chart, asked) = ask_chart(dice, turn, value);
            (Shown::Chart(chart), asked)
        }
        ItemKind::ExistenceSmall => close_up(ask_existence(dice, Level::Small, value)),
        ItemKind::ExistenceMedium => close_up(ask_existence(dice, Level::Medium, value)),
        ItemKind::ExistenceLarge => close_up(ask_existence(dice, Level::Large, value)),
        _ => {
            let (scene, asked) = ask(dice, kind, value);
            (Shown::Scene(scene), asked)
        }
    }
}

/// Whether a question whose answer is number `value` is about the first thing of its picture alone.
fn about_one(kind: ItemKind, value: usize) -> bool {
    use ItemKind::{
        Colour, Digits, Existence, ExistenceLarge, ExistenceMedium, ExistenceSmall, Letters, Place,
        Size,
    };
    match kind {
        Existence => value == 0,
        Colour | Size | Place | Digits | Letters | ExistenceSmall | ExistenceMedium
        | ExistenceLarge => true,
        _ => false,
    }
}

/// Which of some questions that take turns is that of `index`.
fn taking_turns<T: Copy>(all: &[T], index: u64) -> T {
    all[(index % all.len() as u64) as usize]
}

/// The place of `index` within its run of `size`, in the run's own order.
pub(crate) fn stratum(name: &str, seed: u64, index: u64, size: usize) -> usize {
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
