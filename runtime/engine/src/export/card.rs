//! The model card: what the store knows of a model, for whoever finds the folder.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;
use vpc_compiler::plan::Key;
use vpc_store::{Manifest, Store, StoreError};
use vpc_train::ModelConfig;

use super::adaptation::{COLUMNS, row};
use super::usage::Use;
use crate::lineage::{Lineage, inputs, name};

/// What a card says, in words ready to be written.
pub(super) struct Card {
    title: String,
    facts: Vec<(&'static str, String)>,
    data: Vec<[String; 3]>,
    stages: Vec<[String; 6]>,
    held_out: Vec<[String; 3]>,
    adopted: Option<String>,
    end: String,
}

impl Card {
    pub(super) fn of(
        store: &Store,
        job: &Manifest,
        lineage: &Lineage<'_>,
        config: &ModelConfig,
        end: &str,
    ) -> Result<Self, StoreError> {
        let run = lineage.run();
        let categories = categories(store, run)?;
        let adopted = &job.made["adopted"];
        let note = adopted["note"].as_str().unwrap_or("it is not said where");
        Ok(Self {
            title: name(job).to_owned(),
            facts: facts(store, job, run, config)?,
            data: data(run, &categories),
            stages: lineage.stages().map(row).collect(),
            held_out: held_out(store, job.key, &categories)?,
            adopted: adopted.is_object().then(|| note.to_owned()),
            end: end.to_owned(),
        })
    }

