//! The fields of an experiment itself.

use vpc_grammar::tree::{Block, Body, Entry};

use super::Expander;
use crate::confounds::Said;
use crate::eval::{Reads, Scope};
use crate::plan::Budget;

/// What the fields of an experiment say.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) budget: Option<Budget>,
    pub(super) said: Said,
}

impl Expander<'_, '_> {
    /// Reads the fields of an experiment; after a mistake in one, as if there were none.
    pub(super) fn settings(
        &self,
        block: &Block,
        fields: Vec<Entry>,
        scope: &Scope<'_>,
    ) -> Settings {
        let body = Body {
            entries: fields,
            whole: true,
            span: block.span,
        };
        let settings = self.evaluator.reading(block, &body, scope, |given| {
            let budget = given.or("budget", None, |span, value| {
                let hours = self.evaluator.device_hours(span, value)?;
                let place = self.place(span).to_string();
                Some(Some(Budget { hours, place }))
            })?;
            let said = Said::read(&given)?;
            Some(Settings { budget, said })
        });
        settings.unwrap_or_default()
    }
}
