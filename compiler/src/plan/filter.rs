//! Which documents or items of a source belong to a part of it.

use serde::{Deserialize, Serialize};

use super::Value;

/// Clauses that all hold. Without clauses, everything belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter(Vec<Clause>);

/// One condition on a document's or item's labels. Words are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clause {
    /// It has one of these labels.
    Any(Vec<String>),
    /// It has none of these labels.
    None(Vec<String>),
    /// It does not pass this filter.
    Outside(Filter),
    /// Of the filters that it passes, one is chosen by its content; it must be this one.
    Chosen {
        /// The filters, sorted.
        among: Vec<Filter>,
        /// The one, by number.
        this: u64,
    },
}

impl Filter {
    /// Returns whether everything belongs.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the clauses, sorted.
    pub fn clauses(&self) -> &[Clause] {
        &self.0
    }

    /// Adds a clause.
    #[must_use]
    pub fn and(mut self, clause: Clause) -> Self {
        if let Err(at) = self.0.binary_search(&clause) {
            self.0.insert(at, clause);
        }
        self
    }

    /// Returns the clause that holds where this filter does not.
    pub fn outside(&self) -> Clause {
        match self.0.as_slice() {
            [Clause::Any(words)] => Clause::None(words.clone()),
            [Clause::None(words)] => Clause::Any(words.clone()),
            _ => Clause::Outside(self.clone()),
        }
    }

    /// Returns whether nothing can pass both filters.
    pub fn excludes(&self, other: &Self) -> bool {
        let against = |mine: &Self, theirs: &Self| {
            mine.0.iter().any(|clause| match clause {
                Clause::None(none) => theirs.0.iter().any(|other| match other {
                    Clause::Any(any) => any.iter().all(|word| none.contains(word)),
                    _ => false,
                }),
                Clause::Outside(filter) => filter.0.iter().all(|part| theirs.0.contains(part)),
                Clause::Any(_) => false,
                Clause::Chosen { among, this } => theirs.0.iter().any(|other| {
                    matches!(other, Clause::Chosen { among: others, this: that }
                        if among == others && this != that)
                }),
            })
        };
        against(self, other) || against(other, self)
    }

    /// Returns the canonical form.
    pub(super) fn value(&self) -> Value<'_> {
        Value::List(self.0.iter().map(Clause::value).collect())
    }
}

impl Clause {
    fn value(&self) -> Value<'_> {
        Value::List(match self {
            Self::Any(any) => vec!["any".into(), Value::texts(any)],
            Self::None(none) => vec!["none".into(), Value::texts(none)],
            Self::Outside(filter) => vec!["outside".into(), filter.value()],
            Self::Chosen { among, this } => {
                let among = among.iter().map(Filter::value).collect();
                vec!["chosen".into(), Value::List(among), (*this).into()]
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(word: &str) -> Filter {
        Filter::default().and(Clause::Any(vec![word.to_owned()]))
    }

    #[test]
    fn a_filter_excludes_what_is_outside_it() {
        let (a, b) = (any("a"), any("b"));
        assert!(!a.excludes(&b));
        assert!(a.excludes(&Filter::default().and(a.outside())));
        let both = any("a").and(Clause::Any(vec!["b".to_owned()]));
        let not_both = Filter::default().and(both.outside());
        assert!(both.excludes(&not_both));
        assert!(!a.excludes(&not_both));
        assert!(!a.excludes(&Filter::default()));
    }

    #[test]
    fn the_order_of_clauses_does_not_matter() {
        let (a, b) = (
            Clause::Any(vec!["a".into()]),
            Clause::None(vec!["b".into()]),
        );
        let one = Filter::default().and(a.clone()).and(b.clone());
        assert_eq!(one, Filter::default().and(b).and(a));
        assert_ne!(one, any("a"));
    }
}
