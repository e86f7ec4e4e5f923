//! Items to adapt a model with and to ask: read from many layouts, kept in files of lines, pictures and features.
//!
//! [`read_items`] visits the items of an [`ItemSource`] with the encoded bytes of their pictures. They are kept as
//! [`item_line`]s and in a [`PicturesWriter`]; what an encoder makes of the pictures goes to a [`FeaturesWriter`].
//! [`choose`] takes some of the items.

mod archive;
mod choose;
mod error;
mod features;
mod file;
mod folder;
mod intake;
mod item;
mod lines;
mod list;
mod located;
mod pictures;
mod published;
mod ration;
mod record;
mod scenes;
mod source;
mod table;

pub use choose::{Choice, choose, common_content};
pub use error::{ItemError, Place};
pub use features::{Features, FeaturesWriter};
pub use item::{Form, Item, PictureId, Turn};
pub use lines::{item_line, read_item_lines};
pub use located::read_picture;
pub use pictures::{Pictures, PicturesWriter};
pub use published::{ParsePublishedError, Published};
pub use source::{Ask, Broken, Fields, ItemSource, ItemStats, Side, VisitItem, read_items};

#[cfg(test)]
mod tests;
