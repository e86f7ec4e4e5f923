//! Parquet as Hugging Face publishes it: pictures as groups of bytes and a path, lists, compressed pages.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;

/// A column: of texts with their levels of definition and repetition, or of numbers.
enum Column<'a> {
    Texts(Vec<&'a [u8]>, Vec<i16>, Vec<i16>),
    Numbers(Vec<i64>),
}

/// Texts of so many rows, each there, `deep` levels down.
fn texts<'a>(values: &[&'a str], deep: i16) -> Column<'a> {
    let bytes = values.iter().map(|text| text.as_bytes());
    Column::Texts(bytes.collect(), vec![deep; values.len()], Vec::new())
}

/// A list of texts for each row.
fn lists<'a>(rows: &[&[&'a str]], deep: i16) -> Column<'a> {
    let bytes = rows
        .iter()
        .flat_map(|row| row.iter().map(|text| text.as_bytes()));
    let repeats = rows
        .iter()
        .flat_map(|row| (0..row.len()).map(|at| i16::from(at > 0)));
    let (bytes, repeats): (Vec<_>, Vec<_>) = (bytes.collect(), repeats.collect());
    Column::Texts(bytes.clone(), vec![deep; bytes.len()], repeats)
}

fn file(schema: &str, compression: Compression, columns: &[Column<'_>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let how = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(how)).unwrap();
    let mut rows = writer.next_row_group().unwrap();
    for column in columns {
        let mut writer = rows.next_column().unwrap().unwrap();
        match column {
            Column::Texts(values, defined, repeated) => {
                let values: Vec<ByteArray> =
                    values.iter().map(|&text| text.to_vec().into()).collect();
                let repeated = (!repeated.is_empty()).then_some(repeated.as_slice());
                let typed = writer.typed::<ByteArrayType>();
                typed.write_batch(&values, Some(defined), repeated).unwrap();
            }
            Column::Numbers(values) => {
                let defined = vec![1; values.len()];
                let typed = writer.typed::<Int64Type>();
                typed.write_batch(values, Some(&defined), None).unwrap();
            }
        }
        writer.close().unwrap();
    }
    rows.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn mle_bench_has_its_pictures_in_it() {
    let schema = "message schema {
        optional group image { optional binary bytes; optional binary path (STRING); }
        optional binary question (STRING);
        optional group choices (LIST) { repeated group list { optional binary element (STRING); } }
        optional binary answer (STRING);
        optional binary sub_task (STRING);
    }";
    let pictures = [png(1), png(2)];
    let columns = [
        Column::Texts(
            pictures.iter().map(Vec::as_slice).collect(),
            vec![2; 2],
            Vec::new(),
        ),
        texts(&["0.png", "1.png"], 2),
        texts(&["Which?", "What?"], 1),
        lists(&[&["cup", "dog"], &["sea", "bed", "owl"]], 3),
        texts(&["dog", "sea"], 1),
        texts(&["existence_0-30", "existence_30-60"], 1),
    ];
    let bytes = file(schema, Compression::SNAPPY, &columns);
    let room = Room::new();
    let read =
        |bytes: &[u8]| room.published("mle_medium", &[("train-00000-of-00001.parquet", bytes)]);
    let all = read(&bytes).unwrap();
    let wanted = Item {
        id: "2".to_owned(),
        options: ["sea", "bed", "owl"].map(str::to_owned).to_vec(),
        right: Some(0),
        picture: Some(PictureId::of(&png(2))),
        ..item("What?", "sea", &[])
    };
    assert_eq!(all, [(wanted, Some(png(2)))]);
    let damaged = read(&bytes[..bytes.len() / 2]).unwrap_err();
    assert!(
        damaged.starts_with("`train-00000-of-00001.parquet` (its description): it is no parquet"),
        "{damaged}"
    );
}

#[test]
fn language_sets_are_flat() {
    let schema = "message schema {
        optional binary id (STRING);
        optional binary question_stem (STRING);
        optional group choices {
            optional group text (LIST) { repeated group list { optional binary element (STRING); } }
            optional group label (LIST) { repeated group list { optional binary element (STRING); } }
        }
        optional binary answerKey (STRING);
    }";
    let columns = [
        texts(&["7-1"], 1),
        texts(&["The sun is"], 1),
        lists(&[&["cold", "hot"]], 4),
        lists(&[&["A", "B"]], 4),
        texts(&["B"], 1),
    ];
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let bytes = file(schema, zstd, &columns);
    let name = "test-00000-of-00001.parquet";
    let all = Room::new()
        .published("openbookqa", &[(name, &bytes)])
        .unwrap();
    assert_eq!(all[0].0.options, ["cold", "hot"]);
    assert_eq!((all[0].0.right, all[0].0.id.as_str()), (Some(1), "7-1"));
    let schema = "message schema {
        optional binary goal (STRING); optional binary sol1 (STRING); optional binary sol2 (STRING);
        optional int64 label;
    }";
    let columns = [
        texts(&["Sit", "Go"], 1),
        texts(&["down.", "on."], 1),
        texts(&["up.", "in."], 1),
        Column::Numbers(vec![0, 5]),
    ];
    let bytes = file(schema, Compression::UNCOMPRESSED, &columns);
    let name = "validation-00000-of-00001.parquet";
    let wrong = Room::new()
        .published("piqa", &[(name, &bytes)])
        .unwrap_err();
    assert_eq!(
        wrong,
        format!("`{name}` row 2: option 5 from 0 is right, of 2")
    );
}

#[test]
fn wikitext_has_a_line_in_a_row() {
    let schema = "message schema { optional binary text (STRING); }";
    let lines = [
        "",
        " = One = \n",
        "",
        " Text . \n",
        " = Two = \n",
        " More . \n",
    ];
    let bytes = file(schema, Compression::SNAPPY, &[texts(&lines, 1)]);
    let name = "test-00000-of-00001.parquet";
    let all = Room::new()
        .published("wikitext", &[(name, &bytes)])
        .unwrap();
    let texts: Vec<&str> = all
        .iter()
        .map(|(item, _)| item.turns[0].answer.as_str())
        .collect();
    assert_eq!(texts, ["= One = \n\n Text .", "= Two = \n More ."]);
}
