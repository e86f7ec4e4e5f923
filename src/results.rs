//! The results of a run: tables on the screen, files in the store.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use vpc_compiler::plan::{Cell, Experiment, Key, Plan, Report};
use vpc_engine::survey;
use vpc_report::{
    Coverage, Numbers, draw, draw_ranking, fill, gather, rank, rankings, tables, to_csv, to_json,
};
use vpc_store::{ErrorKind, Manifest, Store, StoreError};

use crate::devices;
use crate::output::{counted, say, tell};

/// The longest name of a folder of results, in bytes; that of a file in it follows.
const LONGEST_FOLDER: usize = 150;

/// What was run, and the study it is of.
#[derive(Clone, Copy)]
pub(crate) struct Extent<'p> {
    /// The study.
    pub(crate) whole: &'p Plan,
    /// The selected part of it, or all.
    pub(crate) plan: &'p Plan,
}

impl Extent<'_> {
    /// Whether something of the study is left out.
    pub(crate) fn is_part(self) -> bool {
        self.plan != self.whole
    }

    /// How much there is of the runs that a part of a report shows.
    fn covers(self, experiments: &[&Experiment], over: &[String], cells: &[Cell]) -> Coverage {
        let ([part], []) = (experiments, over) else {
            // What goes across experiments stays only where nothing of it is left out.
            return Coverage::default();
        };
        let mut wholes = self.whole.experiments.iter();
        let whole = wholes.find(|whole| whole.name == part.name);
        Coverage::of(cells, part, whole.unwrap_or(part))
    }
}

/// Shows and files what an earlier run finished; filing may fail where the disk is read-only.
pub(crate) fn again(extent: Extent<'_>, store: &Store, folder: &Path) -> Result<(), StoreError> {
    if !extent.is_part() && !are_filed(extent.plan, store)? {
        match file(extent, folder) {
            Err(error) if error.kind() == ErrorKind::Environment => {
                tell(format_args!("warning: the results are not filed: {error}"));
            }
            filed => filed?,
        }
    }
    show(extent, store)
}

/// Shows and files what was finished now.
pub(crate) fn present(extent: Extent<'_>, store: &Store, folder: &Path) -> Result<(), StoreError> {
    // Filed first: whoever reads the table may close its end early.
    let filed = file(extent, folder);
    show(extent, store)?;
    filed
}

fn numbers(plan: &Plan, store: &Store) -> Result<Numbers, StoreError> {
    let survey = survey(plan, Some(store))?;
    let found: BTreeMap<Key, &Manifest> = plan
        .jobs
        .iter()
        .zip(&survey.manifests)
        .filter_map(|(job, manifest)| Some((job.key, manifest.as_deref()?)))
        .collect();
    let metrics = |key| found.get(&key).map(|manifest| manifest.metrics.clone());
    Ok(gather(plan, &metrics))
}

fn show(extent: Extent<'_>, store: &Store) -> Result<(), StoreError> {
    let numbers = numbers(extent.plan, store)?;
    for placed in tables(extent.plan) {
        let table = placed.table;
        let coverage = extent.covers(&placed.experiments, &table.over, &table.cells);
        let filled = fill(placed.table, &placed.experiments, &numbers);
        say(format_args!(
            "\n{}/{}",
            placed.place,
            draw(&filled, &coverage)
        ));
    }
    for placed in rankings(extent.plan) {
        let ranking = placed.ranking;
        let coverage = extent.covers(&placed.experiments, &ranking.over, &ranking.of);
        let ranked = rank(ranking, &placed.experiments, &numbers);
        say(format_args!(
            "\n{}/{}",
            placed.place,
            draw_ranking(&ranked, &coverage)
        ));
    }
    devices::warn(extent.plan, store)?;
    if let Some(left) = not_worked_out(extent.plan) {
        tell(format_args!("not worked out by this version yet: {left}"));
    }
    Ok(())
}

