//! What every layout hands its items to: sides, broken pictures, counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::item::{feed, feed_number};
use super::{Broken, Item, ItemError, ItemSource, ItemStats, PictureId, Place, Side, VisitItem};
use crate::corpus::HeldOut;
use crate::error::DataError;
use crate::image::{Limits, decode};
use crate::world::Split;

/// The blake3 key-derivation context of the side that an item belongs to; a new one would move every item.
const SIDE_DOMAIN: &str = "vpc-data 2026 side of an item v1";

/// Broken pictures that are named.
const NAMED: usize = 8;

/// What messages about an item begin with.
pub(super) struct At<'f> {
    pub(super) file: &'f str,
    pub(super) place: Place,
}

impl At<'_> {
    /// What is there makes no item.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> DataError {
        let error = ItemError::Record {
            file: self.file.to_owned(),
            place: self.place.clone(),
            reason: reason.into(),
        };
        error.into()
    }
}

/// A picture as it was found.
pub(super) struct Found<'b> {
    /// What messages call it.
    pub(super) name: String,
    /// Its encoded bytes, or why there are none.
    pub(super) bytes: Result<Cow<'b, [u8]>, String>,
}

/// Takes the items of one source.
pub(super) struct Intake<'s, 'e> {
    source: &'s ItemSource,
    limits: &'s Limits,
    broken: Broken,
    side: Option<(HeldOut, Split)>,
    each: &'s mut VisitItem<'e>,
    /// Pictures that were decoded, and why some could not be.
    decoded: BTreeMap<PictureId, Result<(), String>>,
    other_side: u64,
    stats: ItemStats,
}

impl<'s, 'e> Intake<'s, 'e> {
    pub(super) fn new(
        source: &'s ItemSource,
        limits: &'s Limits,
        each: &'s mut VisitItem<'e>,
    ) -> Result<Self, DataError> {
        let (broken, side) = source.policy();
        let side = side.map(checked).transpose()?;
        Ok(Self {
            source,
            limits,
            broken,
            side,
            each,
            decoded: BTreeMap::new(),
            other_side: 0,
            stats: ItemStats::default(),
        })
    }

    /// What a picture may be.
    pub(super) fn limits(&self) -> &'s Limits {
        self.limits
    }

    /// Whether an item belongs to the part that is read, as what it asks tells.
    pub(super) fn wants(&mut self, item: &Item) -> bool {
        let mut hasher = blake3::Hasher::new_derive_key(SIDE_DOMAIN);
        feed_number(&mut hasher, item.turns.len());
        for turn in &item.turns {
            feed(&mut hasher, &turn.question);
        }
        self.is_on_side(&hasher)
    }

    /// Whether a picture belongs to the part that is read.
    pub(super) fn wants_picture(&mut self, bytes: &[u8]) -> bool {
        let mut hasher = blake3::Hasher::new_derive_key(SIDE_DOMAIN);
        hasher.update(b"picture").update(bytes);
        self.is_on_side(&hasher)
    }

    fn is_on_side(&mut self, hasher: &blake3::Hasher) -> bool {
        let Some((share, split)) = self.side else {
            return true;
        };
        let held_out = share.takes(hasher.finalize().as_bytes());
        let wanted = held_out == (split == Split::Test);
        self.other_side += u64::from(!wanted);
        wanted
    }

    /// How many items were taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.stats.items
    }

    /// Takes an item with its picture, if it has one.
    pub(super) fn take(
        &mut self,
        at: &At<'_>,
        mut item: Item,
        picture: Option<Found<'_>>,
    ) -> Result<ControlFlow<()>, DataError> {
        let Some(picture) = picture else {
            return self.deliver(item, None);
        };
        let Some(id) = self.check(at, &picture)? else {
            return Ok(ControlFlow::Continue(()));
        };
        item.picture = Some(id);
        self.deliver(item, picture.bytes.ok().as_deref())
    }

    /// Takes an item with a picture that was made here.
    pub(super) fn take_made(
        &mut self,
        mut item: Item,
        picture: Option<&[u8]>,
    ) -> Result<ControlFlow<()>, DataError> {
        if let Some(bytes) = picture {
            let id = PictureId::of(bytes);
            self.decoded.insert(id, Ok(()));
            item.picture = Some(id);
        }
        self.deliver(item, picture)
    }

    /// The id of a picture that can be decoded; none where it cannot, and such are skipped.
    pub(super) fn check(
        &mut self,
        at: &At<'_>,
        picture: &Found<'_>,
    ) -> Result<Option<PictureId>, DataError> {
        let sound = match &picture.bytes {
            Ok(bytes) => self.decode(bytes),
            Err(reason) => Err(reason.clone()),
        };
        match (sound, self.broken) {
            (Ok(id), _) => Ok(Some(id)),
            (Err(reason), Broken::Fatal) => {
                let error = ItemError::Picture {
                    file: at.file.to_owned(),
                    place: at.place.clone(),
                    picture: picture.name.clone(),
                    reason,
                };
                Err(error.into())
            }
            (Err(_), Broken::Skip) => {
                self.stats.broken += 1;
                if self.stats.broken_names.len() < NAMED {
                    let place = at.place.to_string();
                    let name = match place.trim_start() {
                        "" => picture.name.clone(),
                        place => format!("{} ({place})", picture.name),
                    };
                    self.stats.broken_names.push(name);
                }
                Ok(None)
            }
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<PictureId, String> {
        let id = PictureId::of(bytes);
        let decoded = self.decoded.entry(id).or_insert_with(|| {
            let picture = decode(bytes, self.limits);
            picture.map(drop).map_err(|error| error.to_string())
        });
        decoded.clone().map(|()| id)
    }

    fn deliver(
        &mut self,
        item: Item,
        picture: Option<&[u8]>,
    ) -> Result<ControlFlow<()>, DataError> {
        self.stats.items += 1;
        self.stats.with_picture += u64::from(picture.is_some());
        for label in &item.labels {
            *self.stats.labels.entry(label.clone()).or_default() += 1;
        }
        (self.each)(item, picture)
    }

    /// What was taken, at the end of the source.
    pub(super) fn finish(mut self) -> Result<ItemStats, DataError> {
        let sound = self.decoded.values().filter(|decoded| decoded.is_ok());
        self.stats.pictures = sound.count() as u64;
        if self.stats.items > 0 {
            return Ok(self.stats);
        }
        let origin = self.source.origin();
        let (items, broken) = (self.other_side, self.stats.broken);
        let error = match self.side {
            Some((_, split)) if items > 0 && broken == 0 => ItemError::EmptySide {
                origin,
                items,
                split,
            },
            _ => ItemError::NoItems {
                origin,
                why: match self.stats.broken_names.first() {
                    Some(first) => format!("{broken} have broken pictures, the first `{first}`"),
                    None => "there must be one or more".to_owned(),
                },
            },
        };
        Err(error.into())
    }
}

fn checked(side: Side) -> Result<(HeldOut, Split), DataError> {
    let (numerator, denominator) = side.held_out;
    let share = HeldOut {
        numerator,
        denominator,
    };
    share.check()?;
    Ok((share, side.split))
}
