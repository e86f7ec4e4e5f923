//! `adapt` blocks: one job for each stage.

use std::rc::Rc;
use std::sync::Arc;

use super::{Declaration, Expander, Made, Model, Spot};
use crate::eval::Reads;
use crate::plan::{Key, ModelSpec, Sight, StageTask, Task, Work};
use crate::value::{Adaptation, Stage};

/// Addresses of a stage and of the model's shape, and a seed.
pub(super) type StageId = (usize, usize, u64);

/// What the jobs of one stage of a set-up have in common.
pub(super) struct StageWork {
    work: Work,
    /// All inputs but the model.
    inputs: Vec<(&'static str, Key)>,
}

impl Expander<'_, '_> {
    pub(super) fn adapt(&mut self, spot: &Spot<'_>, before: &[Declaration<'_>]) -> Option<Made> {
        let e = self.evaluator;
        spot.read(|given| {
            let setup = given.need("setup", |span, value| e.adaptation(span, &value));
            let seed = given.or("seed", 0, |span, value| e.count(span, value, 0));
            let base = given
                .fields
                .get("from")
                .and_then(|from| self.base(from, spot, before));
            let (setup, seed, base) = (setup?, seed?, base?);
            let mut key = base.key;
            for (at, stage) in setup.stages.iter().enumerate() {
                let last = at + 1 == setup.stages.len();
                let label = if last {
                    Arc::clone(spot.label)
                } else {
                    spot.part(&stage.name)
                };
                key = self.stage(spot, label, (&setup, stage), (&base.model.spec, seed), key)?;
            }
            Some(Made::model(
                key,
                Model {
                    spec: Arc::clone(&base.model.spec),
                    tokenizer: Rc::clone(&base.model.tokenizer),
                    sees: true,
                    trained: None,
                },
            ))
        })
    }

    /// Adds one stage on top of a model. A stage that withholds pictures does not depend on what
    /// sees, so that set-ups which begin with it share it.
    fn stage(
        &mut self,
        spot: &Spot<'_>,
        label: Arc<str>,
        (setup, stage): (&Rc<Adaptation>, &Stage),
        (spec, seed): (&Arc<ModelSpec>, u64),
        model: Key,
    ) -> Option<Key> {
        let stage_at = std::ptr::from_ref(stage).addr();
        let id = (stage_at, Arc::as_ptr(spec).addr(), seed);
        if !self.shared.stages.contains_key(&id) {
            let known = self.stage_work(setup, stage, spec, seed)?;
            self.shared.stages.insert(id, (Rc::clone(setup), known));
        }
        let (_, known) = self.shared.stages.get(&id)?;
        let mut inputs = vec![("model", model)];
        inputs.extend(&known.inputs);
        let work = known.work.clone();
        Some(self.add(spot, label, work, &inputs))
    }

    fn stage_work(
        &mut self,
        setup: &Adaptation,
        stage: &Stage,
        spec: &Arc<ModelSpec>,
        seed: u64,
    ) -> Option<StageWork> {
        let items = stage.data.items.saturating_mul(stage.epochs);
        let steps = items.div_ceil(stage.batch);
        let schedule = self.schedule(&stage.schedule, steps, None, stage.scheduled)?;
        let mut inputs = Vec::new();
        if stage.images {
            inputs.push(("encoder", self.encoder(&setup.encoder)));
        }
        inputs.push(("items", self.dataset(&stage.data)));
        let task = StageTask {
            model: Arc::clone(spec),
            sight: stage.images.then(|| Sight {
                projector: setup.projector.clone(),
                visual_tokens: setup.visual_tokens,
            }),
            train: stage.train,
            items,
            epochs: stage.epochs,
            batch: stage.batch,
            steps,
            rate: stage.rate,
            schedule,
            weight_decay: stage.weight_decay,
            seed,
        };
        Some(StageWork {
            work: Task::Stage(Arc::new(task)).into(),
            inputs,
        })
    }
}
