//! The main job on real text: plays, school maths and code, in three recipes.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Folder, listing, manifest, object, say, skip};

const FILES: [&str; 3] = [
    "tinyshakespeare.txt",
    "gsm8k_train.jsonl",
    "humaneval.jsonl.gz",
];

/// Category, and the recipe that leans on it.
const CATEGORIES: [(&str, &str); 3] = [
    ("plays", "more_plays"),
    ("math", "more_math"),
    ("code", "more_code"),
];

/// How far every model must be below a byte unigram, in bits per byte. Measured: 2.3 and more.
const MARGIN: f64 = 2.0;

/// Seeds of the study.
const SEEDS: usize = 2;

/// The folder with the data, where this machine has it.
fn data() -> Option<PathBuf> {
    let told = std::env::var_os("VPC_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/text");
    [told, Some(beside)]
        .into_iter()
        .flatten()
        .find(|folder| FILES.iter().all(|file| folder.join(file).is_file()))
}

/// Bits per byte by recipe and category, one for each seed.
fn bits(csv: &str) -> BTreeMap<(String, String), Vec<f64>> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heading = lines.next().unwrap();
    let at = |name| heading.iter().position(|column| *column == name).unwrap();
    let (recipe, item, metric, value) = (at("recipe"), at("item"), at("metric"), at("value"));
    let mut found: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for line in lines.filter(|line| line[metric] == "bits_per_byte") {
        let place = (line[recipe].to_owned(), line[item].to_owned());
        found
            .entry(place)
            .or_default()
            .push(line[value].parse().unwrap());
    }
    found
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Sum of squared distances from the mean.
fn scatter(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// Standard deviation between seeds, pooled over two recipes.
fn pooled(one: &[f64], two: &[f64]) -> f64 {
    let freedom = (one.len() + two.len() - 2) as f64;
    ((scatter(one) + scatter(two)) / freedom).sqrt()
}

#[test]
fn each_recipe_is_best_at_what_it_leans_on() {
    let Some(data) = data() else {
        return skip("real text", "the data is not on this machine");
    };
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/your_own_data.vp");
    let folder = Folder::with(&[("own.vp", &fs::read_to_string(study).unwrap())]);
    for file in FILES {
        folder.write(&format!("data/{file}"), fs::read(data.join(file)).unwrap());
    }
    let run = folder.vpc("run own.vp").ends(0);
    say(&run.stdout);
    say(run
        .stderr
        .lines()
        .rfind(|line| line.contains(" jobs done"))
        .unwrap());

    let found = bits(&folder.read(".vp/results/own/results.csv"));
    for (category, favourite) in CATEGORIES {
        let of = |recipe: &str| &found[&(recipe.to_owned(), category.to_owned())];
        let best = of(favourite);
        for (_, other) in CATEGORIES {
            let (one, two) = (best, of(other));
            assert_eq!(two.len(), SEEDS);
            let holds = mean(one) <= mean(two) + 2.0 * pooled(one, two);
            assert!(
                holds,
                "{favourite} has {one:?} on {category}, {other} has {two:?}"
            );
        }
        let baseline = unigram(&folder, category);
        let worst = CATEGORIES
            .iter()
            .flat_map(|(_, recipe)| of(recipe))
            .fold(0.0_f64, |worst, &value| worst.max(value));
        say(&format!(
            "{category}: worst model {worst:.3} bits per byte, byte unigram {baseline:.3}"
        ));
        assert!(worst <= baseline - MARGIN, "{category}");
    }

    // What data files hold is remembered once they have lain untouched for some seconds.
    folder.vpc("run own.vp").ends(0);
    let before = listing(folder.path());
    let again = folder.vpc("run own.vp").ends(0);
    assert_eq!(again.stdout, run.stdout);
    assert_eq!(again.named("start"), [""; 0]);
    assert_eq!(listing(folder.path()), before);
}

/// Bits per byte of a category's held-out text under a unigram model of its own training text.
fn unigram(folder: &Folder, category: &str) -> f64 {
    let store = folder.join(".vp");
    let (_, manifest) = manifest(&store, &format!("corpus/{category}")).unwrap();
    let file = |name| fs::read(object(&store, &manifest, name)).unwrap();
    vpc_data::unigram_byte_bits(&file("train.docs"), &file("held.docs")).unwrap()
}
