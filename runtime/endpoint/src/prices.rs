//! What tokens cost.

use crate::settings::{SettingsError, variables};

/// Tokens that prices are given for.
const MILLION: f64 = 1e6;

/// Prices of a million tokens, in whatever currency they were given in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// Of prompts.
    pub input: f64,
    /// Of answers.
    pub output: f64,
}

impl Prices {
    /// What so many tokens cost: tokens × price / 10⁶, of prompts and of answers.
    pub fn cost(&self, prompt_tokens: u64, completion_tokens: u64) -> f64 {
        (prompt_tokens as f64 * self.input + completion_tokens as f64 * self.output) / MILLION
    }

    /// Both prices, or none where neither is set.
    pub(crate) fn read(
        set: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Option<Self>, SettingsError> {
        let price = |name| match set(name) {
            None => Ok(None),
            Some(text) => match text.trim().parse::<f64>() {
                Ok(price) if price.is_finite() && price >= 0.0 => Ok(Some(price)),
                _ => Err(SettingsError::Number {
                    name,
                    text,
                    instead: "the price of a million tokens, such as `0.15`",
                }),
            },
        };
        let one = |set, unset| Err(SettingsError::OnePrice { set, unset });
        match (price(variables::PRICE_IN)?, price(variables::PRICE_OUT)?) {
            (Some(input), Some(output)) => Ok(Some(Self { input, output })),
            (None, None) => Ok(None),
            (Some(_), None) => one(variables::PRICE_IN, variables::PRICE_OUT),
            (None, Some(_)) => one(variables::PRICE_OUT, variables::PRICE_IN),
        }
    }
}
