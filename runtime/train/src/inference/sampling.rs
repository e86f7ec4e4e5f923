//! Choosing the next token.

use std::cmp::Ordering;

use super::InferenceError;
use crate::random::Stream;

/// How the next token is chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampling {
    /// The likeliest; of equally likely ones the lowest.
    Greedy,
    /// At random. Of the distribution at `temperature`, the `top_k` likeliest tokens are kept, then
    /// of these the fewest that hold `top_p` of the probability (Holtzman et al. 2020).
    Random {
        /// Logits are divided by it; above 0.
        temperature: f64,
        /// Most tokens to choose from; at least 1.
        top_k: Option<usize>,
        /// Probability that is kept, in (0, 1].
        top_p: Option<f64>,
        /// Seed of the random numbers. Each is a function of the seed, the request's id and the
        /// position in its sequence.
        seed: u64,
    },
}

impl Sampling {
    pub(super) fn check(&self) -> Result<(), InferenceError> {
        let Self::Random {
            temperature,
            top_k,
            top_p,
            ..
        } = self
        else {
            return Ok(());
        };
        let within = |name, value: String, holds, range| {
            if holds {
                Ok(())
            } else {
                Err(InferenceError::Setting { name, value, range })
            }
        };
        within(
            "temperature",
            temperature.to_string(),
            temperature.is_finite() && *temperature > 0.0,
            "a finite number above 0; use greedy choice for 0",
        )?;
        let most = top_k.unwrap_or(1);
        within("top_k", most.to_string(), most > 0, "at least 1")?;
        let share = top_p.unwrap_or(1.0);
        let holds = share > 0.0 && share <= 1.0;
        within("top_p", share.to_string(), holds, "above 0 and at most 1")
    }

    /// The token after `position` tokens of request `id`, from finite logits.
    pub(super) fn choose(&self, logits: &[f32], id: u64, position: usize) -> u32 {
        match self {
            Self::Greedy => greedy(logits),
            Self::Random {
                temperature,
                top_k,
                top_p,
                seed,
            } => {
                let stream = Stream::new(*seed, "sample", &id.to_string());
                let candidates = candidates(logits, *temperature, *top_k, *top_p);
                draw(&candidates, stream.uniform(position as u64))
            }
        }
    }
}

/// The likeliest token; of equally likely ones the lowest.
pub(super) fn greedy(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best as u32
}

/// Tokens to choose from, likeliest first, with weights that need not add up to 1.
fn candidates(
    logits: &[f32],
    temperature: f64,
    top_k: Option<usize>,
    top_p: Option<f64>,
) -> Vec<(u32, f64)> {
    let likelier =
        |a: &(u32, f32), b: &(u32, f32)| -> Ordering { b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)) };
    let numbered = logits.iter().enumerate();
    let mut tokens: Vec<(u32, f32)> = numbered.map(|(at, logit)| (at as u32, *logit)).collect();
    if let Some(most) = top_k.filter(|most| *most < tokens.len()) {
        tokens.select_nth_unstable_by(most, likelier);
        tokens.truncate(most);
    }
    tokens.sort_unstable_by(likelier);
    let top = tokens.first().map_or(0.0, |(_, logit)| f64::from(*logit));
    let weigh =
        |(token, logit): (u32, f32)| (token, ((f64::from(logit) - top) / temperature).exp());
    let mut weighed: Vec<(u32, f64)> = tokens.into_iter().map(weigh).collect();
    if let Some(share) = top_p {
        let total: f64 = weighed.iter().map(|(_, weight)| weight).sum();
        let mut sum = 0.0;
        let enough = weighed.iter().position(|(_, weight)| {
            sum += weight;
            sum >= share * total
        });
        weighed.truncate(enough.map_or(weighed.len(), |last| last + 1));
    }
    weighed
}

/// The token at `share` of the way through the weights.
fn draw(candidates: &[(u32, f64)], share: f64) -> u32 {
    let total: f64 = candidates.iter().map(|(_, weight)| weight).sum();
    let mut rest = share * total;
    let last = candidates.last().map_or(0, |(token, _)| *token);
    for &(token, weight) in candidates {
        if rest < weight {
            return token;
        }
        rest -= weight;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_the_likeliest() {
        let logits = [0.0, 2.0, 2.0, -1.0, 1.0].map(|p: f32| p * std::f32::consts::LN_2);
        let tokens = |top_k, top_p| -> Vec<u32> {
            let chosen = candidates(&logits, 1.0, top_k, top_p);
            chosen.iter().map(|(token, _)| *token).collect()
        };
        // Weights 4, 4, 2, 1, ½ of 11½.
        assert_eq!(tokens(None, None), [1, 2, 4, 0, 3]);
        assert_eq!(tokens(Some(3), None), [1, 2, 4]);
        assert_eq!(tokens(Some(9), Some(0.6)), [1, 2]);
        assert_eq!(tokens(None, Some(0.7)), [1, 2, 4]);
        assert_eq!(tokens(Some(1), Some(0.01)), [1]);
        assert_eq!(tokens(None, Some(1.0)).len(), 5);
        assert_eq!(greedy(&logits), 1);
    }

    #[test]
    fn draws_follow_the_distribution() {
        let logits = [0.5_f32.ln(), 0.3_f32.ln(), 0.2_f32.ln()];
        let sampling = Sampling::Random {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            seed: 3,
        };
        let mut counts = [0_u32; 3];
        for id in 0..100 {
            for position in 0..200 {
                counts[sampling.choose(&logits, id, position) as usize] += 1;
            }
        }
        for (count, share) in counts.into_iter().zip([0.5, 0.3, 0.2]) {
            let found = f64::from(count) / 20_000.0;
            assert!((found - share).abs() < 0.015, "{found} is not {share}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let told = |temperature, top_k, top_p| {
            let sampling = Sampling::Random {
                temperature,
                top_k,
                top_p,
                seed: 0,
            };
            sampling.check().map_err(|error| error.to_string())
        };
        assert!(told(1.0, Some(1), Some(1.0)).is_ok());
        for (temperature, top_k, top_p, name) in [
            (0.0, None, None, "temperature"),
            (f64::NAN, None, None, "temperature"),
            (1.0, Some(0), None, "top_k"),
            (1.0, None, Some(0.0), "top_p"),
            (1.0, None, Some(1.5), "top_p"),
        ] {
            let refused = told(temperature, top_k, top_p).expect_err(name);
            assert!(refused.starts_with(&format!("`{name}` is ")), "{refused}");
        }
    }
}
