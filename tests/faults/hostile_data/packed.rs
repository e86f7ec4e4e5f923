//! Compressed files that hold too much, or lie about what they hold.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Fate::{Read, Refused};
use super::{Case, text};

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

pub(super) fn bombs() -> Vec<Case> {
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

pub(super) fn lies() -> Vec<Case> {
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
