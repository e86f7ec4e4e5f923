//! `adapt` blocks: one job for each stage.

use std::rc::Rc;
use std::sync::Arc;

use super::{Declaration, Expander, Eyes, Made, Model, Spot};
use crate::eval::Reads;
use crate::plan::{Key, ModelSpec, Sight, StageTask, Task, Work};
use crate::value::{Adaptation, Stage};

/// Addresses of a stage and of the model's shape, a seed, and whether the model had an encoder of its own.
pub(super) type StageId = (usize, usize, u64, bool);

/// What the jobs of one stage of a set-up have in common.
pub(super) struct StageWork {
    work: Work,
    /// All inputs but the model and its tokenizer.
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
            let tokenizer = Rc::clone(&base.model.tokenizer);
            let words = self.tokenizer(&tokenizer, given.at("from"))?;
            let (mut key, mut eyes) = (base.key, base.model.eyes.clone());
            for (at, stage) in setup.stages.iter().enumerate() {
                let last = at + 1 == setup.stages.len();
                let label = if last {
                    Arc::clone(spot.label)
                } else {
                    spot.part(&stage.name)
                };
                let was_own = eyes.as_ref().is_some_and(|eyes| eyes.own);
                if stage.images {
                    eyes = Some(Eyes {
                        encoder: Rc::clone(&setup.encoder),
                        layer: setup.layer,
                        own: was_own || stage.train.encoder,
                    });
                }
                let of = (&setup, stage, (eyes.as_ref(), was_own));
                let inputs = [("model", key), ("tokenizer", words)];
                key = self.stage(spot, label, of, (&base.model.spec, seed), inputs)?;
            }
            Some(Made::model(
                key,
                Model {
                    spec: Arc::clone(&base.model.spec),
                    tokenizer,
                    eyes,
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
        (setup, stage, eyes): (&Rc<Adaptation>, &Stage, (Option<&Eyes>, bool)),
        (spec, seed): (&Arc<ModelSpec>, u64),
        of_model: [(&'static str, Key); 2],
    ) -> Option<Key> {
        let stage_at = std::ptr::from_ref(stage).addr();
        let id = (stage_at, Arc::as_ptr(spec).addr(), seed, eyes.1);
        if !self.shared.stages.contains_key(&id) {
            let known = self.stage_work(setup, stage, eyes, spec, seed)?;
            self.shared.stages.insert(id, (Rc::clone(setup), known));
        }
        let (_, known) = self.shared.stages.get(&id)?;
        let mut inputs = of_model.to_vec();
        inputs.extend(&known.inputs);
        let work = known.work.clone();
        Some(self.add(spot, label, work, &inputs))
    }

    fn stage_work(
        &mut self,
        setup: &Adaptation,
        stage: &Stage,
        (eyes, was_own): (Option<&Eyes>, bool),
        spec: &Arc<ModelSpec>,
        seed: u64,
    ) -> Option<StageWork> {
        let items = stage.data.items.saturating_mul(stage.epochs);
        let steps = items.div_ceil(stage.batch);
        let schedule = self.schedule(&stage.schedule, steps, None, stage.scheduled)?;
        let mut inputs = Vec::new();
        let eyes = eyes.filter(|_| stage.images);
        match eyes {
            // What an encoder sees that changes cannot be looked up; later stages have it from the model.
            Some(eyes) if eyes.own => {
                if !was_own {
                    inputs.push(("encoder", self.encoder(&eyes.encoder)));
                }
                inputs.extend(self.pictures(&stage.data));
            }
            Some(eyes) => {
                let seen = self.features(&stage.data, eyes);
                inputs.extend(seen.into_iter().map(|key| ("features", key)));
            }
            None => {}
        }
        inputs.push(("items", self.dataset(&stage.data)));
        let task = StageTask {
            model: Arc::clone(spec),
            sight: stage.images.then(|| Sight {
                projector: setup.projector.clone(),
                visual_tokens: setup.visual_tokens,
                layer: eyes.filter(|eyes| eyes.own).map(|eyes| eyes.layer),
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
            template: setup.template.clone(),
        };
        Some(StageWork {
            work: Task::Stage(Arc::new(task)).into(),
            inputs,
        })
    }
}
