//! Files that are no checkpoint, each for a reason of its own.

/// All of them, by what is wrong.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    [lengths(), texts(), tensors(), foreign()].concat()
}

/// A file with a header of this text, which says its own length, and as many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    with_length(header.len() as u64, header.as_bytes(), data)
}

fn with_length(length: u64, header: &[u8], data: usize) -> Vec<u8> {
    [&length.to_le_bytes()[..], header, &vec![0; data]].concat()
}

/// One tensor of a header.
fn tensor(name: &str, dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}"#)
}

fn one(dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(
        "{{{}}}",
        tensor("model.norm.weight", dtype, shape, begin, end)
    )
}

const F: &str = "F32";

/// Lengths that lie about the header.
fn lengths() -> Vec<(&'static str, Vec<u8>)> {
    let header = one(F, "[12]", 0, 48);
    let long = header.len() as u64;
    let with = |length| with_length(length, header.as_bytes(), 48);
    vec![
        ("nothing", Vec::new()),
        ("seven bytes", vec![0; 7]),
        ("a header of no bytes", with(0)),
        ("a header one shorter", with(long - 1)),
        ("a header one longer", with(long + 1)),
        ("a header as long as the file", with(long + 48)),
        ("a header longer than the file", with(long + 49)),
        ("a header of 100 MB", with(100_000_001)),
        ("a header of 2^32", with(1 << 32)),
        ("a header of 2^63", with(1 << 63)),
        ("a header of 2^64 - 1", with(u64::MAX)),
        ("a header of 2^64 - 8", with(u64::MAX - 7)),
    ]
}

/// Headers that are no header.
fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let deep = "[".repeat(200_000);
    let many: Vec<String> = (0..100_000)
        .map(|at| tensor(&format!("t{at}"), F, "[0]", 0, 0))
        .collect();
    vec![
        ("blanks", file(&" ".repeat(64), 0)),
        ("an empty object", file("{}", 0)),
        ("an array", file("[]", 0)),
        ("null", file("null", 0)),
        ("a cut object", file("{\"a\":", 0)),
        ("deep arrays", file(&format!("{{\"a\":{deep}"), 0)),
        ("zero bytes", file(&"\0".repeat(64), 0)),
        ("not UTF-8", with_length(4, b"{\"\xff\"", 0)),
        ("two headers", file("{}{}", 0)),
        (
            "100,000 tensors",
            file(&format!("{{{}}}", many.join(",")), 0),
        ),
        (
            "a name of 1 MB",
            file(
                &format!("{{{}}}", tensor(&"n".repeat(1 << 20), F, "[0]", 0, 0)),
                0,
            ),
        ),
        (
            "metadata that is no text",
            file(r#"{"__metadata__":{"step":7}}"#, 0),
        ),
        ("metadata that is a list", file(r#"{"__metadata__":[]}"#, 0)),
        (
            "a tensor that is a number",
            file(r#"{"model.norm.weight":3}"#, 0),
        ),
        (
            "a tensor without a shape",
            file(
                r#"{"model.norm.weight":{"dtype":"F32","data_offsets":[0,0]}}"#,
                0,
            ),
        ),
    ]
}

/// Tensors that cannot be.
fn tensors() -> Vec<(&'static str, Vec<u8>)> {
    let twice = format!(
        "{{{},{}}}",
        tensor("model.norm.weight", F, "[12]", 0, 48),
        tensor("model.norm.weight", F, "[12]", 48, 96)
    );
    let overlap = format!(
        "{{{},{}}}",
        tensor("a", F, "[12]", 0, 48),
        tensor("model.norm.weight", F, "[12]", 24, 72)
    );
    let shared = format!(
        "{{{},{}}}",
        tensor("a", F, "[0]", 0, 0),
        tensor("model.norm.weight", F, "[0]", 0, 0)
    );
    let hole = format!(
        "{{{},{}}}",
        tensor("a", F, "[12]", 0, 48),
        tensor("model.norm.weight", F, "[12]", 52, 100)
    );
    vec![
        ("another type", file(&one("F16", "[12]", 0, 24), 24)),
        ("no such type", file(&one("F33", "[12]", 0, 48), 48)),
        (
            "a type in small letters",
            file(&one("f32", "[12]", 0, 48), 48),
        ),
        (
            "a shape of negative size",
            file(&one(F, "[-12]", 0, 48), 48),
        ),
        ("a shape of broken size", file(&one(F, "[1.5]", 0, 6), 6)),
        (
            "a shape that overflows",
            file(&one(F, "[4194305,4194305,211106198978564]", 0, 16), 16),
        ),
        (
            "a shape of 2^64",
            file(&one(F, "[18446744073709551616]", 0, 48), 48),
        ),
        (
            "a shape of 2^64 - 1",
            file(&one(F, "[18446744073709551615]", 0, 48), 48),
        ),
        (
            "bytes that overflow",
            file(&one(F, "[4611686018427387904]", 0, 0), 0),
        ),
        (
            "a shape of 10,000 sizes",
            file(&one(F, &format!("[{}1]", "1,".repeat(9_999)), 0, 4), 4),
        ),
        ("offsets backwards", file(&one(F, "[12]", 48, 0), 48)),
        ("offsets beyond the end", file(&one(F, "[12]", 48, 96), 48)),
        (
            "offsets of 2^63",
            file(&one(F, "[12]", 1 << 63, (1 << 63) + 48), 48),
        ),
        (
            "offsets up to 2^64 - 1",
            file(&one(F, "[12]", 0, u64::MAX), 48),
        ),
        ("data too short", file(&one(F, "[12]", 0, 48), 47)),
        ("data too long", file(&one(F, "[12]", 0, 48), 49)),
        ("a name twice", file(&twice, 96)),
        ("tensors that overlap", file(&overlap, 72)),
        ("empty tensors at one place", file(&shared, 0)),
        ("a hole", file(&hole, 100)),
        ("one of the tensors", file(&one(F, "[12]", 0, 48), 48)),
    ]
}

/// What `torch.save`, `pickle.dump` and `numpy.save` write, and files that begin like others.
fn foreign() -> Vec<(&'static str, Vec<u8>)> {
    let zip = b"PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl";
    vec![
        ("a .pt of today", [&zip[..], &[0; 400]].concat()),
        ("a .pkl", b"\x80\x04\x95\x1a\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.".to_vec()),
        ("a .pkl of protocol 0", b"cos\nsystem\n(S'id'\ntR.".to_vec()),
        ("a .npy", b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O', }".to_vec()),
        ("an ELF program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec()),
    ]
}
