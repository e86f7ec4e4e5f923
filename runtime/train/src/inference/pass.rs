//! The forward pass over any mix of tokens: whole prompts of some sequences, one more of others.

use super::{Block, Inference, Sequence};
use crate::kernels::buffer::buffer;
use crate::kernels::cached_attention::{KeysValues, Place, attend};
use crate::kernels::gemm::Write;
use crate::kernels::rope::Turn;
use crate::kernels::{embedding, rms_norm, swiglu};

/// Most tokens per pass; more gain nothing.
pub(super) const ROWS: usize = 512;
/// Most logits held at a time: 32 MiB.
const LOGITS: usize = 1 << 23;

/// A token to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) token: u32,
    pub(super) sequence: usize,
    pub(super) position: usize,
    /// Whether the logits after it are wanted.
    pub(super) is_wanted: bool,
}

impl Inference {
    /// Reads checked rows, each sequence's in order; hands over the logits of wanted rows in order,
    /// some at a time: [wanted, vocabulary], and which rows those are.
    pub(super) fn passes(
        &self,
        sequences: &mut [Sequence],
        rows: &[Row],
        mut take: impl FnMut(&mut [f32], &[usize]),
    ) {
        let (width, vocabulary) = (self.config().width, self.config().vocabulary);
        let held = (LOGITS / vocabulary).clamp(1, ROWS);
        for (pass, chunk) in rows.chunks(ROWS).enumerate() {
            let hidden = self.hidden(sequences, chunk);
            let (wanted, states): (Vec<usize>, Vec<&[f32]>) = chunk
                .iter()
                .zip(hidden.chunks_exact(width))
                .enumerate()
                .filter(|(_, (row, _))| row.is_wanted)
                .map(|(at, (_, state))| (pass * ROWS + at, state))
                .unzip();
            for (wanted, states) in wanted.chunks(held).zip(states.chunks(held)) {
                let mut logits = buffer(wanted.len() * vocabulary);
                self.head.linear(&mut logits, Write::Set, &states.concat());
                take(&mut logits, wanted);
            }
        }
    }

    /// Output of the last norm, [rows, width].
    fn hidden(&self, sequences: &mut [Sequence], rows: &[Row]) -> Vec<f32> {
        self.watched(sequences, rows, |_, _| {})
    }

    /// The same; `watch` is shown the vectors of each layer, [rows, width], as `transformers` counts
    /// them: the embeddings are 0, and the last block's come after the last norm.
    pub(super) fn watched(
        &self,
        sequences: &mut [Sequence],
        rows: &[Row],
        mut watch: impl FnMut(usize, &[f32]),
    ) -> Vec<f32> {
        let width = self.config().width;
        let tokens: Vec<u32> = rows.iter().map(|row| row.token).collect();
        let places: Vec<Place> = rows
            .iter()
            .map(|row| Place {
                sequence: row.sequence,
                position: row.position,
            })
            .collect();
        let mut x = buffer(rows.len() * width);
        embedding::forward(&mut x, self.model.embedding_weights(), &tokens, width);
        for (row, x) in rows.iter().zip(x.chunks_exact_mut(width)) {
            let given = sequences[row.sequence].given.as_ref();
            if let Some(vector) = given.and_then(|given| given.at(row.position, width)) {
                x.copy_from_slice(vector);
            }
        }
        for (layer, block) in self.blocks.iter().enumerate() {
            watch(layer, &x);
            self.attention(&mut x, block, layer, sequences, &places);
            self.mlp(&mut x, block, layer);
        }
        for row in rows {
            sequences[row.sequence].read = row.position + 1;
        }
        let last = self.norm(&x, self.model.norm_gain());
        watch(self.blocks.len(), &last);
        last
    }

    fn attention(
        &self,
        x: &mut [f32],
        block: &Block,
        layer: usize,
        sequences: &mut [Sequence],
        places: &[Place],
    ) {
        let heads = self.model.heads();
        let normed = self.norm(x, self.model.block_weights(layer).attention_norm);
        let mut qkv = buffer(places.len() * heads.row());
        block.qkv.linear(&mut qkv, Write::Set, &normed);
        let turned = heads.queries + heads.keys;
        let position = |row: usize| places[row].position;
        let rope = self.model.rope();
        rope.turn(&mut qkv, heads.row(), turned, position, Turn::Forward);
        for (place, row) in places.iter().zip(qkv.chunks_exact(heads.row())) {
            sequences[place.sequence].held[layer].put(place.position, row);
        }
        let held: Vec<&KeysValues> = sequences.iter().map(|one| &one.held[layer]).collect();
        let mut mixed = buffer(places.len() * heads.output());
        attend(&mut mixed, &qkv, heads, places, &held);
        block.output.linear(x, Write::Add, &mixed);
    }

    fn mlp(&self, x: &mut [f32], block: &Block, layer: usize) {
        let hidden = self.config().hidden;
        let rows = x.len() / self.config().width;
        let normed = self.norm(x, self.model.block_weights(layer).mlp_norm);
        let mut inner = buffer(rows * 2 * hidden);
        block.gate_up.linear(&mut inner, Write::Set, &normed);
        let mut gated = buffer(rows * hidden);
        swiglu::forward(&mut gated, &inner, hidden);
        block.down.linear(x, Write::Add, &gated);
    }

    fn norm(&self, x: &[f32], gain: &[f32]) -> Vec<f32> {
        let mut y = buffer(x.len());
        rms_norm::forward(&mut y, x, gain, self.config().norm_eps as f32);
        y
    }
}
