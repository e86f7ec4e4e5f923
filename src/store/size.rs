//! Sizes as people write them.

use std::str::FromStr;

/// A number of bytes, and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    pub(crate) text: String,
}

/// Units and their bytes: powers of ten, and of two with an `i`.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is not a size; write such as `10GB`, `1.5TiB` or `0B`");
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let (number, unit) = text.split_at(end.ok_or_else(refused)?);
        let unit = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()));
        let (_, bytes) = unit.ok_or_else(refused)?;
        let number: f64 = number.parse().map_err(|_| refused())?;
        Ok(Self {
            bytes: (number * *bytes as f64) as u64,
            text: text.split_whitespace().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("0B", 0),
            ("10GB", 10_000_000_000),
            ("1.5 KiB", 1536),
            ("2mib", 2 << 20),
        ] {
            let size: Result<Size, _> = text.parse();
            assert_eq!(size.map(|size| size.bytes), Ok(bytes), "{text}");
        }
        for text in [
            "", "10", "GB", "-1GB", "1e3GB", "1..5GB", "ten GB", "10 GBs",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
