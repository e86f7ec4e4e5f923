//! Records come back as they were; hostile bytes are errors.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use proptest::prelude::*;

use super::*;

fn some() -> Vec<Record> {
    let first = Record {
        labels: vec!["maths".to_owned(), "hard".to_owned()],
        output: Some("=B, \"so\"\nto say ü".to_owned()),
        answer: Some(Answer::Option(1)),
        right: Some(true),
        log_likelihoods: vec![-1.5, -0.25],
        lengths: vec![3, 4],
        ..Record::of("q1", "Which?")
    };
    let second = Record {
        cut: true,
        output: Some(String::new()),
        ..Record::of("q2", "What?").credited(0.25)
    };
    let third = Record {
        answer: Some(Answer::YesNo(true)),
        right: Some(true),
        question: Some("Is it?".to_owned()),
        expected: Some("yes".to_owned()),
        explanation: Some("It is.".to_owned()),
        finish: Some("length".to_owned()),
        usage: Some(Usage {
            prompt_tokens: 10,
            completion_tokens: 2,
            requests: 1,
        }),
        // Files may name two questions alike.
        ..Record::of("q2", "Is it?")
    };
    let fourth = Record {
        answer: Some(Answer::Words("two balls".to_owned())),
        log_likelihoods: vec![-0.1],
        ..Record::of("", "")
    };
    vec![first, second, third, fourth]
}

/// Packs a body as `encode` does, with a digest that holds.
fn sealed(plain: &[u8]) -> Vec<u8> {
    let packed = zstd::bulk::compress(plain, 3).unwrap();
    let mut bytes = b"VPCR\x02\0\0\0".to_vec();
    bytes.extend(blake3::hash(&packed).as_bytes());
    bytes.extend(packed);
    bytes
}

#[test]
fn they_come_back_and_equal_records_give_equal_bytes() {
    let bytes = encode(&some()).unwrap();
    assert_eq!(decode(&bytes).unwrap(), some());
    assert_eq!(encode(&some()).unwrap(), bytes);
    assert_eq!(decode(&encode(&[]).unwrap()).unwrap(), []);
}

