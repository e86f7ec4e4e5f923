//! Instructions as LLaVA keeps them: one JSON list of items, read entry by entry.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

use super::Place;
use super::file::Reading;
use super::intake::{At, Intake};
use super::ration::{Ration, Rationed};
use crate::error::DataError;
use crate::limits::LINE_BYTES;
use crate::source::jsonl::reason;
use crate::source::open::{open, unreadable};
use crate::source::shown;

/// Visits the items of a list.
pub(super) fn visit(
    reading: &mut Reading<'_>,
    intake: &mut Intake<'_, '_>,
) -> Result<(), DataError> {
    let path = reading.path;
    let mut count = 0_u64;
    entries(path, &mut |value, place| {
        count += 1;
        reading.take(value, place, count.to_string(), intake)
    })
}

/// What takes entries, each with its place, and says whether to go on.
type VisitEntry<'v> = dyn FnMut(&Value, Place) -> Result<ControlFlow<()>, DataError> + 'v;

/// Visits the entries of a list; each is read on its own, and has 64 MiB at most.
pub(super) fn entries(path: &Path, each: &mut VisitEntry<'_>) -> Result<(), DataError> {
    let ration = Ration::new(LINE_BYTES as u64);
    let input = Rationed {
        inner: open(path)?,
        ration: ration.clone(),
    };
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    let mut entries = Entries {
        each,
        ration: ration.clone(),
        entry: 0,
        stopped: None,
    };
    let read = deserializer.deserialize_seq(&mut entries);
    let (entry, stopped) = (entries.entry, entries.stopped);
    if let Some(stopped) = stopped {
        return stopped;
    }
    let Err(error) = read.and_then(|()| deserializer.end()) else {
        return Ok(());
    };
    let line = ration.line();
    let file = shown(path);
    let at = At {
        file: &file,
        place: Place::Entry {
            entry: entry.max(1),
            line,
        },
    };
    if ration.is_spent() {
        let most = LINE_BYTES >> 20;
        return Err(at.wrong(format!("an entry longer than {most} MiB; leave it out")));
    }
    if error.is_io() {
        return Err(unreadable(path, error.into()));
    }
    let reason = reason(&error);
    Err(at.wrong(format!("it is no JSON list of items ({reason})")))
}

/// The entries of a list, handed on one by one.
struct Entries<'r, 'v> {
    each: &'r mut VisitEntry<'v>,
    ration: Rc<Ration>,
    /// The entry being read, from 1.
    entry: u64,
    /// How it ended before the end.
    stopped: Option<Result<(), DataError>>,
}

impl<'de> Visitor<'de> for &mut Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list such as `[{\"image\": …, \"conversations\": …}, …]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            self.entry += 1;
            let Some((line, value)) = list.next_element_seed(Entry(&self.ration))? else {
                return Ok(());
            };
            let entry = self.entry;
            let place = Place::Entry { entry, line };
            let stopped = match (self.each)(&value, place) {
                Ok(ControlFlow::Continue(())) => continue,
                Ok(ControlFlow::Break(())) => Ok(()),
                Err(error) => Err(error),
            };
            self.stopped = Some(stopped);
            return Err(A::Error::custom("stopped"));
        }
    }
}

/// An entry with the line on which it begins.
struct Entry<'r>(&'r Ration);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = (u64, Value);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(u64, Value), D::Error> {
        self.0.renew();
        let line = self.0.line();
        Ok((line, Value::deserialize(deserializer)?))
    }
}
