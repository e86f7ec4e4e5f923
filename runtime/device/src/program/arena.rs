//! Room in a device's memory, handed out before any device is there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Kind, Span};

/// Every span begins at a multiple of this, in bytes.
pub(crate) const ALIGNMENT: usize = 256;

/// Hands out room, and takes it back where nothing needs it any more.
///
/// The same requests in the same order give the same places: a step's memory is known once the step
/// is recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena(Rc<RefCell<Room>>);

#[derive(Debug, Default)]
struct Room {
    /// Free stretches below `end`: where they begin, and their bytes.
    free: BTreeMap<usize, usize>,
    /// The end of what was ever in use.
    end: usize,
}

/// A span that is given back when its last reader is gone.
#[derive(Clone, Debug)]
pub(crate) struct Buffer(Rc<Held>);

#[derive(Debug)]
struct Held {
    span: Span,
    arena: Arena,
}

impl Arena {
    /// Room for `len` numbers.
    pub(crate) fn take(&self, len: usize, kind: Kind) -> Buffer {
        let at = self.0.borrow_mut().take(bytes(len, kind));
        Buffer(Rc::new(Held {
            span: Span { at, len, kind },
            arena: self.clone(),
        }))
    }

    /// The most bytes that were in use, counted from the arena's beginning.
    pub(crate) fn bytes(&self) -> usize {
        self.0.borrow().end
    }
}

impl Buffer {
    /// Where it lies.
    pub(crate) fn span(&self) -> Span {
        self.0.span
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let size = bytes(self.span.len, self.span.kind);
        self.arena.0.borrow_mut().give(self.span.at, size);
    }
}

fn bytes(len: usize, kind: Kind) -> usize {
    (len * kind.bytes()).max(1).next_multiple_of(ALIGNMENT)
}

impl Room {
    /// The smallest free stretch that fits, the first of equal ones; else the end.
    fn take(&mut self, size: usize) -> usize {
        let fits = self.free.iter().filter(|(_, free)| **free >= size);
        let best = fits.min_by_key(|(_, free)| **free);
        let Some((at, free)) = best.map(|(at, free)| (*at, *free)) else {
            // A free stretch at the very end grows.
            let last = self.free.last_key_value().map(|(at, free)| (*at, *free));
            let at = match last {
                Some((at, free)) if at + free == self.end => {
                    self.free.remove(&at);
                    at
                }
                _ => self.end,
            };
            self.end = at + size;
            return at;
        };
        self.free.remove(&at);
        if free > size {
            self.free.insert(at + size, free - size);
        }
        at
    }

    fn give(&mut self, mut at: usize, mut size: usize) {
        if let Some(after) = self.free.remove(&(at + size)) {
            size += after;
        }
        let before = self.free.range(..at).next_back();
        if let Some((start, length)) = before.map(|(start, length)| (*start, *length))
            && start + length == at
        {
            self.free.remove(&start);
            at = start;
            size += length;
        }
        self.free.insert(at, size);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn room_is_used_again() {
        let arena = Arena::default();
        let first = arena.take(1000, Kind::F32);
        let second = arena.take(10, Kind::Bf16);
        assert_eq!(second.span().at, 4096);
        drop(first);
        let third = arena.take(500, Kind::F32);
        assert_eq!(third.span().at, 0);
        assert_eq!(arena.bytes(), 4096 + ALIGNMENT);
    }

    #[test]
    fn what_is_free_at_the_end_grows() {
        let arena = Arena::default();
        drop(arena.take(100, Kind::F32));
        let larger = arena.take(1000, Kind::F32);
        assert_eq!((larger.span().at, arena.bytes()), (0, 4096));
    }

    proptest! {
        /// No two live spans share a byte, all lie within the arena, and all of it is free at last.
        #[test]
        fn spans_do_not_overlap(steps in prop::collection::vec((1_usize..5000, any::<prop::sample::Index>(), any::<bool>()), 1..120)) {
            let arena = Arena::default();
            let mut live: Vec<Buffer> = Vec::new();
            for (len, which, take) in steps {
                if take || live.is_empty() {
                    live.push(arena.take(len, Kind::F32));
                } else {
                    live.swap_remove(which.index(live.len()));
                }
                let mut places: Vec<(usize, usize)> = live.iter().map(|buffer| {
                    let span = buffer.span();
                    (span.at, span.at + span.len * span.kind.bytes())
                }).collect();
                places.sort_unstable();
                prop_assert!(places.windows(2).all(|pair| pair[0].1 <= pair[1].0));
                prop_assert!(places.iter().all(|place| place.0.is_multiple_of(ALIGNMENT) && place.1 <= arena.bytes()));
            }
            live.clear();
            let room = arena.0.borrow();
            prop_assert_eq!(room.free.iter().collect::<Vec<_>>(), vec![(&0, &room.end)]);
        }
    }
}
