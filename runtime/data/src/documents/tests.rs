//! The documents file: round trip, and hostile bytes.

use proptest::prelude::*;

use super::{DocumentsWriter, documents};

/// A documents file of `texts`.
pub(crate) fn file<T: AsRef<str>>(texts: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = DocumentsWriter::new(&mut bytes).unwrap();
    for text in texts {
        writer.add(text.as_ref()).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<String>, String> {
    let all = documents(bytes).map_err(|error| error.to_string())?;
    all.map(|text| text.map(str::to_owned).map_err(|error| error.to_string()))
        .collect()
}

#[test]
fn damage_is_named() {
    let good = file(&["first", "zweitö"]);
    let say = |bytes: &[u8]| read(bytes).unwrap_err();
    assert_eq!(
        say(b""),
        "not a documents file: it does not begin with `VPC-DOCS`; make it again"
    );
    assert_eq!(
        say(&good[..10]),
        "not a documents file: it ends in its header; make it again"
    );
    assert_eq!(
        say(&good[..14]),
        "not a documents file: it ends inside document 0; make it again"
    );
    assert_eq!(
        say(&good[..good.len() - 1]),
        "not a documents file: it ends inside document 1; make it again"
    );
    let mut newer = good.clone();
    newer[8] = 9;
    assert_eq!(
        say(&newer),
        "not a documents file: version 9 where 1 is known; make it again"
    );
    let mut broken = good.clone();
    *broken.last_mut().unwrap() = b'o';
    assert_eq!(
        say(&broken),
        "not a documents file: byte 5 of document 1 is not valid UTF-8; make it again"
    );
}

#[test]
fn a_failing_writer_is_named() {
    let mut none = [0_u8; 4];
    let mut slice = &mut none[..];
    let error = DocumentsWriter::new(&mut slice).err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot write the documents file: failed to write whole buffer"
    );
}

#[test]
fn reading_stops_after_an_error() {
    let good = file(&["first", "second"]);
    assert_eq!(documents(&good[..good.len() - 1]).unwrap().count(), 2);
}

proptest! {
    #[test]
    fn what_is_written_is_read(texts in proptest::collection::vec(any::<String>(), 0..20)) {
        prop_assert_eq!(read(&file(&texts)).unwrap(), texts);
    }

    #[test]
    fn hostile_bytes_do_not_panic(tail in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = read(&[&file::<String>(&[])[..], &tail[..]].concat());
        let _ = read(&tail);
    }
}
