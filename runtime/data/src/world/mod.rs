//! The synthetic world: seeded text of any size about scenes of coloured things.
//!
//! Document `i` of a style is a pure function of (style, seed, `i`). The five styles talk about the same kinds,
//! colours, materials and places, each in its own way. What is stated of a scene holds in the scene, calculations are
//! right, and the output that code shows is the output that it has.

mod ask;
mod code;
mod dice;
mod document;
mod encyclopedia;
mod expression;
mod item;
mod kind;
mod labels;
mod literature;
mod math;
mod page;
mod picture;
mod scene;
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

use crate::error::DataError;
use crate::source::Visit;
pub(crate) use dice::Dice;
pub(crate) use item::stratum;
use page::Page;

/// Document `index` of (`style`, `seed`).
pub fn document(style: Style, seed: u64, index: u64) -> Document {
    let mut page = Page::new(Dice::new(style, seed, index));
    match style {
        Style::Web => web::write(&mut page),
        Style::Code => code::write(&mut page),
        Style::Math => math::write(&mut page),
        Style::Encyclopedia => encyclopedia::write(&mut page),
        Style::Literature => literature::write(&mut page),
    }
    page.finish()
}

/// Visits documents from the first on until their text reaches `bytes`.
pub(crate) fn visit(
    style: Style,
    seed: u64,
    bytes: u64,
    each: &mut Visit<'_>,
) -> Result<(), DataError> {
    let (mut written, mut index) = (0, 0);
    while written < bytes {
        let text = document(style, seed, index).text();
        written += text.len() as u64;
        index += 1;
        if each(&text)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
