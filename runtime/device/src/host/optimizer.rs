//! Sums, and the update of weights.

use super::memory::Memory;
use crate::program::Command;

pub(super) fn carry_out(memory: &mut Memory, command: &Command) {
    match *command {
        Command::Sum { out, x, .. } => {
            let sum = memory.floats(x).iter().map(|x| f64::from(*x)).sum();
            memory.put_doubles(out, &[sum]);
        }
        Command::SumOfSquares { out, x, .. } => {
            let sum = memory
                .floats(x)
                .iter()
                .map(|x| f64::from(*x) * f64::from(*x))
                .sum();
            memory.put_doubles(out, &[sum]);
        }
        Command::Judge {
            report,
            loss,
            squares,
            settings,
        } => {
            let loss = memory.doubles(loss)[0];
            let norm = memory.doubles(squares).iter().sum::<f64>().sqrt();
            let clip = f64::from(memory.floats(settings)[0]);
            let factor = if !(loss.is_finite() && norm.is_finite()) {
                0.0
            } else if clip == 0.0 {
                1.0
            } else {
                (clip / (norm + 1e-6)).min(1.0)
            };
            memory.put_doubles(report, &[loss, norm, factor]);
        }
        Command::AdamW {
            weights,
            copy,
            first,
            second,
            gradient,
            report,
            settings,
            decays,
        } => {
            let factor = memory.doubles(report)[2] as f32;
            if factor == 0.0 {
                return;
            }
            let settings = memory.floats(settings);
            let [beta1, beta2, step, keep, root, eps] = [1, 2, 3, 4, 5, 6].map(|at| settings[at]);
            let keep = if decays { keep } else { 1.0 };
            let gradient = memory.floats(gradient);
            let (mut w, mut m, mut v) = (
                memory.floats(weights),
                memory.floats(first),
                memory.floats(second),
            );
            for (i, gradient) in gradient.iter().enumerate() {
                let gradient = gradient * factor;
                m[i] = m[i].mul_add(beta1, gradient * (1.0 - beta1));
                v[i] = v[i].mul_add(beta2, gradient * gradient * (1.0 - beta2));
                w[i] = w[i] * keep - step * m[i] / (v[i].sqrt() * root + eps);
            }
            memory.put(weights, &w);
            memory.put(first, &m);
            memory.put(second, &v);
            if let Some(copy) = copy {
                memory.put(copy, &w);
            }
        }
        _ => {}
    }
}
