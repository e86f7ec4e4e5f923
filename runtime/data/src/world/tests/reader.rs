//! Reading and working out arithmetic, to check what the world states.

use std::collections::BTreeMap;

/// An evaluator that shares nothing with the generator: numbers, names, `+ - * / // %`, parentheses.
pub(super) struct Reader<'t> {
    rest: &'t str,
    names: BTreeMap<&'t str, i64>,
}

impl<'t> Reader<'t> {
    /// The value of the whole of `text`, or nothing where it is no expression.
    pub(super) fn value(text: &'t str, names: BTreeMap<&'t str, i64>) -> Option<i64> {
        let mut reader = Self { rest: text, names };
        let value = reader.sum()?;
        reader.rest.trim().is_empty().then_some(value)
    }

    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn sum(&mut self) -> Option<i64> {
        let mut value = self.product()?;
        loop {
            if self.take("+") {
                value += self.product()?;
            } else if self.take("-") {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<i64> {
        let mut value = self.atom()?;
        loop {
            if self.take("*") {
                value *= self.atom()?;
            } else if self.take("//") {
                let by = self.atom()?;
                value = (value - ((value % by) + by) % by) / by;
            } else if self.take("/") {
                let by = self.atom()?;
                value = (value % by == 0).then_some(value / by)?;
            } else if self.take("%") {
                let by = self.atom()?;
                value = ((value % by) + by) % by;
            } else {
                return Some(value);
            }
        }
    }

    fn atom(&mut self) -> Option<i64> {
        if self.take("-") {
            return Some(-self.atom()?);
        }
        if self.take("(") {
            let value = self.sum()?;
            return self.take(")").then_some(value);
        }
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|letter: char| !letter.is_alphanumeric())
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.parse().ok().or_else(|| self.names.get(word).copied())
    }
}
