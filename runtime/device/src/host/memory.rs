//! An arena of bytes that knows which of them were written.

use half::bf16;

use crate::device::numbers;
use crate::program::{Kind, Span};

#[derive(Debug, Default)]
pub(super) struct Memory {
    bytes: Vec<u8>,
    written: Vec<bool>,
}

impl Memory {
    pub(super) fn of(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            written: vec![false; bytes],
        }
    }

    /// The bytes of a span.
    ///
    /// # Panics
    /// If it lies outside the arena, or nothing has written it.
    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        let range = range(span);
        assert!(
            self.written[range.clone()].iter().all(|written| *written),
            "{span:?} is read before it is written"
        );
        &self.bytes[range]
    }

    pub(super) fn write(&mut self, to: Span, bytes: &[u8]) {
        let range = range(to);
        self.written[range.clone()].fill(true);
        self.bytes[range].copy_from_slice(bytes);
    }

    pub(super) fn clear(&mut self, out: Span) {
        let range = range(out);
        self.written[range.clone()].fill(true);
        self.bytes[range].fill(0);
    }

    /// Numbers of f32 or bf16.
    pub(super) fn floats(&self, span: Span) -> Vec<f32> {
        numbers(self.bytes(span), span.kind)
    }

    /// Numbers of a span's row `row`, each `len` long.
    pub(super) fn row(&self, span: Span, row: usize, len: usize) -> Vec<f32> {
        let (range, rows) = (range(span), row * len * span.kind.bytes());
        let part = range.start + rows..range.start + rows + len * span.kind.bytes();
        assert!(part.end <= range.end, "row {row} lies outside {span:?}");
        assert!(
            self.written[part.clone()].iter().all(|written| *written),
            "row {row} of {span:?} is read before it is written"
        );
        numbers(&self.bytes[part], span.kind)
    }

    /// Stores numbers as a span's row `row`.
    pub(super) fn put_row(&mut self, span: Span, row: usize, values: &[f32]) {
        let (range, bytes) = (range(span), stored(values, span.kind));
        let start = range.start + row * bytes.len();
        let part = start..start + bytes.len();
        assert!(part.end <= range.end, "row {row} lies outside {span:?}");
        self.written[part.clone()].fill(true);
        self.bytes[part].copy_from_slice(&bytes);
    }

    pub(super) fn doubles(&self, span: Span) -> Vec<f64> {
        assert_eq!(span.kind, Kind::F64, "{span:?}");
        let bytes = self.bytes(span).as_chunks().0;
        bytes
            .iter()
            .map(|eight| f64::from_le_bytes(*eight))
            .collect()
    }

    pub(super) fn numbers(&self, span: Span) -> Vec<usize> {
        assert_eq!(span.kind, Kind::U32, "{span:?}");
        let bytes = self.bytes(span).as_chunks().0;
        bytes
            .iter()
            .map(|four| u32::from_le_bytes(*four) as usize)
            .collect()
    }

    /// Stores numbers as f32 or bf16, rounded to nearest even.
    pub(super) fn put(&mut self, out: Span, values: &[f32]) {
        assert_eq!(out.len, values.len(), "{out:?}");
        let bytes = stored(values, out.kind);
        self.write(out, &bytes);
    }

    pub(super) fn put_doubles(&mut self, out: Span, values: &[f64]) {
        assert_eq!((out.len, out.kind), (values.len(), Kind::F64), "{out:?}");
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.write(out, &bytes);
    }
}

/// Numbers as bytes of f32 or bf16, rounded to nearest even.
fn stored(values: &[f32], kind: Kind) -> Vec<u8> {
    match kind {
        Kind::F32 => values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        Kind::Bf16 => values
            .iter()
            .flat_map(|value| bf16::from_f32(*value).to_le_bytes())
            .collect(),
        Kind::U32 | Kind::F64 => panic!("{kind:?} takes no f32"),
    }
}

fn range(span: Span) -> std::ops::Range<usize> {
    assert!(span.at.is_multiple_of(16), "{span:?} is not aligned");
    span.at..span.at + span.len * span.kind.bytes()
}
