//! The same decoder in dfdx's own operations, for the comparison only.
//!
//! Some stock gradients of dfdx 0.13 are wrong (`slice` with a second reader, softmax of a permuted
//! tensor); this network avoids them: rotation is a product with a signed permutation.

use std::collections::HashMap;

use dfdx::optim::{AdamConfig, WeightDecay};
use dfdx::prelude::*;
use vpc_train::{Batch, TrainConfig};

type Vector = Tensor<(usize,), f32, Cpu>;
type Matrix<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;
type Recorded = Matrix<OwnedTape<f32, Cpu>>;
type Heads = Tensor<(usize, usize, usize, usize), f32, Cpu, OwnedTape<f32, Cpu>>;

struct Block {
    gains: [Vector; 2],
    /// q, k, v, o, gate, up, down.
    matrices: [Matrix; 7],
}

pub(crate) struct Stock {
    config: TrainConfig,
    device: Cpu,
    embedding: Matrix,
    blocks: Vec<Block>,
    norm: Vector,
    head: Matrix,
    cos: Matrix,
    sin: Matrix,
    mask: Matrix,
    turn: Matrix,
    moments: [Gradients<f32, Cpu>; 2],
    steps: i32,
}

impl Stock {
    /// The network with the weights of a safetensors file.
    pub(crate) fn new(config: &TrainConfig, file: &[u8]) -> Result<Self, String> {
        let device = Cpu::default();
        let weights = read(file)?;
        let values = |name: &str| {
            weights
                .get(name)
                .cloned()
                .ok_or(format!("{name} is missing"))
        };
        let vector = |name: &str| -> Result<Vector, String> {
            let values = values(name)?;
            let len = values.len();
            Ok(device.tensor_from_vec(values, (len,)))
        };
        let matrix = |name: &str, columns: usize| -> Result<Matrix, String> {
            let values = values(name)?;
            let rows = values.len() / columns;
            Ok(device.tensor_from_vec(values, (rows, columns)))
        };
        let m = &config.model;
        let block = |layer: usize| -> Result<Block, String> {
            let name = |rest: &str| format!("model.layers.{layer}.{rest}.weight");
            let wide = |rest: &str| matrix(&name(rest), m.width);
            Ok(Block {
                gains: [
                    vector(&name("input_layernorm"))?,
                    vector(&name("post_attention_layernorm"))?,
                ],
                matrices: [
                    wide("self_attn.q_proj")?,
                    wide("self_attn.k_proj")?,
                    wide("self_attn.v_proj")?,
                    wide("self_attn.o_proj")?,
                    wide("mlp.gate_proj")?,
                    wide("mlp.up_proj")?,
                    matrix(&name("mlp.down_proj"), m.hidden)?,
                ],
            })
        };
        let head = m.width / m.heads;
        let table = |f: fn(f32) -> f32| {
            let angle = |at: usize| {
                let (position, i) = (at / head, at % head % (head / 2));
                position as f32 * m.rope_base.powf(-2.0 * i as f64 / head as f64) as f32
            };
            let values = (0..m.context * head).map(|at| f(angle(at))).collect();
            device.tensor_from_vec(values, (m.context, head))
        };
        let mut turn = vec![0.0; head * head];
        for i in 0..head / 2 {
            turn[(i + head / 2) * head + i] = -1.0;
            turn[i * head + i + head / 2] = 1.0;
        }
        let square = 0..m.context * m.context;
        let mask = square
            .map(|at| {
                if at % m.context > at / m.context {
                    -1e9
                } else {
                    0.0
                }
            })
            .collect();
        Ok(Self {
            embedding: matrix("model.embed_tokens.weight", m.width)?,
            blocks: (0..m.layers).map(block).collect::<Result<_, _>>()?,
            norm: vector("model.norm.weight")?,
            head: matrix("lm_head.weight", m.width)?,
            cos: table(f32::cos),
            sin: table(f32::sin),
            mask: device.tensor_from_vec(mask, (m.context, m.context)),
            turn: device.tensor_from_vec(turn, (head, head)),
            moments: [Gradients::leaky(), Gradients::leaky()],
            steps: 0,
            config: config.clone(),
            device,
        })
    }

    /// Forward, backward and AdamW with dfdx's own kernels.
    pub(crate) fn step(&mut self, batch: &Batch) -> Result<(), String> {
        let loss = self.loss(batch);
        if !loss.array().is_finite() {
            return Err("the loss is not a number".into());
        }
        let mut gradients = loss.backward();
        self.steps += 1;
        self.update(&mut gradients)
            .map_err(|error| error.to_string())
    }

    fn indices(&self, tokens: &[u32]) -> Tensor<(usize,), usize, Cpu> {
        let tokens: Vec<usize> = tokens.iter().map(|&token| token as usize).collect();
        let len = tokens.len();
        self.device.tensor_from_vec(tokens, (len,))
    }

