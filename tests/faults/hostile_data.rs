//! Data files made to harm, each read by a run with little memory and time: an error in words, or
//! the text that is in them.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::common::{Folder, Run, say, skip};
use crate::study::works;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A message with these words, and status 1.
    Refused(&'static str),
    /// It is read.
    Read,
}
use Fate::{Read, Refused};

type Case = (&'static str, &'static str, Vec<u8>, Fate);

fn study(file: &str) -> String {
    let function = if file.contains("jsonl") {
        "jsonl"
    } else {
        "text"
    };
    format!(
        "category x {{ source: {function}(\"{file}\"), held_out: 10% }}
tokenizer bpe {{ vocabulary: 260, data: x }}
scale tiny {{ layers: 1, width: 8, heads: 2, context: 16, batch: 2 }}
experiment e {{
  pretrain base {{ model: tiny, data: x, tokenizer: bpe, tokens: 64 }}
  eval fit {{ from: base, suite: held_out([x]) }}
}}
"
    )
}

fn text() -> Vec<u8> {
    (0..400)
        .flat_map(|n| {
            format!("A line {n} of quite plain text.\n\n")
                .repeat(8)
                .into_bytes()
        })
        .collect()
}

fn lines(field: &str) -> Vec<u8> {
    (0..200)
        .flat_map(|n| format!("{{\"{field}\":\"word {n} and some more\"}}\n").into_bytes())
        .collect()
}

