//! Records come back as they were; hostile bytes are errors.

use proptest::prelude::*;

use super::*;

fn some() -> Vec<Record> {
    let first = Record {
        item: "q1".to_owned(),
        prompt: [7; 32],
        output: "=B, \"so\"\nto say ü".to_owned(),
        parsed: Some("B".to_owned()),
        score: 1.0,
        options: vec![-1.5, -0.25],
    };
    let second = Record {
        item: "q2".to_owned(),
        output: String::new(),
        parsed: None,
        score: 0.3,
        options: vec![],
        ..first.clone()
    };
    vec![first, second]
}

/// Packs a body as `encode` does, with a digest that holds.
fn sealed(plain: &[u8]) -> Vec<u8> {
    let packed = zstd::bulk::compress(plain, 3).unwrap();
    let mut bytes = b"VPCR\x01\0\0\0".to_vec();
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
    let empty = 0_u32.to_le_bytes();
    assert_eq!(decode(&sealed(&empty)).unwrap(), []);
    assert!(decode(&sealed(&[0, 0, 0, 0, 1])).is_err());
    assert!(decode(&sealed(&u32::MAX.to_le_bytes())).is_err());
    let mut missing = 1_u32.to_le_bytes().to_vec();
    missing.extend([255; 4]); // an item without a name
    missing.extend([0; 32 + 4 + 4 + 8 + 4]);
    assert!(
        decode(&sealed(&missing))
            .unwrap_err()
            .to_string()
            .contains("no name")
    );
    assert!(
        decode(&sealed(&vec![0; (256 << 20) + 1]))
            .unwrap_err()
            .to_string()
            .contains("256 MiB")
    );
}

#[test]
fn what_a_reader_relies_on_is_checked() {
    let mut twice = some();
    twice[1].item = "q1".to_owned();
    assert_eq!(
        encode(&twice),
        Err(RecordError::Twice {
            item: "q1".to_owned()
        })
    );
    let mut nan = some();
    nan[0].options[1] = f64::NAN;
    let item = "q1".to_owned();
    assert_eq!(
        encode(&nan),
        Err(RecordError::NotFinite {
            what: "log-likelihood",
            item
        })
    );
    nan = some();
    nan[0].score = f64::INFINITY;
    assert!(encode(&nan).is_err() && to_jsonl(&nan).is_err() && to_csv(&nan).is_err());
}

#[test]
fn exports() {
    let lines = String::from_utf8(to_jsonl(&some()).unwrap()).unwrap();
    let second: serde_json::Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["score"], 0.3);
    assert_eq!(second["parsed"], serde_json::Value::Null);
    assert_eq!(second["prompt"], "07".repeat(32));
    let csv = to_csv(&some()).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(&rows[0][2], "'=B, \"so\"\nto say ü");
    assert_eq!(&rows[0][5], "-1.5 -0.25");
}

proptest! {
    #[test]
    fn any_body_is_an_error_or_reads_back(plain in proptest::collection::vec(0_u8..4, 0..200)) {
        if let Ok(records) = decode(&sealed(&plain)) {
            prop_assert_eq!(decode(&encode(&records).unwrap()).unwrap(), records);
        }
    }
}