    fn loss(&self, batch: &Batch) -> Tensor<Rank0, f32, Cpu, OwnedTape<f32, Cpu>> {
        let mut x = self.embedding.retaped().gather(self.indices(batch.inputs));
        for block in &self.blocks {
            let [attention_norm, mlp_norm] = &block.gains;
            let [.., output, gate, up, down] = &block.matrices;
            let normed = rms_norm(x.with_empty_tape(), attention_norm);
            x = x + linear(self.attention(normed, block, batch.length), output);
            let normed = rms_norm(x.with_empty_tape(), mlp_norm);
            let gated = linear(normed.with_empty_tape(), gate);
            let gated = gated.with_empty_tape().sigmoid() * gated;
            x = x + linear(gated * linear(normed, up), down);
        }
        let logits = linear(rms_norm(x, &self.norm), &self.head);
        let targets = self.indices(batch.targets);
        logits
            .log_softmax::<Axis<1>>()
            .select::<(usize,), _>(targets)
            .mean()
            .negate()
    }

    fn attention(&self, x: Recorded, block: &Block, length: usize) -> Recorded {
        let m = &self.config.model;
        let (tokens, head) = (x.shape().0, m.width / m.heads);
        let [q, k, v, ..] = &block.matrices;
        let heads = |x: Recorded, weight: &Matrix| -> Heads {
            linear(x, weight)
                .reshape_like(&(tokens / length, length, m.heads, head))
                .permute::<_, Axes4<0, 2, 1, 3>>()
        };
        let keys = self
            .rotate(heads(x.with_empty_tape(), k))
            .permute::<_, Axes4<0, 1, 3, 2>>();
        let queries = self.rotate(heads(x.with_empty_tape(), q));
        let scores = queries.matmul(keys) * (1.0 / (head as f32).sqrt());
        let shape = *scores.shape();
        let mask = self.mask.clone().broadcast_like::<_, Axes2<0, 1>>(&shape);
        let weights = (scores + mask).softmax::<Axis<3>>();
        weights
            .matmul(heads(x, v))
            .permute::<(usize, usize, usize, usize), Axes4<0, 2, 1, 3>>()
            .reshape_like(&(tokens, m.width))
    }

    fn rotate(&self, x: Heads) -> Heads {
        let shape = *x.shape();
        let turn = (shape.0, shape.1, shape.3, shape.3);
        let turn = self.turn.clone().broadcast_like::<_, Axes2<0, 1>>(&turn);
        let turned: Heads = x.with_empty_tape().matmul(turn);
        let wide = |table: &Matrix| table.clone().broadcast_like::<_, Axes2<0, 1>>(&shape);
        x * wide(&self.cos) + turned * wide(&self.sin)
    }

    fn update(&mut self, gradients: &mut Gradients<f32, Cpu>) -> Result<(), CpuError> {
        let o = &self.config.optimizer;
        let settings = |decay: f64| AdamConfig {
            lr: o.rate,
            betas: [o.beta1, o.beta2],
            eps: o.eps,
            weight_decay: Some(WeightDecay::Decoupled(decay)),
        };
        let (decayed, plain) = (settings(o.weight_decay), settings(0.0));
        let [first, second] = &mut self.moments;
        let steps = self.steps;
        let mut matrix = |weight: &mut Matrix| {
            let gradient = &*gradients.get_or_alloc_mut(weight)?;
            let m = first.get_or_alloc_mut(weight)?;
            decayed.try_update(steps, weight, m, second.get_or_alloc_mut(weight)?, gradient)
        };
        matrix(&mut self.embedding)?;
        matrix(&mut self.head)?;
        for block in &mut self.blocks {
            block.matrices.iter_mut().try_for_each(&mut matrix)?;
        }
        let mut gain = |weight: &mut Vector| {
            let gradient = &*gradients.get_or_alloc_mut(weight)?;
            let m = first.get_or_alloc_mut(weight)?;
            plain.try_update(steps, weight, m, second.get_or_alloc_mut(weight)?, gradient)
        };
        gain(&mut self.norm)?;
        for block in &mut self.blocks {
            block.gains.iter_mut().try_for_each(&mut gain)?;
        }
        Ok(())
    }
}

fn rms_norm(x: Recorded, gain: &Vector) -> Recorded {
    let shape = *x.shape();
    let mean = x.with_empty_tape().square().mean::<(usize,), Axis<1>>();
    let scale = (mean + 1e-5).sqrt().recip();
    let gain = gain
        .retaped::<OwnedTape<f32, Cpu>>()
        .broadcast_like::<_, Axis<0>>(&shape);
    x * scale.broadcast_like::<_, Axis<1>>(&shape) * gain
}

fn linear(x: Recorded, weight: &Matrix) -> Recorded {
    x.matmul(
        weight
            .retaped::<OwnedTape<f32, Cpu>>()
            .permute::<(usize, usize), _>(),
    )
}

fn read(file: &[u8]) -> Result<HashMap<String, Vec<f32>>, String> {
    let file = ::safetensors::SafeTensors::deserialize(file).map_err(|error| error.to_string())?;
    Ok(file
        .iter()
        .map(|(name, tensor)| {
            let (words, _) = tensor.data().as_chunks();
            (
                name.to_owned(),
                words.iter().map(|&word| f32::from_le_bytes(word)).collect(),
            )
        })
        .collect())
}
