//! The synthetic world: seeded text of any size about scenes of coloured things.
//!
//! Document `i` of a style is a pure function of (style, seed, `i`). The sixteen styles talk about the same kinds,
//! colours, materials and places, each in its own way. What is stated of a scene holds in the scene, calculations are
//! right, and the output and the traces that programs show are those that they have.

mod academia;
mod arts;
mod ask;
mod biology;
mod canvas;
mod chart;
mod close_up;
mod code;
mod computer_science;
mod dialogue;
mod dice;
mod document;
mod economics;
mod encyclopedia;
mod expression;
mod font;
mod food;
mod item;
mod kind;
mod labels;
mod law;
mod literature;
mod math;
mod medicine;
mod page;
mod philosophy;
mod picture;
mod politics;
mod prose;
mod qa_forum;
mod scene;
mod shown;
mod sign;
mod style;
mod template;
mod web;
mod words;

pub use document::{Document, Segment};
pub use item::{ITEM_SIDE, WorldItem, item};
pub use kind::{ItemKind, ParseItemKindError, ParseSplitError, Split};
pub use labels::Labels;
pub use picture::{MIN_SIDE, Rendering, render};
pub use scene::Scene;
pub use style::{ParseStyleError, Style};

use std::ops::ControlFlow;

use crate::error::DataError;
use crate::source::Visit;
pub(crate) use dice::Dice;
pub(crate) use item::stratum;
use page::Page;

/// Document `index` of (`style`, `seed`).
pub fn document(style: Style, seed: u64, index: u64) -> Document {
    written(style, seed, index).finish()
}

fn written(style: Style, seed: u64, index: u64) -> Page {
    let mut page = Page::new(Dice::new(style, seed, index));
    match style {
        Style::Web => web::write(&mut page),
        Style::Code => code::write(&mut page),
        Style::Math => math::write(&mut page),
        Style::Encyclopedia => encyclopedia::write(&mut page),
        Style::Literature => literature::write(&mut page),
        Style::Academia => academia::write(&mut page),
        Style::Arts => arts::write(&mut page),
        Style::Biology => biology::write(&mut page),
        Style::ComputerScience => computer_science::write(&mut page),
        Style::Economics => economics::write(&mut page),
        Style::Food => food::write(&mut page),
        Style::Law => law::write(&mut page),
        Style::Medicine => medicine::write(&mut page),
        Style::Philosophy => philosophy::write(&mut page),
        Style::Politics => politics::write(&mut page),
        Style::QaForum => qa_forum::write(&mut page),
    }
    page
}

/// Visits documents from the first on until their text reaches `bytes`.
pub(crate) fn visit(
    style: Style,
    seed: u64,
    bytes: u64,
    each: &mut Visit<'_>,
) -> Result<(), DataError> {
    visit_documents(style, seed, bytes, &mut |document| each(&document.text()))
}

/// Like [`visit`], with the segments.
pub(crate) fn visit_documents(
    style: Style,
    seed: u64,
    bytes: u64,
    each: &mut dyn FnMut(&Document) -> Result<ControlFlow<()>, DataError>,
) -> Result<(), DataError> {
    let (mut written, mut index) = (0, 0);
    while written < bytes {
        let document = document(style, seed, index);
        written += document.len() as u64;
        index += 1;
        if each(&document)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
