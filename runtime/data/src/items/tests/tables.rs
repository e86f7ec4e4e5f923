//! Tables in the layout of VLMEvalKit.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::*;

#[test]
fn rows_have_pictures_in_them_or_beside_them() {
    let room = Room::with_pictures();
    let (packed, bare) = (STANDARD.encode(png(5)), STANDARD_NO_PAD.encode(png(6)));
    let table = format!(
        "index\timage\tquestion\tA\tB\tC\tanswer\tcategory\n\
         11\t{packed}\tWhich?\tcat\tdog\t\tB\treasoning\n\
         12\tb.png\tHow many?\t\t\t\t3\t\n\
         13\t{bare}\t\"Two\nlines?\"\t1\t2\t3\tC\tother\n\
         14\t\tWhy?\t\t\t\tbecause\tother\n"
    );
    let items = room.read("bench.tsv", &table);
    let pictures: Vec<_> = items.iter().map(|item| item.picture).collect();
    let of = |number| Some(PictureId::of(&png(number)));
    assert_eq!(pictures, [of(5), of(1), of(6), None]);
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["11", "12", "13", "14"]);
    assert_eq!(items[0].options, ["cat", "dog"]);
    assert_eq!((items[0].right, items[2].right), (Some(1), Some(2)));
    assert_eq!(items[2].turns[0].question, "Two\nlines?");
    assert_eq!(items[2].turns[0].answer, "3");
    assert_eq!(items[0].labels, ["reasoning"]);
    assert!(items[1].labels.is_empty() && items[1].options.is_empty());
    let packed = zstd::encode_all(table.as_bytes(), 1).unwrap();
    assert_eq!(room.read("bench.tsv.zst", packed), items);
}

#[test]
fn broken_rows_are_named() {
    let room = Room::with_pictures();
    let heading = "index\timage\tquestion\tanswer\n1\ta.png\tQ\tA\n";
    let refused = |row: &str| room.refused("bench.tsv", format!("{heading}{row}\n"));
    for (row, reason) in [
        ("2\t../a.png\tQ\tA", "is not below"),
        ("2\tnone.png\tQ\tA", "the picture `none.png`"),
        (
            "2\t%%%\tQ\tA",
            "the picture `2` cannot be used: neither a path nor base64",
        ),
        ("2\tAAAA\tQ\tA", "neither PNG nor JPEG"),
        ("2\ta.png\t\tA", "the field `question`"),
        ("2\tAAAA\tQ\t", "the field `answer`"),
        ("2\ta.png\tQ", "no row of a table"),
    ] {
        let message = refused(row);
        assert!(message.starts_with("`bench.tsv` line 3: "), "{message}");
        assert!(message.contains(reason), "{message}");
    }
    let table = format!("{heading}2\tAAAA\tQ\tA\n3\tb.png\tQ\tA\n");
    let (all, stats) = room.read_as("bench.tsv", table, skip).unwrap();
    assert_eq!((all.len(), stats.broken), (2, 1));
    assert_eq!(stats.broken_names, ["2 (line 3)"]);
    assert!(room.refused("bench.tsv", "").contains("has no items"));
}
