//! Small pieces of prose that several styles write: lists, sums and shares in words and signs.

use crate::world::dice::Dice;

/// Group sizes of which every share taken below is a whole number of per cent.
const GROUPS: &[i64] = &[10, 20, 25, 50, 100, 200, 300, 400];

/// Equal parts of a whole: `hits` of `group`, which are `percent` per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hits: i64,
    pub(crate) group: i64,
    pub(crate) percent: i64,
}

impl Share {
    /// Some, but not all, of a group; the share is a whole number of per cent.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let group = *dice.pick(GROUPS);
        let parts = group.min(100);
        let share = dice.between(1, parts - 1);
        Self {
            hits: share * (group / parts),
            group,
            percent: share * (100 / parts),
        }
    }

    /// The share as a calculation: `hits * 100 / group = percent per cent`.
    pub(crate) fn shown(&self) -> String {
        let Self {
            hits,
            group,
            percent,
        } = self;
        format!("{hits} * 100 / {group} = {percent} per cent")
    }
}

/// The word with a large first letter; words begin with ASCII.
pub(crate) fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// `a, b and c`.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    let words: Vec<_> = items.iter().map(T::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// The numbers with `sign` between them, such as `3 + 4`.
pub(crate) fn joined(numbers: &[i64], sign: &str) -> String {
    let words: Vec<_> = numbers.iter().map(i64::to_string).collect();
    words.join(sign)
}

/// `sum + of + numbers = total`.
pub(crate) fn sum(numbers: &[i64]) -> String {
    format!(
        "{} = {}",
        joined(numbers, " + "),
        numbers.iter().sum::<i64>()
    )
}

#[cfg(test)]
mod tests {
    use super::{Share, list, sum};
    use crate::world::Style;
    use crate::world::dice::Dice;

    #[test]
    fn prose_is_put_together() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&[1, 2, 3]), "1, 2 and 3");
        assert_eq!(sum(&[1, 2, 3]), "1 + 2 + 3 = 6");
    }

    #[test]
    fn shares_are_exact() {
        let mut dice = Dice::new(Style::Web, 1, 1);
        for _ in 0..1000 {
            let share = Share::new(&mut dice);
            assert_eq!(share.hits * 100, share.percent * share.group);
            assert!(0 < share.hits && share.hits < share.group);
        }
    }
}
