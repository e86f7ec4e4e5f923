//! Exact numbers with units.

use num_bigint::BigInt;
use num_rational::Ratio;
use num_traits::{Signed, ToPrimitive, Zero};
use vpc_grammar::tree::Quantity;

use crate::plan::Fraction;
pub(crate) use crate::schema::Unit;
use crate::schema::{MAGNITUDES, UNITS};

/// An exact rational number.
pub(crate) type Exact = Ratio<BigInt>;

/// A number and what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) value: Exact,
    pub(crate) unit: Unit,
}

/// What is wrong with a quantity as written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Letters after the digits that mean nothing.
    Suffix(String),
    /// A word after the number that is no unit.
    Unit(String),
    /// A unit after a share, or twice.
    Mixed,
    /// Too many digits.
    TooLong,
}

const LONGEST: usize = 40;

impl Number {
    pub(crate) fn plain(value: impl Into<BigInt>) -> Self {
        Self {
            value: Exact::from_integer(value.into()),
            unit: Unit::Plain,
        }
    }

    /// Reads a quantity as written.
    pub(crate) fn read(quantity: &Quantity) -> Result<Self, Flaw> {
        if quantity.digits.len() > LONGEST {
            return Err(Flaw::TooLong);
        }
        let mut number = Self {
            value: digits(&quantity.digits),
            unit: Unit::Plain,
        };
        if let Some(suffix) = &quantity.suffix {
            let scale = suffix_scale(suffix).or_else(|| unit_scale(suffix));
            let (factor, unit) = scale.ok_or_else(|| Flaw::Suffix(suffix.clone()))?;
            number = Self {
                value: number.value * factor,
                unit,
            };
        }
        if let Some(word) = &quantity.unit {
            let scale = unit_scale(&word.text);
            let (factor, unit) = scale.ok_or_else(|| Flaw::Unit(word.text.clone()))?;
            if !matches!(number.unit, Unit::Plain | Unit::Count) {
                return Err(Flaw::Mixed);
            }
            number = Self {
                value: number.value * factor,
                unit,
            };
        }
        Ok(number)
    }

    /// Returns the number as `u64` when it is whole and not negative.
    pub(crate) fn whole(&self) -> Option<u64> {
        self.value
            .is_integer()
            .then(|| self.value.to_integer().to_u64())
            .flatten()
    }

    /// Returns this part of a whole, rounded to the nearest, halves up; of what is not negative.
    pub(crate) fn of(&self, whole: u64) -> Option<u64> {
        let twice = self.value.numer() * whole * 2u32 + self.value.denom();
        (twice / (self.value.denom() * 2u32)).to_u64()
    }

    /// Returns the number as a plan's fraction, when it fits.
    pub(crate) fn fraction(&self) -> Option<Fraction> {
        fraction(&self.value)
    }

    /// Writes the number as a person would: `40%`, `30B`, `1/3`.
    pub(crate) fn show(&self) -> String {
        match self.unit {
            Unit::Share => percent(&self.value),
            Unit::Bytes => format!("{} bytes", self.value),
            Unit::Count | Unit::Tokens | Unit::Sequences | Unit::Steps => magnitude(&self.value),
            Unit::DeviceHours => {
                let hours = decimal(&self.value).unwrap_or_else(|| self.value.to_string());
                format!("{hours} GPUh")
            }
            Unit::Plain => decimal(&self.value).unwrap_or_else(|| self.value.to_string()),
        }
    }
}

/// Returns a fraction of `u64`s, when it is not negative and fits.
pub(crate) fn fraction(value: &Exact) -> Option<Fraction> {
    if value.is_negative() {
        return None;
    }
    Fraction::new(value.numer().to_u64()?, value.denom().to_u64()?)
}

/// Writes a share in per cent, exactly: `12.5%`, or `1/3` where per cent would not end.
pub(crate) fn percent(value: &Exact) -> String {
    let hundred = value * Exact::from_integer(BigInt::from(100));
    decimal(&hundred).map_or_else(|| value.to_string(), |text| format!("{text}%"))
}

/// Writes a whole number with a magnitude where it divides: `30B`, `1500`.
fn magnitude(value: &Exact) -> String {
    for (suffix, exponent) in MAGNITUDES.iter().rev() {
        let scaled = value / Exact::from_integer(BigInt::from(10).pow(*exponent));
        if scaled.is_integer() && !scaled.is_zero() {
            return format!("{scaled}{suffix}");
        }
    }
    value.to_string()
}

/// Writes a number as a decimal when it ends within nine places.
fn decimal(value: &Exact) -> Option<String> {
    let shifted = value * Exact::from_integer(BigInt::from(10).pow(9));
    if !shifted.is_integer() {
        return None;
    }
    let sign = if value.is_negative() { "-" } else { "" };
    let digits = format!("{:0>10}", shifted.to_integer().abs().to_string());
    let (whole, part) = digits.split_at_checked(digits.len() - 9)?;
    let part = part.trim_end_matches('0');
    let dot = if part.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{dot}{part}"))
}

fn digits(text: &str) -> Exact {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let all: BigInt = format!("{whole}{part}").parse().unwrap_or_default();
    let places = u32::try_from(part.len()).unwrap_or(0);
    Exact::new(all, BigInt::from(10).pow(places))
}

fn power(base: u32, exponent: u32) -> Exact {
    Exact::from_integer(BigInt::from(base).pow(exponent))
}

fn suffix_scale(suffix: &str) -> Option<(Exact, Unit)> {
    if suffix == "%" {
        return Some((Exact::new(BigInt::from(1), BigInt::from(100)), Unit::Share));
    }
    let (_, exponent) = MAGNITUDES.iter().find(|known| known.0 == suffix)?;
    Some((power(10, *exponent), Unit::Count))
}

fn unit_scale(word: &str) -> Option<(Exact, Unit)> {
    let (_, unit, exponent) = UNITS.iter().find(|known| known.0 == word)?;
    Some((power(2, *exponent), *unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(digits: &str, suffix: Option<&str>) -> Number {
        let quantity = Quantity {
            digits: digits.to_owned(),
            suffix: suffix.map(str::to_owned),
            unit: None,
        };
        Number::read(&quantity).unwrap()
    }

    #[test]
    fn quantities_are_exact_and_shown_as_written() {
        assert_eq!(read("30", Some("B")).whole(), Some(30_000_000_000));
        assert_eq!(read("1.3", Some("B")).whole(), Some(1_300_000_000));
        assert_eq!(read("1.0005", Some("k")).whole(), None);
        assert_eq!(read("4", Some("MiB")).whole(), Some(4 << 20));
        for (digits, suffix, shown) in [
            ("30", "B", "30B"),
            ("12.5", "%", "12.5%"),
            ("1500", "k", "1500k"),
            ("2000", "k", "2M"),
            ("0.1", "%", "0.1%"),
        ] {
            assert_eq!(read(digits, Some(suffix)).show(), shown);
        }
    }

    #[test]
    fn a_third_has_no_decimal() {
        let third = Exact::new(1.into(), 3.into());
        assert_eq!(percent(&third), "1/3");
        assert_eq!(percent(&-Exact::new(1.into(), 10.into())), "-10%");
    }

    #[test]
    fn wrong_suffixes_are_named() {
        let quantity = Quantity {
            digits: "30".to_owned(),
            suffix: Some("X".to_owned()),
            unit: None,
        };
        assert_eq!(Number::read(&quantity), Err(Flaw::Suffix("X".to_owned())));
    }
}
