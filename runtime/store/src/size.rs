//! Sizes in words.

/// Says how much room was needed and how much there is.
pub(crate) fn room(needed: u64, free: Option<u64>) -> String {
    let free = free.map_or_else(|| "an unknown amount".to_owned(), size_in_words);
    match needed {
        0 => format!("{free} free"),
        _ => format!("{} needed at once, {free} free", size_in_words(needed)),
    }
}

/// Writes a number of bytes for people: `512 B`, `1.5 KiB`, `3.0 GiB`.
pub fn size_in_words(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        1_073_741_824..1_099_511_627_776 => format!("{:.1} GiB", count as f64 / 1_073_741_824.0),
        _ => format!("{:.1} TiB", count as f64 / 1_099_511_627_776.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(room(0, None), "an unknown amount free");
        assert_eq!(room(5, Some(1 << 30)), "5 B needed at once, 1.0 GiB free");
        assert_eq!(size_in_words(1536), "1.5 KiB");
    }
}
