//! Values of traits as small integers, each with its text.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::schema::Trait;

/// The number of a value; equal values of a trait have one number. 0 stands for what is not known,
/// or does not apply, and differs from nothing.
pub(super) type Id = u32;

/// A value for each trait.
pub(super) type Row = [Id; Trait::COUNT];

/// Numbers for values.
#[derive(Default)]
pub(super) struct Values {
    ids: Vec<BTreeMap<SmallVec<[u64; 8]>, Id>>,
    texts: Vec<String>,
}

impl Values {
    /// Returns the number of a value, given in numbers that tell it from every other.
    pub(super) fn id(&mut self, of: Trait, parts: &[u64], text: impl FnOnce() -> String) -> Id {
        let at = of as usize;
        if self.ids.len() <= at {
            self.ids.resize_with(Trait::COUNT, BTreeMap::new);
        }
        if let Some(known) = self.ids.get(at).and_then(|ids| ids.get(parts)) {
            return *known;
        }
        let id = self.add(text());
        if let Some(ids) = self.ids.get_mut(at) {
            ids.insert(parts.into(), id);
        }
        id
    }

    /// Returns a number that no value has yet.
    pub(super) fn add(&mut self, text: String) -> Id {
        self.texts.push(text);
        Id::try_from(self.texts.len()).unwrap_or(Id::MAX)
    }

    /// Returns a value in words.
    pub(super) fn text(&self, id: Id) -> &str {
        let at = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        at.and_then(|at| self.texts.get(at)).map_or("", |text| text)
    }

    /// Returns several values as one.
    pub(super) fn all(&mut self, of: Trait, ids: &[Id]) -> Id {
        if let [id] = ids {
            return *id;
        }
        let parts: SmallVec<[u64; 8]> = ids.iter().map(|id| u64::from(*id)).collect();
        let mut texts: Vec<&str> = ids.iter().map(|id| self.text(*id)).collect();
        texts.dedup();
        let text = shortened(&texts);
        // Values made of values and of other numbers are not mixed up: these have one part more.
        let parts: SmallVec<[u64; 8]> = std::iter::once(u64::MAX).chain(parts).collect();
        self.id(of, &parts, || text)
    }
}

/// The first three of some texts.
pub(super) fn shortened(texts: &[&str]) -> String {
    let shown: Vec<&str> = texts.iter().take(3).copied().collect();
    let more = if texts.len() > 3 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
