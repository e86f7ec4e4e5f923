//! `from: base`, `from: base.at(15B)`: the job whose model is used.

use std::rc::Rc;
use std::sync::Arc;

use vpc_grammar::tree::{Expr, ExprKind};
use vpc_grammar::{Code, Problem};

use super::{Declaration, Expander, Made, Model, Spot};
use crate::nearest::advice;
use crate::plan::{Key, Task};

/// A model that a job starts from.
pub(super) struct Base<'b> {
    pub(super) key: Key,
    pub(super) model: Rc<Model>,
    /// The job's name, for messages.
    pub(super) job: &'b str,
}

impl Expander<'_, '_> {
    /// Returns the model that an expression names at a spot.
    pub(super) fn base<'b>(
        &mut self,
        from: &Expr,
        spot: &Spot<'_>,
        before: &[Declaration<'b>],
    ) -> Option<Base<'b>> {
        if let ExprKind::Call(callee, args) = &from.kind
            && let ExprKind::Member(of, at) = &callee.kind
            && at.text == "at"
        {
            let [tokens] = args.as_slice() else {
                let message = "a checkpoint is written `base.at(15B)`";
                self.evaluator
                    .report(Problem::error(Code("V0213"), from.span, message));
                return None;
            };
            let (declared, made) = self.run_of(of, spot, before)?;
            let job = &declared.block.name.text;
            return self.checkpoint(spot, job, made, &tokens.value);
        }
        let (declared, made) = self.run_of(from, spot, before)?;
        Some(Base {
            key: made.key,
            model: Rc::clone(made.model.as_ref()?),
            job: &declared.block.name.text,
        })
    }

    /// Returns the declaration that a name means, and what it made at the spot.
    fn run_of<'d, 'b>(
        &self,
        from: &Expr,
        spot: &Spot<'_>,
        before: &'d [Declaration<'b>],
    ) -> Option<(&'d Declaration<'b>, &'d Made)> {
        let makes =
            |job: &&Declaration<'_>| matches!(job.block.kind.text.as_str(), "pretrain" | "adapt");
        let name = match &from.kind {
            ExprKind::Name(name) => name.as_str(),
            _ => self.evaluator.sources.slice(from.span),
        };
        let mut models = before.iter().filter(makes);
        let Some(found) = models.find(|job| job.block.name.text == name) else {
            let known = before.iter().filter(makes);
            let message = format!("this experiment has no job `{name}` that makes a model");
            let help = advice(
                name,
                "jobs that do",
                known.map(|job| job.block.name.text.as_str()),
            );
            self.evaluator
                .report(Problem::error(Code("V0201"), from.span, message).help(help));
            return None;
        };
        let at = found.grid.at(&spot.site.grid, spot.point);
        let made = found.made.get(&at)?;
        Some((found, made))
    }

    /// Takes a checkpoint out of a run.
    fn checkpoint<'b>(
        &mut self,
        spot: &Spot<'_>,
        job: &'b str,
        made: &Made,
        tokens: &Expr,
    ) -> Option<Base<'b>> {
        let model = made.model.as_ref()?;
        let Some(run) = &model.trained else {
            let message = format!("`{job}` has no checkpoints: it is no `pretrain` job");
            self.evaluator
                .report(Problem::error(Code("V0214"), tokens.span, message));
            return None;
        };
        let value = spot.eval(tokens);
        let at = self.evaluator.tokens(tokens.span, value, 0)?;
        if at > run.budget {
            let message = format!(
                "a checkpoint at {at} tokens lies beyond the budget of {}",
                run.budget
            );
            self.evaluator
                .report(Problem::error(Code("V0304"), tokens.span, message));
            return None;
        }
        let step = at.div_ceil(run.per_step);
        let key = if step == run.steps {
            made.key
        } else {
            self.jobs.keep(made.key, step);
            let label = spot.part(&format!("{job}@{at}"));
            let inputs = [("model", made.key)];
            self.add(spot, label, Task::Checkpoint { step }, &inputs)
        };
        let model = Model {
            spec: Arc::clone(&model.spec),
            tokenizer: Rc::clone(&model.tokenizer),
            eyes: model.eyes.clone(),
            trained: None,
        };
        Some(Base {
            key,
            model: Rc::new(model),
            job,
        })
    }
}