/// What stands in a study and is not drawn or judged yet.
fn not_worked_out(plan: &Plan) -> Option<String> {
    let claims = plan
        .experiments
        .iter()
        .map(|one| one.hypotheses.len())
        .sum();
    let own = plan.experiments.iter().flat_map(|one| &one.reports);
    let reports: Vec<&Report> = own.chain(&plan.reports).collect();
    let all = |count: fn(&Report) -> usize| reports.iter().map(|report| count(report)).sum();
    let counts: [(usize, &str); 4] = [
        (claims, "hypothesis"),
        (all(|report| report.plots.len()), "plot"),
        (all(|report| report.trends.len()), "trend"),
        (all(|report| report.correlations.len()), "correlation"),
    ];
    let there = counts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = there
        .map(|(count, what)| match (*count, *what) {
            (many @ 2.., "hypothesis") => format!("{many} hypotheses"),
            (count, what) => counted(count, what),
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The files of the results below `results/`, with their content.
fn files(plan: &Plan, store: &Store) -> Result<[(PathBuf, Vec<u8>); 2], StoreError> {
    let numbers = numbers(plan, store)?;
    let folder = PathBuf::from(folder_of(&plan.study));
    let csv =
        to_csv(plan, &numbers).map_err(|error| StoreError::of_write(io::Error::other(error)))?;
    let json =
        to_json(plan, &numbers).map_err(|error| StoreError::of_write(io::Error::other(error)))?;
    Ok([
        (folder.join("results.csv"), csv),
        (folder.join("results.json"), json),
    ])
}

/// The folder of a study's results. What a store has no place for is written as `=20`, and of a
/// very long name the end as its digest.
fn folder_of(study: &str) -> String {
    let plain = |at: usize, byte: u8| {
        byte.is_ascii_alphanumeric() || b"_-+@,".contains(&byte) || (byte == b'.' && at > 0)
    };
    let bytes = study.bytes().enumerate();
    let folder: String = bytes
        .map(|(at, byte)| {
            if plain(at, byte) {
                char::from(byte).to_string()
            } else {
                format!("={byte:02X}")
            }
        })
        .collect();
    if folder.len() <= LONGEST_FOLDER {
        return folder;
    }
    let digest = blake3::hash(study.as_bytes()).to_hex();
    format!("{}=={digest:.16}", &folder[..LONGEST_FOLDER - 18])
}

/// Whether the results lie in the store as they are now; a run may have ended just before it
/// filed them, or the study's reports have changed.
fn are_filed(plan: &Plan, store: &Store) -> Result<bool, StoreError> {
    let folder = store.root().join("results");
    Ok(files(plan, store)?
        .iter()
        .all(|(below, bytes)| fs::read(folder.join(below)).is_ok_and(|filed| filed == *bytes)))
}

/// Files `results.csv` and `results.json` in the store.
///
/// They are always those of the whole study: a part files nothing, and says so.
fn file(extent: Extent<'_>, folder: &Path) -> Result<(), StoreError> {
    if extent.is_part() {
        tell(
            "results: not filed, since this is a part of the study; a run without `--only` files them",
        );
        return Ok(());
    }
    let store = Store::open(folder)?;
    let files = files(extent.plan, &store)?;
    let paths = files
        .iter()
        .map(|(below, bytes)| store.write_result(below, bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    tell(format_args!("results: {}", paths.join("\n         ")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_of_a_study_names_a_folder() {
        for (study, folder) in [
            ("code_dose-2.1", "code_dose-2.1"),
            ("a b", "a=20b"),
            ("a=20b", "a=3D20b"),
            (".hidden", "=2Ehidden"),
            ("x\ny", "x=0Ay"),
            ("", ""),
            ("é", "=C3=A9"),
        ] {
            assert_eq!(folder_of(study), folder);
        }
        let long = |end: &str| folder_of(&format!("{}{end}", "é".repeat(120)));
        assert_eq!(long("a").len(), LONGEST_FOLDER);
        assert_ne!(long("a"), long("b"));
    }
}