/// One line among sound ones.
fn among(line: &[u8]) -> Vec<u8> {
    [&lines("text")[..], line, b"\n"].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `count` MiB of a piece of one, in members of 16 MiB.
fn gzip_of_many(piece: &[u8], count: usize) -> Vec<u8> {
    gzip(&piece.repeat(16)).repeat(count / 16)
}

/// `count` MiB of a piece of one, in frames of 8 MiB.
fn zstd_of_many(piece: &[u8], count: usize) -> Vec<u8> {
    zstd(&piece.repeat(8)).repeat(count / 8)
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// A frame that asks for a window of 2^exponent bytes and holds three.
fn zstd_with_window(exponent: u8) -> Vec<u8> {
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0, (exponent - 10) << 3];
    [&head[..], &[25, 0, 0], b"abc"].concat()
}

fn changed(mut bytes: Vec<u8>, at: usize, to: u8) -> Vec<u8> {
    let at = if at < bytes.len() {
        at
    } else {
        bytes.len() - 1
    };
    bytes[at] ^= to;
    bytes
}

fn bombs() -> Vec<Case> {
    let mib = |text: &str| text.repeat((1 << 20) / text.len()).into_bytes();
    let prose = mib("a line of text that repeats itself and has no end\n\n");
    let json = mib("{\"text\":\"a line of text that repeats itself\"}\n");
    vec![
        (
            "1 GiB of zeros",
            "x.gz",
            gzip_of_many(&mib("\0"), 1024),
            Refused("longer than 64 MiB"),
        ),
        (
            "1 GiB of zeros",
            "x.zst",
            zstd_of_many(&mib("\0"), 1024),
            Refused("200 times"),
        ),
        (
            "256 MiB of empty lines",
            "x.gz",
            gzip_of_many(&mib("\n"), 256),
            Refused("200 times"),
        ),
        (
            "1 GiB of empty lines",
            "x.zst",
            zstd_of_many(&mib("\n"), 1024),
            Refused("200 times"),
        ),
        (
            "1 GiB of prose",
            "x.zst",
            zstd_of_many(&prose, 1024),
            Refused("200 times"),
        ),
        (
            "1 GiB of lines",
            "x.jsonl.zst",
            zstd_of_many(&json, 1024),
            Refused("200 times"),
        ),
        (
            "a bomb in a bomb",
            "x.zst",
            zstd(&zstd_of_many(&prose, 64)),
            Refused("not valid UTF-8"),
        ),
        (
            "many small bombs",
            "x.gz",
            gzip_of_many(&mib("\n"), 16).repeat(16),
            Refused("200 times"),
        ),
        (
            "40 MiB that pack well",
            "x.zst",
            zstd_of_many(&[&text()[..], &mib("\n")].concat(), 40),
            Read,
        ),
    ]
}

fn lies() -> Vec<Case> {
    let (gz, zst) = (gzip(&text()), zstd(&text()));
    let (gz_end, zst_end) = (gz.len(), zst.len());
    let sized = {
        let mut frame = zstd::bulk::compress(&text(), 3).unwrap();
        frame[5] ^= 0x55;
        frame
    };
    vec![
        ("a sound file", "x.gz", gz.clone(), Read),
        ("a sound file", "x.zst", zst.clone(), Read),
        ("two members", "x.gz", gz.repeat(2), Read),
        ("two frames", "x.zst", zst.repeat(2), Read),
        (
            "a wrong checksum",
            "x.gz",
            changed(gz.clone(), gz_end - 6, 1),
            Refused("not valid gzip"),
        ),
        (
            "a wrong length",
            "x.gz",
            changed(gz.clone(), gz_end - 2, 1),
            Refused("not valid gzip"),
        ),
        (
            "a member cut short",
            "x.gz",
            gz[..gz_end / 2].to_vec(),
            Refused("ends in the middle"),
        ),
        (
            "a frame cut short",
            "x.zst",
            zst[..zst_end / 2].to_vec(),
            Refused("ends in the middle"),
        ),
        (
            "a second member cut short",
            "x.gz",
            [&gz[..], &gz[..gz_end / 2]].concat(),
            Refused("ends in the middle"),
        ),
        (
            "a flipped bit within",
            "x.gz",
            changed(gz.clone(), gz_end / 2, 16),
            Refused("x.gz"),
        ),
        ("a size that is none", "x.zst", sized, Refused("x.zst")),
        (
            "a window of 256 MiB",
            "x.zst",
            zstd_with_window(28),
            Refused("not valid zstd"),
        ),
        (
            "a window of 2 GiB",
            "x.zst",
            zstd_with_window(31),
            Refused("not valid zstd"),
        ),
        (
            "a window of 2 TiB",
            "x.zst",
            zstd_with_window(41),
            Refused("not valid zstd"),
        ),
        (
            "only a head",
            "x.gz",
            gz[..10].to_vec(),
            Refused("ends in the middle"),
        ),
        ("only a head", "x.zst", zst[..6].to_vec(), Refused("x.zst")),
        ("text", "x.gz", text(), Refused("not valid gzip")),
        ("text", "x.zst", text(), Refused("not valid zstd")),
        ("gzip", "x.zst", gz.clone(), Refused("not valid zstd")),
        ("zstd", "x.gz", zst.clone(), Refused("not valid gzip")),
        (
            "gzip named as text",
            "x.txt",
            gz,
            Refused("not valid UTF-8"),
        ),
        (
            "zstd named as text",
            "x.txt",
            zst,
            Refused("not valid UTF-8"),
        ),
        ("a tar", "x.gz", gzip(&tar()), Read),
    ]
}

/// An archive with a member that would escape: it is text with zero bytes to us, and never unpacked.
fn tar() -> Vec<u8> {
    let mut head = [0_u8; 512];
    head[..12].copy_from_slice(b"../escaped.x");
    let body = text();
    head[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
    head[156] = b'0';
    [&head[..], b"\n\n", &body[..]].concat()
}

fn json() -> Vec<Case> {
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

#[test]
fn hostile_files_are_refused_or_read() {
    if !works("prlimit", &["--version"]) {
        return skip("hostile data", "no `prlimit` here");
    }
    let cases = [bombs(), lies(), json()].concat();
    let mut refused = 0;
    for (what, name, bytes, fate) in &cases {
        let folder = Folder::with(&[("s.vp", &study(name))]);
        folder.write(name, bytes);
        let script =
            "exec prlimit --as=1073741824 --cpu=20 --fsize=300000000 $VPC run s.vp --threads 1";
        let run = Run::of(folder.script(&["sh"], script).output().unwrap());
        let told = format!("{what} in {name}: status {}: {}", run.status, run.stderr);
        let raw = run.stderr.contains(|c: char| c.is_control() && c != '\n');
        assert!(!raw, "{told:?}");
        match fate {
            Read => assert_eq!(run.status, 0, "{told}"),
            Refused(words) => {
                assert!(run.status == 1 && run.stderr.contains(words), "{told}");
                refused += 1;
            }
        }
        assert!(!folder.path().parent().unwrap().join("escaped.x").exists());
    }
    say(&format!(
        "hostile data: {} files within 1 GiB and 20 s, {refused} refused in words, {} read",
        cases.len(),
        cases.len() - refused
    ));
    assert!(cases.len() >= 50);
}

#[test]
fn what_is_no_file_is_no_data() {
    let folder = Folder::new();
    let pipe = folder.join("pipe.txt");
    assert!(works("mkfifo", &[pipe.to_str().unwrap()]));
    let mut tried = 0;
    for path in [
        "pipe.txt",
        "/dev/zero",
        "/dev/random",
        "/dev/stdin",
        "/dev/tty",
        ".",
    ] {
        if path.starts_with('/') && !Path::new(path).exists() {
            continue;
        }
        folder.write("s.vp", study(path));
        for command in ["check", "plan", "run"] {
            let script = format!("exec timeout 10 $VPC {command} s.vp");
            let run = Run::of(folder.script(&["sh"], &script).output().unwrap()).ends(1);
            assert!(run.stderr.contains(path), "{}", run.stderr);
        }
        tried += 1;
    }
    // A study without an end is refused as well.
    let run = folder
        .script(&["sh"], "exec timeout 10 $VPC check /dev/zero")
        .output()
        .unwrap();
    Run::of(run).ends(1);
    say(&format!(
        "hostile data: {tried} pipes, devices and folders refused by 3 commands"
    ));
}
