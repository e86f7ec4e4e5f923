//! Random inputs for a command, laid out in an arena.

use half::bf16;
use vpc_device::program::{Command, Kind, Span};

use crate::case::Case;

/// Lays out spans and draws numbers.
pub(crate) struct Build {
    seed: u64,
    pub(crate) at: usize,
    pub(crate) inputs: Vec<(Span, Vec<u8>)>,
    pub(crate) outputs: Vec<Span>,
}

impl Build {
    pub(crate) fn new(seed: &mut u64) -> Self {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        Self {
            seed: *seed,
            at: 0,
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }

    /// About normal, deviation 1.
    pub(crate) fn normal(&mut self) -> f32 {
        let sum: f64 = (0..12)
            .map(|_| (self.draw() >> 11) as f64 / (1_u64 << 53) as f64)
            .sum();
        (sum - 6.0) as f32
    }

    pub(crate) fn room(&mut self, len: usize, kind: Kind) -> Span {
        let span = Span {
            at: self.at,
            len,
            kind,
        };
        self.at = (self.at + len * kind.bytes()).next_multiple_of(256);
        span
    }

    pub(crate) fn values(&mut self, len: usize, kind: Kind, deviation: f32) -> Span {
        let span = self.room(len, kind);
        let bytes = (0..len).flat_map(|_| {
            let value = self.normal() * deviation;
            match kind {
                Kind::Bf16 => bf16::from_f32(value).to_le_bytes().to_vec(),
                Kind::F64 => f64::from(value).to_le_bytes().to_vec(),
                _ => value.to_le_bytes().to_vec(),
            }
        });
        let bytes = bytes.collect();
        self.inputs.push((span, bytes));
        span
    }

    pub(crate) fn given(&mut self, bytes: Vec<u8>, kind: Kind) -> Span {
        let span = self.room(bytes.len() / kind.bytes(), kind);
        self.inputs.push((span, bytes));
        span
    }

    pub(crate) fn tokens(&mut self, len: usize, below: usize) -> (Span, Span) {
        let tokens: Vec<u32> = (0..len)
            .map(|i| {
                if i % 3 == 0 {
                    1
                } else {
                    (self.draw() % below as u64) as u32
                }
            })
            .collect();
        let mut order: Vec<u32> = (0..len as u32).collect();
        order.sort_by_key(|at| tokens[*at as usize]);
        let bytes = |all: &[u32]| {
            all.iter()
                .flat_map(|n| n.to_le_bytes())
                .collect::<Vec<u8>>()
        };
        (
            self.given(bytes(&tokens), Kind::U32),
            self.given(bytes(&order), Kind::U32),
        )
    }

    pub(crate) fn out(&mut self, len: usize, kind: Kind) -> Span {
        let span = self.room(len, kind);
        self.outputs.push(span);
        span
    }

    pub(crate) fn changed(&mut self, span: Span) -> Span {
        self.outputs.push(span);
        span
    }

    pub(crate) fn case(
        self,
        name: &'static str,
        what: String,
        command: Command,
        allowed: f64,
    ) -> Case {
        Case {
            name,
            what,
            command,
            inputs: self.inputs,
            outputs: self.outputs,
            bytes: self.at,
            allowed,
        }
    }
}
