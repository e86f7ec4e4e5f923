//! Pictures in the cells of a table: encoded in place, named by the row that holds them, or several.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::cells;
use crate::image::{Limits, Picture, decode, png};

/// Longest cell that names a row, in bytes: no encoded picture is as short. As in VLMEvalKit.
const REFERENCE: usize = 64;

/// Columns of white between pictures that are put side by side.
const BETWEEN: usize = 16;

/// Whether a cell names the row that holds its picture.
fn is_reference(cell: &str) -> bool {
    cell.len() <= REFERENCE
}

/// Pictures of other rows, each kept from its own row to the last one that names it.
#[derive(Debug, Default)]
pub(super) struct References {
    /// The last line on which a row is named.
    last: BTreeMap<String, u64>,
    seen: BTreeSet<String>,
    kept: BTreeMap<String, String>,
}

impl References {
    /// Looks at a row, before any is taken: which rows are named, and where those stand that are named
    /// before they come.
    pub(super) fn look(&mut self, id: &str, cell: &str, line: u64) {
        if is_reference(cell) {
            self.last.insert(cell.to_owned(), line);
        } else if self.last.contains_key(id) {
            self.kept.insert(id.to_owned(), cell.to_owned());
        } else {
            self.seen.insert(id.to_owned());
        }
    }

    /// The cell that holds the picture of a row, as rows are taken in order.
    pub(super) fn cell<'c>(
        &mut self,
        id: &str,
        cell: &'c str,
        line: u64,
    ) -> Result<Cow<'c, str>, String> {
        if !is_reference(cell) {
            if self.seen.contains(id) && self.last.contains_key(id) {
                self.kept.insert(id.to_owned(), cell.to_owned());
            }
            return Ok(cell.into());
        }
        let is_last = self.last.get(cell) == Some(&line);
        let found = if is_last {
            self.kept.remove(cell)
        } else {
            self.kept.get(cell).cloned()
        };
        let missing = || format!("its picture is that of the row `{cell}`, which has none");
        found.map(Into::into).ok_or_else(missing)
    }
}

/// The encoded picture of a cell. Several stand side by side in one, from the left and aligned at the top,
/// with white between them: an item has one picture.
pub(super) fn bytes(
    cell: &str,
    limits: &Limits,
    unpack: impl Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let Some(all) = cells::list(cell) else {
        return unpack(cell);
    };
    match all.as_slice() {
        [only] => unpack(only),
        all => {
            let decoded = all.iter().map(|one| {
                let bytes = unpack(one)?;
                decode(&bytes, limits).map_err(|error| error.to_string())
            });
            let decoded: Vec<Picture> = decoded.collect::<Result<_, String>>()?;
            png(&beside(&decoded)).map_err(|error| error.to_string())
        }
    }
}

fn beside(pictures: &[Picture]) -> Picture {
    let wide: usize = pictures.iter().map(Picture::width).sum();
    let width = wide + BETWEEN * pictures.len().saturating_sub(1);
    let height = pictures.iter().map(Picture::height).max().unwrap_or(1);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for row in 0..height {
        for (at, picture) in pictures.iter().enumerate() {
            if at > 0 {
                pixels.resize(pixels.len() + BETWEEN * 3, u8::MAX);
            }
            let bytes = picture.width() * 3;
            let own = picture.pixels().chunks_exact(bytes).nth(row);
            match own {
                Some(own) => pixels.extend_from_slice(own),
                None => pixels.resize(pixels.len() + bytes, u8::MAX),
            }
        }
    }
    Picture::new(width, height, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_other_rows_are_kept_as_long_as_needed() {
        let (one, two) = ("1".repeat(65), "2".repeat(65));
        let rows = [
            ("1", one.as_str()),
            ("3", "1"),
            ("4", "2"),
            ("2", &two),
            ("5", "1"),
            ("6", "7"),
        ];
        let mut references = References::default();
        for (line, (id, cell)) in (2..).zip(rows) {
            references.look(id, cell, line);
        }
        let mut found = Vec::new();
        for (line, (id, cell)) in (2..).zip(rows) {
            found.push(references.cell(id, cell, line).map(Cow::into_owned));
        }
        let of = |cell: &String| Ok(cell.clone());
        assert_eq!(
            found[..5],
            [of(&one), of(&one), of(&two), of(&two), of(&one)]
        );
        assert!(
            found[5]
                .as_ref()
                .is_err_and(|why| why.contains("the row `7`"))
        );
        assert!(references.kept.is_empty(), "{:?}", references.kept.keys());
    }

    #[test]
    fn several_pictures_stand_side_by_side() {
        let of =
            |width, height, shade| Picture::new(width, height, vec![shade; width * height * 3]);
        let joined = beside(&[of(2, 3, 10), of(1, 1, 20)]);
        assert_eq!((joined.width(), joined.height()), (2 + BETWEEN + 1, 3));
        let row = joined.width() * 3;
        assert_eq!(joined.pixels()[..6], [10; 6]);
        assert_eq!(joined.pixels()[6..row - 3], [255; BETWEEN * 3]);
        assert_eq!(joined.pixels()[row - 3..row], [20; 3]);
        // Below the lower one there is white.
        assert_eq!(joined.pixels()[2 * row - 3..2 * row], [255; 3]);
    }
}