    pub(super) fn text(&self, usage: &Use<'_>) -> String {
        let mut text = format!(
            "---\nlibrary_name: transformers\npipeline_tag: {}\ntags:\n- vpc\n---\n\n",
            usage.pipeline()
        );
        let mut say = |line: String| _ = writeln!(text, "{line}");
        say(format!("# {}\n", code(&self.title)));
        let what = usage.what();
        match &self.adopted {
            None => say(format!(
                "{what}, trained by `vpc` as one arm of a controlled study of pre-training. It is made to be \
                 compared, not to be used.\n"
            )),
            Some(note) => say(format!(
                "{what} that was trained elsewhere ({}) and adopted by a `vpc` study; \
                 what is said of its training is what the study asks for.\n",
                code(note)
            )),
        }
        say("| | |\n|---|---|".to_owned());
        for (what, value) in &self.facts {
            say(format!("| {what} | {value} |"));
        }
        if !self.data.is_empty() {
            say("\n## Data\n\n| category | share | tokens in one pass |\n|---|---|---|".to_owned());
            self.data
                .iter()
                .for_each(|row| say(format!("| {} |", row.join(" | "))));
        }
        if !self.stages.is_empty() {
            let line = "|---".repeat(COLUMNS.len());
            say(format!(
                "\n## Adaptation\n\n| {} |\n{line}|",
                COLUMNS.join(" | ")
            ));
            self.stages
                .iter()
                .for_each(|row| say(format!("| {} |", row.join(" | "))));
        }
        if !self.held_out.is_empty() {
            say(
                "\n## Held-out text\n\n| category | bits per byte | nats per token |\n|---|---|---|"
                    .to_owned(),
            );
            self.held_out
                .iter()
                .for_each(|row| say(format!("| {} |", row.join(" | "))));
        }
        say(format!("\n## Use\n\n{}", usage.text(&self.end)));
        text
    }
}

fn facts(
    store: &Store,
    job: &Manifest,
    run: &Manifest,
    config: &ModelConfig,
) -> Result<Vec<(&'static str, String)>, StoreError> {
    let mut facts = Vec::new();
    for study in store.studies()? {
        if study.jobs.iter().any(|one| one.key == job.key) {
            facts.push((
                "study",
                format!("{}, {}", cell(&study.name), cell(&study.file)),
            ));
        }
    }
    facts.push(("job", cell(&job.labels.join(", "))));
    facts.push(("key", cell(&job.key.to_string())));
    let spec = &run.spec;
    if let Some(step) = job.spec["step"].as_u64() {
        let run = cell(name(run));
        facts.push(("checkpoint", format!("after step {step} of {run}")));
    }
    facts.push((
        "shape",
        format!(
            "{} parameters: {} layers, width {}, {} heads on {}, MLP {}, context {}, vocabulary {}",
            grouped(config.parameters()),
            config.layers,
            config.width,
            config.heads,
            config.kv_heads,
            config.hidden,
            config.context,
            config.vocabulary
        ),
    ));
    if let (Some(tokens), Some(steps), Some(batch)) = (
        spec["tokens"].as_u64(),
        spec["steps"].as_u64(),
        spec["batch"].as_u64(),
    ) {
        let words = format!("{}: {steps} steps of {batch} sequences", grouped(tokens));
        facts.push(("tokens of the whole run", words));
    }
    if let Some(seed) = spec["seed"].as_u64() {
        facts.push(("seed", seed.to_string()));
    }
    let rate = spec["rate"].as_str().unwrap_or_default();
    let shape = spec["schedule"]["shape"].as_str().unwrap_or_default();
    facts.push((
        "learning rate",
        format!("{} at most, {}", cell(rate), cell(shape)),
    ));
    if let Some(build) = job.made["build"].as_str() {
        facts.push(("made by", cell(build)));
    }
    Ok(facts)
}

/// What is called what: the categories of a run's token files, and how many tokens each has.
struct Category {
    name: String,
    tokens: Option<u64>,
}

fn categories(store: &Store, run: &Manifest) -> Result<BTreeMap<Key, Category>, StoreError> {
    let mut categories = BTreeMap::new();
    for key in inputs(run, "tokens") {
        categories.insert(key, category(store, key)?);
    }
    Ok(categories)
}

fn category(store: &Store, tokens: Key) -> Result<Category, StoreError> {
    let found = store.look_back(tokens)?;
    let label = found.as_ref().map_or("", name);
    // `tokens/code@bpe`
    let label = label.strip_prefix("tokens/").unwrap_or(label);
    let label = label.split('@').next().unwrap_or(label);
    Ok(Category {
        name: match label {
            "" => tokens.short(),
            label => label.to_owned(),
        },
        tokens: found.and_then(|found| found.metrics["train"]["tokens"].as_u64()),
    })
}

/// Share and supply of each category, in the order of the run's inputs.
fn data(run: &Manifest, categories: &BTreeMap<Key, Category>) -> Vec<[String; 3]> {
    let shares = run.spec["shares"].as_array().into_iter().flatten();
    let rows = inputs(run, "tokens").zip(shares);
    rows.filter_map(|(key, share)| {
        let category = categories.get(&key)?;
        let tokens = category.tokens.map_or("?".to_owned(), grouped);
        let share = share.as_str().unwrap_or_default();
        Some([cell(&category.name), cell(share), tokens])
    })
    .collect()
}

/// What evaluations of this very model found, by category.
fn held_out(
    store: &Store,
    model: Key,
    categories: &BTreeMap<Key, Category>,
) -> Result<Vec<[String; 3]>, StoreError> {
    let mut rows = BTreeMap::new();
    for found in store.manifests()? {
        let found = found?;
        if found.kind != "eval" || !inputs(&found, "model").any(|key| key == model) {
            continue;
        }
        let sums = found.metrics["held_out"].as_array().into_iter().flatten();
        for (key, sums) in inputs(&found, "tokens").zip(sums) {
            let name = match categories.get(&key) {
                Some(category) => category.name.clone(),
                None => category(store, key)?.name,
            };
            if let Some(row) = measured(&name, sums) {
                rows.insert(name, row);
            }
        }
    }
    Ok(rows.into_values().collect())
}

fn measured(name: &str, sums: &Value) -> Option<[String; 3]> {
    let number = |field: &str| sums[field].as_f64().filter(|number| *number > 0.0);
    let (nats, bytes, tokens) = (number("nats")?, number("bytes")?, number("tokens")?);
    let bits = nats / std::f64::consts::LN_2 / bytes;
    Some([
        cell(name),
        format!("{bits:.4}"),
        format!("{:.4}", nats / tokens),
    ])
}

/// A text as code: nothing in it is Markdown.
pub(super) fn code(text: &str) -> String {
    let plain = text.chars().map(|c| match c {
        '`' => '\'',
        c if c.is_control() => ' ',
        c => c,
    });
    format!("`{}`", plain.collect::<String>())
}

/// The same in a table, where a bar would end the cell even in code.
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markdown() {
        assert_eq!(code("a|b`c\n# d"), "`a|b'c # d`");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }
}
