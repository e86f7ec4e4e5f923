//! Datasets, adaptations, benchmarks and suites.

use std::rc::Rc;

use vpc_grammar::tree::{Block, Body, Expr, ExprKind};
use vpc_grammar::{Code, Problem, Span};

use super::block::origin;
use super::{Evaluator, Given, Reads, Scope};
use crate::modules::ModuleId;
use crate::nearest::advice;
use crate::plan::{
    Activation, FileSpec, Format, Fraction, ItemsSpec, Modules, Operation, Overall, Projector,
    ScheduleShape, Score, StageTask,
};
use crate::schema::Type;
use crate::value::{
    Adaptation, Benchmark, Dataset, DatasetOf, Exact, Groups, Number, Schedule, Stage, Suite, Unit,
    Value,
};

impl Evaluator<'_> {
    /// A file, or what will be one.
    pub(super) fn files(&self, span: Span, value: Value, module: ModuleId) -> Option<FileSpec> {
        let (path, facts) = match value {
            Value::Planned(what) => return Some(FileSpec::Planned { what }),
            Value::Text(text) => self.data_file(&text, span, module)?,
            Value::Located(path) => self.facts(path, span)?,
            other => {
                self.mismatch(span, Type::Files.words(), &other);
                return None;
            }
        };
        Some(FileSpec::File {
            path: Operation::new(path),
            digest: facts.digest,
        })
    }

    pub(super) fn dataset_block(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
    ) -> Option<Value> {
        let dataset = self.reading(block, body, scope, |given| {
            let source = given.need("source", |span, value| {
                self.items(span, value, scope.module)
            });
            let items = given.need("items", |span, value| self.count(span, value, 1))?;
            let mut labels: Vec<(Vec<String>, u64)> = Vec::new();
            for (label, count) in &given.fields.families {
                let words = self.labelled(&given, label, labels.iter().map(|known| &known.0))?;
                let count_of = self.count(count.span, (given.eval)(count), 0)?;
                if count_of > items {
                    let message = format!("more items have this label than there are: {items}");
                    self.report(Problem::error(Code("V0304"), count.span, message));
                    return None;
                }
                labels.push((words, count_of));
            }
            Some(Dataset {
                name: block.name.text.clone(),
                declared: block.name.span,
                items,
                labels,
                from: DatasetOf::Source(source?),
                origin: Some(origin(block, scope)),
            })
        })?;
        Some(Value::Dataset(Rc::new(dataset)))
    }

    pub(super) fn adaptation_block(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
    ) -> Option<Value> {
        let adaptation = self.reading(block, body, scope, |given| {
            let encoder = given.need("encoder", |span, value| self.encoder(span, &value));
            let two_layers = Projector {
                layers: 2,
                width: None,
                activation: Activation::Gelu,
            };
            let projector = given.or("projector", two_layers, |span, value| match value {
                Value::Projector(projector) => Some(projector),
                other => {
                    self.mismatch(span, Type::Projector.words(), &other);
                    None
                }
            });
            let count = |span, value| self.count(span, value, 1);
            let tokens = given.or("visual_tokens", 576, |span, value| {
                let tokens = count(span, value)?;
                if tokens.isqrt().pow(2) == tokens {
                    return Some(tokens);
                }
                let message = format!("{tokens} visual tokens make no square");
                let side = tokens.isqrt();
                let help = format!("give {} or {}", side * side, (side + 1) * (side + 1));
                self.report(Problem::error(Code("V0304"), span, message).help(help));
                None
            });
            let layer = given.or("layer", 2, count);
            let template = given.or("template", None, |span, value| {
                self.template(span, value).map(Some)
            });
            let stages = self.stages(&given.fields.blocks, scope)?;
            if stages.is_empty() && given.fields.sound {
                let message = format!("`{}` has no stages", block.name.text);
                self.report(
                    Problem::error(Code("V0212"), block.name.span, message)
                        .help("add `stage align { data: …, train: [projector], rate: 0.001 }`"),
                );
                return None;
            }
            Some(Adaptation {
                name: block.name.text.clone(),
                encoder: encoder?,
                projector: projector?,
                visual_tokens: tokens?,
                layer: layer?,
                template: template?.filter(|text| text != StageTask::TEMPLATE),
                stages,
                origin: origin(block, scope),
            })
        })?;
        Some(Value::Adaptation(Rc::new(adaptation)))
    }

    /// How a turn is written: the question, later the answer, and nothing after it.
    fn template(&self, span: Span, value: Value) -> Option<String> {
        let text = self.text_of(span, value, Type::Text)?;
        let one = |part: &str| text.matches(part).count() == 1;
        let is_ordered = text.find("{question}") < text.find("{answer}");
        if one("{question}") && one("{answer}") && is_ordered && text.ends_with("{answer}") {
            return Some(text);
        }
        let message = "a template has `{question}` once, and ends with `{answer}`";
        let help = format!("such as {:?}", StageTask::TEMPLATE);
        self.report(Problem::error(Code("V0214"), span, message).help(help));
        None
    }

    /// Stages in the order they run.
    fn stages(&self, blocks: &[&Block], scope: &Scope<'_>) -> Option<Vec<Stage>> {
        let mut stages: Vec<Stage> = Vec::new();
        let mut sound = true;
        for block in blocks {
            let body = block.body.as_ref()?;
            let read = self.reading(block, body, scope, |given| {
                let before = given
                    .fields
                    .get("before")
                    .map(|expr| (expr.span, self.sources.slice(expr.span).to_owned()));
                Some((self.stage(block, &given)?, before))
            });
            let Some((stage, before)) = read else {
                sound = false;
                continue;
            };
            let place = match before {
                None => Some(stages.len()),
                Some((span, name)) => {
                    let place = stages.iter().position(|stage| stage.name == name);
                    if place.is_none() {
                        let known = stages.iter().map(|stage| stage.name.as_str());
                        let message = format!("there is no stage `{name}` to be put before");
                        let help = advice(&name, "stages before it", known);
                        self.report(Problem::error(Code("V0201"), span, message).help(help));
                    }
                    place
                }
            };
            match place {
                Some(place) => stages.insert(place, stage),
                None => sound = false,
            }
        }
        sound.then_some(stages)
    }

    fn stage(&self, block: &Block, given: &Given<'_>) -> Option<Stage> {
        let count = |span, value| self.count(span, value, 1);
        let data = given.need("data", |span, value| self.dataset(span, &value));
        let train = given
            .fields
            .get("train")
            .and_then(|expr| self.modules(expr));
        let rate = given.need("rate", |span, value| self.number(span, value));
        let images = given.or("images", true, |span, value| self.flag(span, &value));
        let batch = given.or("batch", 128, count);
        let epochs = given.or("epochs", 1, count);
        let decay = given.or("weight_decay", Fraction::new(0, 1)?, |span, value| {
            self.number(span, value)
        });
        let cosine = Schedule {
            shape: ScheduleShape::Cosine,
            warmup: Number {
                value: Exact::new(3.into(), 100.into()),
                unit: Unit::Share,
            },
            warmup_most: None,
            decay: None,
            floor: Fraction::new(0, 1)?,
        };
        let schedule = given.or("schedule", cosine, |span, value| self.schedule(span, value));
        Some(Stage {
            name: block.name.text.clone(),
            data: data?,
            train: train?,
            images: images?,
            rate: rate?,
            batch: batch?,
            epochs: epochs?,
            schedule: schedule?,
            scheduled: given.at("schedule"),
            weight_decay: decay?,
        })
    }

    /// `[projector, model]`: what is trained.
    fn modules(&self, expr: &Expr) -> Option<Modules> {
        const KNOWN: [&str; 3] = ["encoder", "projector", "model"];
        let words = match &expr.kind {
            ExprKind::List(words) => words.as_slice(),
            _ => std::slice::from_ref(expr),
        };
        let mut modules = Modules::default();
        for word in words {
            match self.sources.slice(word.span) {
                "encoder" => modules.encoder = true,
                "projector" => modules.projector = true,
                "model" => modules.model = true,
                other => {
                    let message = format!("`{other}` is no part of an adapted model");
                    let help = advice(other, "its parts", KNOWN);
                    self.report(Problem::error(Code("V0214"), word.span, message).help(help));
                    return None;
                }
            }
        }
        if modules == Modules::default() {
            let message = "a stage that trains nothing changes nothing";
            self.report(Problem::error(Code("V0214"), expr.span, message));
            return None;
        }
        Some(modules)
    }

    pub(super) fn benchmark_block(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
    ) -> Option<Value> {
        let benchmark = self.reading(block, body, scope, |given| {
            let data = given.need("data", |span, value| self.items(span, value, scope.module));
            let items = given.need("items", |span, value| self.count(span, value, 1));
            let format = match given.word("format", "") {
                Some("choice") => Some(Format::Choice),
                Some("likelihood") => Some(Format::Likelihood),
                Some("yes_no") => Some(Format::YesNo),
                Some("short_answer") => Some(Format::ShortAnswer),
                Some("perplexity") => Some(Format::Perplexity),
                _ => None,
            };
            given.or("chance", None, |span, value| {
                self.share(span, value).map(Some)
            })?;
            let images = given.or("images", true, |span, value| self.flag(span, &value));
            let compare = given.word("compare", "bytes");
            let score = given.word("score", "exact").map(|word| match word {
                "relaxed" => Score::Relaxed,
                "contained" => Score::Contained,
                "agreement" => Score::Agreement,
                _ => Score::Exact,
            });
            let (name, data, items) = (block.name.text.clone(), data?, items?);
            let is_plain = match &data {
                ItemsSpec::File { pictures: None, .. } | ItemsSpec::Planned { .. } => true,
                ItemsSpec::Published { .. } => !images?,
                _ => false,
            };
            let dataset = Dataset {
                name: name.clone(),
                declared: block.name.span,
                items,
                labels: Vec::new(),
                from: DatasetOf::Source(data.clone()),
                origin: None,
            };
            Some(Benchmark {
                name,
                data,
                items,
                format: format?,
                images: images?,
                whole: compare? == "whole" && format? == Format::Likelihood,
                // As `compare` is nothing where no likelihoods are compared.
                score: score
                    .filter(|_| format == Some(Format::ShortAnswer))
                    .unwrap_or_default(),
                dataset: Rc::new(dataset),
                is_plain,
                origin: origin(block, scope),
            })
        })?;
        Some(Value::Benchmark(Rc::new(benchmark)))
    }

    pub(super) fn suite_block(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
    ) -> Option<Value> {
        let groups = self.reading(block, body, scope, |given| {
            let overall = match given.word("overall", "mean_of_benchmarks")? {
                "mean_of_groups" => Overall::MeanOfGroups,
                "by_items" => Overall::ByItems,
                "none" => Overall::None,
                _ => Overall::MeanOfBenchmarks,
            };
            let mut groups = Vec::new();
            for group in &given.fields.blocks {
                let body = group.body.as_ref()?;
                if group.name.text == "overall" {
                    let message = "`overall` is what the score of all groups is called";
                    let problem = Problem::error(Code("V0202"), group.name.span, message);
                    self.report(problem.help("give the group another name"));
                    return None;
                }
                let members = self.reading(group, body, scope, |given| {
                    given.need("benchmarks", |span, value| self.benchmarks(span, value))
                });
                groups.push((group.name.text.clone(), members?));
            }
            if groups.is_empty() && given.fields.sound {
                let message = format!("`{}` has no groups", block.name.text);
                self.report(
                    Problem::error(Code("V0212"), block.name.span, message)
                        .help("add `group general { benchmarks: […] }`"),
                );
                return None;
            }
            self.alike(&given, &groups, overall)?;
            Some(Groups {
                name: block.name.text.clone(),
                members: groups,
                overall,
                origin: origin(block, scope),
            })
        })?;
        Some(Value::Suite(Suite::Benchmarks(Rc::new(groups))))
    }

    /// Scores and perplexities have no mean together.
    fn alike(
        &self,
        given: &Given<'_>,
        groups: &[(String, Vec<Rc<Benchmark>>)],
        overall: Overall,
    ) -> Option<()> {
        let mixed = |members: &[&Rc<Benchmark>]| {
            let first = members.first().map(|first| first.metric());
            members.iter().any(|one| Some(one.metric()) != first)
        };
        for ((name, members), block) in groups.iter().zip(&given.fields.blocks) {
            if mixed(&members.iter().collect::<Vec<_>>()) {
                let message = format!("the group `{name}` mixes scores with perplexities");
                self.report(
                    Problem::error(Code("V0407"), block.name.span, message)
                        .help("put them into two groups"),
                );
                return None;
            }
        }
        let all: Vec<&Rc<Benchmark>> = groups.iter().flat_map(|group| &group.1).collect();
        if overall != Overall::None && mixed(&all) {
            let message = "scores and perplexities make no overall score";
            self.report(
                Problem::error(Code("V0407"), given.name, message).help("add `overall: none`"),
            );
            return None;
        }
        Some(())
    }
}
