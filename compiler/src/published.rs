//! Published benchmarks: which files of which release they are read from, and who gives those out.

/// A published benchmark.
#[derive(Debug)]
pub(crate) struct Published {
    /// Its word.
    pub(crate) name: &'static str,
    /// What it is, in words.
    pub(crate) what: &'static str,
    /// The folder of its files, below that of all benchmarks.
    pub(crate) folder: &'static str,
    /// Its releases, the usual one first.
    pub(crate) releases: &'static [Release],
}

/// Files that belong together.
#[derive(Debug)]
pub(crate) struct Release {
    /// Their names, in the order in which they are read; folders end in `/`.
    pub(crate) files: &'static [&'static str],
    /// Where they are published.
    pub(crate) from: &'static str,
}

const fn release(files: &'static [&'static str], from: &'static str) -> Release {
    Release { files, from }
}

const fn set(
    name: &'static str,
    what: &'static str,
    folder: &'static str,
    releases: &'static [Release],
) -> Published {
    Published {
        name,
        what,
        folder,
        releases,
    }
}

/// A table of VLMEvalKit, under the address that its source names.
macro_rules! table {
    ($file:literal) => {
        &[release(
            &[$file],
            concat!("https://opencompass.openxlab.space/utils/VLMEval/", $file),
        )]
    };
}

const MLE: &[Release] = &[
    release(
        &["metadata.jsonl", "images/"],
        "Hugging Face, JunlinHan/Multi-Level_Existence_Bench",
    ),
    release(
        &["train-00000-of-00001.parquet"],
        "Hugging Face, JunlinHan/Multi-Level_Existence_Bench",
    ),
    release(
        &["0000.parquet"],
        "Hugging Face, JunlinHan/Multi-Level_Existence_Bench, its branch `refs/convert/parquet`",
    ),
];

const VALIDATION: &[&str] = &["validation-00000-of-00001.parquet"];
const TEST: &[&str] = &["test-00000-of-00001.parquet"];

