//! Differences in words.

use std::fmt;

use super::super::record::Value;
use super::Difference;
use crate::plan::Fraction;

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(before, after) => write!(f, "it was `{before}` and is `{after}`"),
            Self::Version(before, after) => {
                write!(
                    f,
                    "its kind computes otherwise now (version {before} → {after})"
                )
            }
            Self::Build(before, after) => {
                let word = |build: &Option<String>| match build {
                    Some(build) => format!("build {build}"),
                    None => "any build".to_owned(),
                };
                write!(f, "{} → {}", word(before), word(after))
            }
            Self::Field {
                name,
                before,
                after,
            } => write!(f, "{} {before} → {after}", written(name)),
            Self::File { before, after } if before == after => write!(f, "`{after}` differs"),
            Self::File { before, after } => {
                write!(f, "`{after}` differs from `{before}`")
            }
            Self::Share { of, before, after } => {
                write!(
                    f,
                    "share of {} {} → {}",
                    bare(of),
                    percent(*before),
                    percent(*after)
                )
            }
            Self::Dropped(name) => write!(f, "without {}", bare(name)),
            Self::Added(name) => write!(f, "with {}", bare(name)),
            Self::Another(name) => write!(f, "another {name}"),
        }
    }
}

impl Difference {
    /// The difference in one field; none where it was left out.
    pub(super) fn field(
        name: &'static str,
        before: Option<&Value<'_>>,
        after: Option<&Value<'_>>,
    ) -> Self {
        let (before, after) = pair(name, before, after);
        Self::Field {
            name,
            before,
            after,
        }
    }

    /// Returns what differs, without its values: `tokens`, `data/code.jsonl`, `share of web`.
    pub fn subject(&self) -> String {
        match self {
            Self::Kind(..) => "kind".to_owned(),
            Self::Version(..) => "version".to_owned(),
            Self::Build(..) => "build".to_owned(),
            Self::Field { name, .. } => written(name).to_owned(),
            Self::File { after, .. } => after.clone(),
            Self::Share { of, .. } => format!("share of {}", bare(of)),
            Self::Dropped(name) | Self::Added(name) => bare(name).to_owned(),
            Self::Another(name) => name.clone(),
        }
    }
}

/// A field as studies write it.
fn written(name: &str) -> &str {
    match name {
        "bytes" => "size",
        "fields" => "field",
        "from" | "files" => "source",
        "filter" => "labels chosen",
        other => other,
    }
}

/// `tokens/web@bpe` and `corpus/web` as people call them: `web`.
fn bare(name: &str) -> &str {
    let category = name
        .strip_prefix("tokens/")
        .and_then(|rest| rest.split('@').next());
    category
        .or_else(|| name.strip_prefix("corpus/"))
        .unwrap_or(name)
}

/// Two values of one field; rounded only where that keeps them apart.
fn pair(name: &str, before: Option<&Value<'_>>, after: Option<&Value<'_>>) -> (String, String) {
    if let (Some(Value::Count(was)), Some(Value::Count(is))) = (before, after) {
        let rounded = (short(*was), short(*is));
        return if rounded.0 == rounded.1 {
            (was.to_string(), is.to_string())
        } else {
            rounded
        };
    }
    let word = |value: Option<&Value<'_>>| {
        value.map_or_else(|| "left out".to_owned(), |it| said(name, it))
    };
    (word(before), word(after))
}

/// Writes a field's value as a study would.
pub fn said(name: &str, value: &Value<'_>) -> String {
    match value {
        Value::Count(count) => short(*count),
        Value::Fraction(share) if matches!(name, "held_out" | "floor" | "clamp" | "to") => {
            percent(*share)
        }
        Value::Fraction(number) => decimal(*number),
        Value::Text(text) => format!("`{text}`"),
        Value::Flag(flag) => flag.to_string(),
        Value::Digest(digest) => digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        Value::List(values) => {
            let all: Vec<_> = values.iter().map(|value| said(name, value)).collect();
            format!("[{}]", all.join(", "))
        }
    }
}

/// A count with a magnitude, to three digits: `30B`, `401k`, `512`.
pub(crate) fn short(count: u64) -> String {
    let sizes = [
        (1_000_000_000_000, "T"),
        (1_000_000_000, "B"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    let Some((size, suffix)) = sizes
        .into_iter()
        .find(|(size, _)| count >= *size && count >= 10_000)
    else {
        return count.to_string();
    };
    let places = match count / size {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let unit: u64 = 10_u64.pow(places);
    let scaled = (u128::from(count) * u128::from(unit) + u128::from(size) / 2) / u128::from(size);
    let (whole, rest) = (scaled / u128::from(unit), scaled % u128::from(unit));
    let rest = format!("{rest:0width$}", width = places as usize);
    let rest = rest.trim_end_matches('0');
    match rest {
        "" => format!("{whole}{suffix}"),
        rest => format!("{whole}.{rest}{suffix}"),
    }
}

/// Writes a share in per cent where that has at most two decimals, else as a fraction.
pub fn percent(share: Fraction) -> String {
    let (numerator, denominator) = share.parts();
    let hundredths = u128::from(numerator) * 10_000;
    if denominator == 0 || !hundredths.is_multiple_of(u128::from(denominator)) {
        return share.to_string();
    }
    let hundredths = hundredths / u128::from(denominator);
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A number as a decimal where it has one of at most nine places, else as a fraction.
pub(crate) fn decimal(number: Fraction) -> String {
    let (numerator, denominator) = number.parts();
    let scaled = u128::from(numerator) * 1_000_000_000;
    if denominator == 0 || !scaled.is_multiple_of(u128::from(denominator)) {
        return number.to_string();
    }
    let scaled = scaled / u128::from(denominator);
    let text = format!("{}.{:09}", scaled / 1_000_000_000, scaled % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_study_writes_them() {
        for (count, text) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10k"),
            (400_384, "400k"),
            (1_048_576, "1.05M"),
            (30_000_000_000, "30B"),
            (999_999, "1000k"),
            (1_000_000_000_000, "1T"),
        ] {
            assert_eq!(short(count), text);
        }
        let fraction = |n, d| Fraction::new(n, d).unwrap();
        assert_eq!(percent(fraction(2, 5)), "40%");
        assert_eq!(percent(fraction(1, 3)), "1/3");
        assert_eq!(percent(fraction(1, 800)), "1/800");
        assert_eq!(percent(fraction(1, 8)), "12.5%");
        assert_eq!(decimal(fraction(3, 1000)), "0.003");
        assert_eq!(decimal(fraction(1, 7)), "1/7");
        assert_eq!(decimal(fraction(2, 1)), "2");
    }

    #[test]
    fn equal_roundings_are_told_apart() {
        let count = |n| Some(Value::Count(n));
        let (before, after) = pair("tokens", count(400_001).as_ref(), count(400_002).as_ref());
        assert_eq!((before.as_str(), after.as_str()), ("400001", "400002"));
    }
}
