//! Lines of JSON and of text that are deep, wide, broken or no text.

use super::Fate::{Read, Refused};
use super::{Case, among, lines, text};

/// Values that are deep, wide or no values.
pub(super) fn values() -> Vec<Case> {
    let deep = [&b"{\"text\":"[..], &b"[".repeat(1_000_000)].concat();
    let objects = [&b"{\"text\":"[..], &b"{\"a\":".repeat(300_000)].concat();
    let wide: String = (0..200_000).map(|n| format!("\"k{n}\":1,")).collect();
    vec![
        (
            "a million brackets",
            "x.jsonl",
            among(&deep),
            Refused("line 201"),
        ),
        (
            "a million objects",
            "x.jsonl",
            among(&objects),
            Refused("line 201"),
        ),
        (
            "200,000 fields",
            "x.jsonl",
            among(format!("{{{wide}\"text\":\"t\"}}").as_bytes()),
            Read,
        ),
        (
            "a field twice",
            "x.jsonl",
            among(b"{\"text\":\"a\",\"text\":\"b\"}"),
            Read,
        ),
        (
            "half a surrogate",
            "x.jsonl",
            among(br#"{"text":"\ud800"}"#),
            Refused("line 201"),
        ),
        (
            "a surrogate pair",
            "x.jsonl",
            among(br#"{"text":"\ud83d\ude00"}"#),
            Read,
        ),
        (
            "a zero in a text",
            "x.jsonl",
            among(br#"{"text":"a\u0000b"}"#),
            Read,
        ),
        (
            "a bare control",
            "x.jsonl",
            among(b"{\"text\":\"a\x01b\"}"),
            Refused("line 201"),
        ),
        (
            "a huge number",
            "x.jsonl",
            among(b"{\"text\":\"a\",\"n\":1e999999}"),
            Refused("line 201"),
        ),
        (
            "a long number",
            "x.jsonl",
            among(format!("{{\"text\":\"a\",\"n\":{}}}", "9".repeat(1_000_000)).as_bytes()),
            Refused("line 201"),
        ),
        (
            "NaN",
            "x.jsonl",
            among(b"{\"text\":NaN}"),
            Refused("line 201"),
        ),
        (
            "not UTF-8",
            "x.jsonl",
            among(b"{\"text\":\"\xff\xfe\"}"),
            Refused("not valid UTF-8"),
        ),
        (
            "overlong UTF-8",
            "x.jsonl",
            among(b"{\"text\":\"\xc0\xaf\"}"),
            Refused("not valid UTF-8"),
        ),
        (
            "UTF-16",
            "x.jsonl",
            "{\"text\":\"a\"}\n"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
            Refused("line 1"),
        ),
        (
            "a byte order mark",
            "x.jsonl",
            [b"\xef\xbb\xbf", &lines("text")[..]].concat(),
            Read,
        ),
    ]
}

/// Lines that are no object with a text, and texts that are none.
pub(super) fn others() -> Vec<Case> {
    vec![
        (
            "an array",
            "x.jsonl",
            among(b"[{\"text\":\"a\"}]"),
            Refused("where a JSON object"),
        ),
        (
            "a field named by escapes",
            "x.jsonl",
            lines("\\u001b]0;owned\\u0007"),
            Refused("no field"),
        ),
        (
            "two objects on a line",
            "x.jsonl",
            among(b"{\"text\":\"a\"}{\"text\":\"b\"}"),
            Refused("line 201"),
        ),
        (
            "a line of 65 MiB",
            "x.jsonl",
            among(&[&b"{\"text\":\""[..], &vec![b'a'; 65 << 20], b"\"}"].concat()),
            Refused("longer than 64 MiB"),
        ),
        (
            "a line of 65 MiB",
            "x.txt",
            vec![b'a'; 65 << 20],
            Refused("longer than 64 MiB"),
        ),
        (
            "only zeros",
            "x.txt",
            vec![0; 1 << 20],
            Refused("second one"),
        ),
        (
            "carriage returns alone",
            "x.txt",
            text()
                .into_iter()
                .map(|b| if b == b'\n' { b'\r' } else { b })
                .collect(),
            Refused("second one"),
        ),
        (
            "escapes in a text",
            "x.txt",
            text()
                .into_iter()
                .chain(*b"\x1b]0;owned\x07\x1b[31m\n")
                .collect(),
            Read,
        ),
        (
            "all of Latin-1",
            "x.txt",
            (0..=255).cycle().take(9_000).collect(),
            Refused("not valid UTF-8"),
        ),
    ]
}
