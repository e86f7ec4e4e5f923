//! Published benchmarks: read from the files that their publishers give out, and asked as those ask them.

mod cells;
mod existence;
mod language;
mod parquet;
mod pictures;
mod rows;
mod texts;
mod visual;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::intake::Intake;
use crate::error::DataError;

/// A published benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    name: &'static str,
    layout: Layout,
}

/// How the files of a benchmark are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// A table of VLMEvalKit.
    Visual(visual::Reads),
    /// The part of MLE-Bench of this `sub_task`.
    Existence(&'static str),
    /// Questions in words alone.
    Language(language::Set),
    /// Texts whose perplexity is measured.
    Texts(texts::Set),
}

const fn visual(name: &'static str, asks: visual::Asks) -> Published {
    visual_part(name, asks, None)
}

const fn visual_part(
    name: &'static str,
    asks: visual::Asks,
    part: Option<(&'static str, &'static str)>,
) -> Published {
    let layout = Layout::Visual(visual::Reads { asks, part });
    Published { name, layout }
}

const fn existence(name: &'static str, sub_task: &'static str) -> Published {
    let layout = Layout::Existence(sub_task);
    Published { name, layout }
}

const fn language(name: &'static str, set: language::Set) -> Published {
    let layout = Layout::Language(set);
    Published { name, layout }
}

const fn texts(name: &'static str, set: texts::Set) -> Published {
    let layout = Layout::Texts(set);
    Published { name, layout }
}

/// All that are known.
const ALL: [Published; 29] = {
    use language::Set::{Arc, BoolQ, Copa, HellaSwag, OpenBookQa, Piqa, SciQ, WinoGrande};
    use texts::Set::{Lambada, WikiText};
    use visual::Asks::{Maths, Options, OptionsOrOther, Words, YesNo};
    [
        visual("gqa", Words),
        visual("mme", YesNo),
        visual("mmbench", Options),
        visual("seed_bench", Options),
        visual("scienceqa", Options),
        visual_part("mmmu", OptionsOrOther, Some(("split", "validation"))),
        visual("ai2d", Options),
        visual("mathvista", Maths),
        visual("textvqa", Words),
        visual("chartqa", Words),
        visual("ocrbench", Words),
        visual("realworldqa", Options),
        visual("blink", Options),
        visual_part("cv_ade", Options, Some(("source", "ADE20K"))),
        visual_part("cv_coco", Options, Some(("source", "COCO"))),
        visual("cv_omni3d", Options),
        existence("mle_small", "existence_0-30"),
        existence("mle_medium", "existence_30-60"),
        existence("mle_large", "existence_60-100"),
        texts("wikitext", WikiText),
        texts("lambada", Lambada),
        language("piqa", Piqa),
        language("hellaswag", HellaSwag),
        language("winogrande", WinoGrande),
        language("arc", Arc),
        language("copa", Copa),
        language("sciq", SciQ),
        language("openbookqa", OpenBookQa),
        language("boolq", BoolQ),
    ]
};

impl Published {
    /// Visits the items of a benchmark in its files, which are all of one release.
    pub(super) fn visit(
        self,
        files: &[PathBuf],
        intake: &mut Intake<'_, '_>,
    ) -> Result<(), DataError> {
        match self.layout {
            Layout::Visual(reads) => visual::visit(reads, files, intake),
            Layout::Existence(sub_task) => existence::visit(sub_task, files, intake),
            Layout::Language(set) => language::visit(set, files, intake),
            Layout::Texts(set) => texts::visit(set, files, intake),
        }
    }
}

impl fmt::Display for Published {
    /// Its word, such as `gqa`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A word that no published benchmark is known by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no published benchmark is known as `{0}`")]
pub struct ParsePublishedError(String);

impl FromStr for Published {
    type Err = ParsePublishedError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = ALL.into_iter().find(|known| known.name == word);
        known.ok_or_else(|| ParsePublishedError(word.to_owned()))
    }
}
