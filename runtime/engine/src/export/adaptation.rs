//! The stages of a model's adaptation, as a card tells them.

use serde_json::Value;
use vpc_store::Manifest;

use super::card::{cell, grouped};
use crate::lineage::name;

/// What heads the columns of [`row`].
pub(super) const COLUMNS: [&str; 6] = [
    "stage",
    "trained",
    "items",
    "steps",
    "learning rate",
    "pictures",
];

/// One stage: its name, what it trained, items seen, steps, rate, visual tokens.
pub(super) fn row(stage: &Manifest) -> [String; 6] {
    let spec = &stage.spec;
    let count = |field: &str| spec[field].as_u64().map_or("?".to_owned(), grouped);
    [
        cell(name(stage)),
        trained(&spec["train"]),
        count("items"),
        count("steps"),
        cell(spec["rate"].as_str().unwrap_or_default()),
        pictures(&spec["sight"]),
    ]
}

fn trained(modules: &Value) -> String {
    let named = ["encoder", "projector", "model"];
    let named = named.into_iter().filter(|part| modules[part] == true);
    let all: Vec<&str> = named.collect();
    all.join(", ")
}

fn pictures(sight: &Value) -> String {
    match sight["visual_tokens"].as_u64() {
        Some(tokens) => format!("{tokens} visual tokens each"),
        None => "withheld".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_stage_trained_and_saw() {
        let modules = json!({ "encoder": false, "projector": true, "model": true });
        assert_eq!(trained(&modules), "projector, model");
        assert_eq!(pictures(&Value::Null), "withheld");
        let sight = json!({ "visual_tokens": 36 });
        assert_eq!(pictures(&sight), "36 visual tokens each");
    }
}