/// All that are known.
pub(crate) const PUBLISHED: &[Published] = &[
    set(
        "gqa",
        "GQA testdev-balanced",
        "gqa",
        table!("GQA_TestDev_Balanced.tsv"),
    ),
    set("mme", "MME", "mme", table!("MME.tsv")),
    set(
        "mmbench",
        "MMBench-EN dev",
        "mmbench",
        table!("MMBench_DEV_EN.tsv"),
    ),
    set(
        "seed_bench",
        "SEED-Bench, image part",
        "seed_bench",
        table!("SEEDBench_IMG.tsv"),
    ),
    set(
        "scienceqa",
        "ScienceQA-IMG test",
        "scienceqa",
        table!("ScienceQA_TEST.tsv"),
    ),
    set(
        "mmmu",
        "MMMU validation",
        "mmmu",
        table!("MMMU_DEV_VAL.tsv"),
    ),
    set("ai2d", "AI2D test", "ai2d", table!("AI2D_TEST.tsv")),
    set(
        "mathvista",
        "MathVista testmini",
        "mathvista",
        table!("MathVista_MINI.tsv"),
    ),
    set(
        "textvqa",
        "TextVQA validation",
        "textvqa",
        table!("TextVQA_VAL.tsv"),
    ),
    set(
        "chartqa",
        "ChartQA test",
        "chartqa",
        table!("ChartQA_TEST.tsv"),
    ),
    set("ocrbench", "OCRBench", "ocrbench", table!("OCRBench.tsv")),
    set(
        "realworldqa",
        "RealWorldQA",
        "realworldqa",
        table!("RealWorldQA.tsv"),
    ),
    set("blink", "BLINK validation", "blink", table!("BLINK.tsv")),
    set(
        "cv_ade",
        "CV-Bench 2D, ADE20K",
        "cv_bench",
        table!("CV-Bench-2D.tsv"),
    ),
    set(
        "cv_coco",
        "CV-Bench 2D, COCO",
        "cv_bench",
        table!("CV-Bench-2D.tsv"),
    ),
    set(
        "cv_omni3d",
        "CV-Bench 3D, Omni3D",
        "cv_bench",
        table!("CV-Bench-3D.tsv"),
    ),
    set("mle_small", "MLE-Bench existence_0-30", "mle_bench", MLE),
    set("mle_medium", "MLE-Bench existence_30-60", "mle_bench", MLE),
    set("mle_large", "MLE-Bench existence_60-100", "mle_bench", MLE),
    set(
        "wikitext",
        "WikiText-103 test",
        "wikitext",
        &[
            release(
                TEST,
                "Hugging Face, Salesforce/wikitext, `wikitext-103-raw-v1`",
            ),
            release(&["wiki.test.raw"], "`wikitext-103-raw-v1.zip`"),
            release(&["wiki.test.tokens"], "`wikitext-103-v1.zip`"),
        ],
    ),
    set(
        "lambada",
        "LAMBADA test",
        "lambada",
        &[
            release(
                &["lambada_test.jsonl"],
                "Hugging Face, EleutherAI/lambada_openai",
            ),
            release(
                &["lambada_test_plain_text.txt"],
                "https://zenodo.org/records/2630551",
            ),
            release(TEST, "Hugging Face, EleutherAI/lambada_openai, `default`"),
        ],
    ),
    set(
        "piqa",
        "PIQA validation",
        "piqa",
        &[
            release(
                &["valid.jsonl", "valid-labels.lst"],
                "https://yonatanbisk.com/piqa/data/",
            ),
            release(VALIDATION, "Hugging Face, baber/piqa"),
        ],
    ),
    set(
        "hellaswag",
        "HellaSwag validation",
        "hellaswag",
        &[
            release(
                &["hellaswag_val.jsonl"],
                "https://github.com/rowanz/hellaswag/tree/master/data",
            ),
            release(VALIDATION, "Hugging Face, Rowan/hellaswag"),
        ],
    ),
    set(
        "winogrande",
        "WinoGrande validation",
        "winogrande",
        &[
            release(
                &["dev.jsonl"],
                "https://winogrande.allenai.org, `winogrande_1.1.zip`",
            ),
            release(
                VALIDATION,
                "Hugging Face, allenai/winogrande, `winogrande_xl`",
            ),
        ],
    ),
    set(
        "arc",
        "ARC test, easy and challenge",
        "arc",
        &[
            release(
                &["ARC-Easy-Test.jsonl", "ARC-Challenge-Test.jsonl"],
                "https://allenai.org/data/arc, `ARC-V1-Feb2018.zip`",
            ),
            release(
                &[
                    "ARC-Easy/test-00000-of-00001.parquet",
                    "ARC-Challenge/test-00000-of-00001.parquet",
                ],
                "Hugging Face, allenai/ai2_arc",
            ),
        ],
    ),
    set(
        "copa",
        "COPA validation",
        "copa",
        &[
            release(
                &["val.jsonl"],
                "https://dl.fbaipublicfiles.com/glue/superglue/data/v2/COPA.zip",
            ),
            release(VALIDATION, "Hugging Face, aps/super_glue, `copa`"),
        ],
    ),
    set(
        "sciq",
        "SciQ test",
        "sciq",
        &[
            release(&["test.json"], "https://allenai.org/data/sciq, `SciQ.zip`"),
            release(TEST, "Hugging Face, allenai/sciq"),
        ],
    ),
    set(
        "openbookqa",
        "OpenBookQA test",
        "openbookqa",
        &[
            release(
                &["test.jsonl"],
                "https://allenai.org/data/open-book-qa, `OpenBookQA-V1-Sep2018.zip`",
            ),
            release(TEST, "Hugging Face, allenai/openbookqa, `main`"),
        ],
    ),
    set(
        "boolq",
        "BoolQ validation",
        "boolq",
        &[
            release(
                &["val.jsonl"],
                "https://dl.fbaipublicfiles.com/glue/superglue/data/v2/BoolQ.zip",
            ),
            release(
                &["dev.jsonl"],
                "https://github.com/google-research-datasets/boolean-questions",
            ),
            release(VALIDATION, "Hugging Face, google/boolq"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{FUNCTIONS, Type};

    #[test]
    fn the_words_of_the_function_are_those_of_the_table() {
        let function = FUNCTIONS
            .iter()
            .find(|function| function.name == "published");
        let first = function.and_then(|function| function.parameters.first());
        let Some(Type::Word(words)) = first.map(|parameter| parameter.kind) else {
            panic!("`published` takes a word");
        };
        let names: Vec<&str> = PUBLISHED.iter().map(|set| set.name).collect();
        assert_eq!(words, names);
    }
}
