//! Rations: an entry takes no more than it may, whatever its file promises.

use std::io::Read;

use super::*;
use crate::items::ration::{Ration, Rationed};

#[test]
fn entries_have_rations_of_their_own() {
    let ration = Ration::new(8);
    let mut input = Rationed {
        inner: &b"one\ntwo\nthree\nfour"[..],
        ration: ration.clone(),
    };
    let mut first = [0; 8];
    input.read_exact(&mut first).unwrap();
    assert_eq!((ration.line(), ration.is_spent()), (3, true));
    assert!(input.read_exact(&mut first[..1]).is_err());
    ration.renew();
    input.read_exact(&mut first[..6]).unwrap();
    assert_eq!((ration.line(), ration.is_spent()), (4, false));
    let mut rest = String::new();
    ration.renew();
    input.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "four");
}

#[test]
fn a_long_entry_is_refused() {
    let room = Room::with_pictures();
    // Readers of tables read some of it ahead.
    let long = "x".repeat(crate::limits::LINE_BYTES + (1 << 16));
    let list = format!("[{{\"question\": \"{long}\", \"answer\": 1}}]");
    assert_eq!(
        room.refused("chat.json", list),
        "`chat.json` entry 1 (line 1): an entry longer than 64 MiB; leave it out"
    );
    // A quote that is never closed would make one cell of the rest of the file.
    let table = format!("question\tanswer\nQ\tA\nQ\t\"{long}");
    let message = room.refused("bench.tsv", table);
    assert!(
        message.contains("an entry of more than 64 MiB"),
        "{message}"
    );
}
