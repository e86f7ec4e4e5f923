//! Magnitudes and units of quantities.

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nothing: a bare number.
    Plain,
    /// A share, written with `%`.
    Share,
    /// Something, written with a magnitude such as `B`.
    Count,
    /// Tokens.
    Tokens,
    /// Sequences.
    Sequences,
    /// Optimiser steps.
    Steps,
    /// Bytes.
    Bytes,
    /// Hours on one device.
    DeviceHours,
}

/// Letters directly after the digits, and the power of ten they stand for.
pub const MAGNITUDES: &[(&str, u32)] = &[("k", 3), ("M", 6), ("B", 9), ("T", 12)];

/// Words after a number, what they count, and the power of two they stand for.
pub const UNITS: &[(&str, Unit, u32)] = &[
    ("tokens", Unit::Tokens, 0),
    ("token", Unit::Tokens, 0),
    ("sequences", Unit::Sequences, 0),
    ("sequence", Unit::Sequences, 0),
    ("steps", Unit::Steps, 0),
    ("step", Unit::Steps, 0),
    ("bytes", Unit::Bytes, 0),
    ("byte", Unit::Bytes, 0),
    ("KiB", Unit::Bytes, 10),
    ("MiB", Unit::Bytes, 20),
    ("GiB", Unit::Bytes, 30),
    ("TiB", Unit::Bytes, 40),
    ("GPUh", Unit::DeviceHours, 0),
];