#[test]
fn no_changed_byte_and_no_shorter_file_is_read() {
    let bytes = encode(&some()).unwrap();
    for at in 0..bytes.len() {
        assert!(decode(&bytes[..at]).is_err(), "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(decode(&changed).is_err(), "changed at {at}");
    }
}

#[test]
fn bodies_that_lie_are_errors() {
    let said = |plain: &[u8]| decode(&sealed(plain)).unwrap_err().to_string();
    let empty = 0_u32.to_le_bytes();
    assert_eq!(decode(&sealed(&empty)).unwrap(), []);
    assert!(said(&[0, 0, 0, 0, 1]).contains("bytes follow"));
    assert!(said(&u32::MAX.to_le_bytes()).contains("too early"));
    let body = |name: u32, cut: u8, sort: u8| {
        let mut plain = 1_u32.to_le_bytes().to_vec();
        plain.extend(name.to_le_bytes());
        plain.extend([0; 32]);
        plain.push(cut);
        plain.extend([0; 4 + 4]); // labels, output
        plain.push(sort);
        plain.extend([0; 4]);
        plain.extend([255; 4]); // no words
        plain.extend([0; 1 + 4 + 4 + 4 + 4 * 4 + 1 + 3 * 8]);
        plain
    };
    assert!(decode(&sealed(&body(0, 0, 0))).is_ok());
    assert!(said(&body(u32::MAX, 0, 0)).contains("no name"));
    assert!(said(&body(0, 2, 0)).contains("neither 0 nor 1"));
    assert!(said(&body(0, 3, 0)).contains("a flag is none"));
    assert!(said(&body(0, 0, 3)).contains("of no sort"));
    assert!(said(&vec![0; (256 << 20) + 1]).contains("256 MiB"));
}

#[test]
fn another_version_is_not_read() {
    let mut first = encode(&some()).unwrap();
    first[4] = 1;
    let said = decode(&first).unwrap_err().to_string();
    assert!(said.contains("its version is 1 and 2 is read"), "{said}");
}

#[test]
fn numbers_are_finite() {
    let mut nan = some();
    nan[0].log_likelihoods[1] = f64::NEG_INFINITY;
    let expected = Err(RecordError::NotFinite {
        id: "q1".to_owned(),
    });
    for found in [encode(&nan), to_jsonl(&nan), to_csv(&nan), to_parquet(&nan)] {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_record_takes_as_much_as_is_counted() {
    // The limit is held before anything is laid out; a frame of 256 MiB would not show it.
    for own in some() {
        let plain = columns::plain(std::slice::from_ref(&own));
        assert_eq!(plain.len(), 4 + columns::size(&own), "{own:?}");
    }
}

#[test]
fn lines_say_only_what_is_there() {
    let lines = String::from_utf8(to_jsonl(&some()).unwrap()).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let digest = |words: &str| blake3::hash(words.as_bytes()).to_hex();
    let second = format!(
        r#"{{"id":"q2","prompt":"{}","cut":true,"output":"","right":false,"credit":0.25}}"#,
        digest("What?")
    );
    assert_eq!(lines[1], second);
    let third = format!(
        r#"{{"id":"q2","prompt":"{}","answer":true,"right":true,"question":"Is it?","expected":"yes","explanation":"It is.","finish":"length","prompt_tokens":10,"completion_tokens":2,"requests":1}}"#,
        digest("Is it?")
    );
    assert_eq!(lines[2], third);
    let first: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(first["answer"], 1);
    assert_eq!(first["log_likelihoods"], serde_json::json!([-1.5, -0.25]));
    assert!(lines[3].contains(r#""answer":"two balls""#), "{}", lines[3]);
}

#[test]
fn csv_has_a_column_for_each_field() {
    let csv = to_csv(&some()).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    assert_eq!(
        reader.headers().unwrap(),
        export::COLUMNS.as_slice(),
        "a line of headings"
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let of = |row: usize, name: &str| {
        let at = export::COLUMNS.iter().position(|one| *one == name).unwrap();
        rows[row][at].to_owned()
    };
    assert_eq!(of(0, "labels"), "maths;hard");
    assert_eq!(of(0, "output"), "'=B, \"so\"\nto say ü");
    assert_eq!(of(0, "log_likelihoods"), "-1.5 -0.25");
    assert_eq!(
        (of(1, "answer"), of(1, "requests")),
        (String::new(), String::new())
    );
    assert_eq!(
        (of(0, "credit"), of(1, "credit")),
        (String::new(), "0.25".to_owned())
    );
    assert_eq!(
        (of(2, "answer"), of(2, "prompt_tokens")),
        ("true".to_owned(), "10".to_owned())
    );
}

#[test]
fn parquet_reads_back() {
    let bytes = to_parquet(&some()).unwrap();
    assert_eq!(to_parquet(&some()).unwrap(), bytes);
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let names = reader.metadata().file_metadata().schema().get_fields();
    let names: Vec<&str> = names.iter().map(|field| field.name()).collect();
    assert_eq!(names, export::COLUMNS);
    let rows: Vec<parquet::record::Row> = reader
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 4);
    let shown = |row: usize, at: usize| rows[row].get_column_iter().nth(at).unwrap().1.to_string();
    assert_eq!(rows[0].get_string(0).unwrap(), "q1");
    assert_eq!(rows[0].get_string(1).unwrap().len(), 64);
    assert!(rows[1].get_bool(2).unwrap());
    assert_eq!(shown(0, 3), r#"["maths", "hard"]"#);
    assert_eq!(rows[0].get_string(4).unwrap(), "=B, \"so\"\nto say ü");
    assert_eq!(rows[2].get_string(5).unwrap(), "true");
    assert_eq!(shown(3, 6), "null");
    assert_eq!(
        (shown(0, 7), shown(1, 7)),
        ("null".to_owned(), "0.25".to_owned())
    );
    let lists = [0, 1, 3].map(|row| shown(row, 8));
    assert_eq!(lists, ["[-1.5E0, -2.5E-1]", "[]", "[-1E-1]"]);
    assert_eq!(shown(0, 9), "[3, 4]");
    assert_eq!(rows[2].get_long(14).unwrap(), 10);
    assert_eq!(shown(0, 14), "null");
    let none = to_parquet(&[]).unwrap();
    let none = SerializedFileReader::new(bytes::Bytes::from(none)).unwrap();
    assert_eq!(none.metadata().file_metadata().num_rows(), 0);
}

proptest! {
    #[test]
    fn any_body_is_an_error_or_reads_back(plain in proptest::collection::vec(0_u8..4, 0..400)) {
        if let Ok(records) = decode(&sealed(&plain)) {
            prop_assert_eq!(decode(&encode(&records).unwrap()).unwrap(), records);
        }
    }
}
