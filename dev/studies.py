"""What `dev/bench_plan.py` measures with: one large study in three languages, and longer ones as people write them."""

from string import Template

SCALES = ["s340M", "s1B", "s3B", "s7B", "s13B"]
SEEDS = [1, 2]
SETUPS = ["narrow", "deep", "blind"]
EVALS = ["saw", "named"]

STUDY = Template("""\
# $jobs jobs as a build tool would count them.

use std.scales

category web   { source: planned("web"), supply: 500B }
category code  { source: planned("code"), supply: 100B }
category math  { source: planned("math"), supply: 50B }
category books { source: planned("books"), supply: 50B }

mixture plain { web: 70%, code: 10%, math: 0%, books: 20% }
mixture exact { web: 20%, code: 50%, math: 25%, books: 5% }

tokenizer bpe { vocabulary: 32_000, data: plain }

encoder eye {
  family:  clip
  layers:  12
  width:   768
  heads:   12
  patch:   16
  image:   224
  weights: planned("eye")
}

dataset pictures { source: planned("pictures"), items: 1M }

adaptation narrow {
  encoder: eye

  stage join { data: pictures, train: [projector], rate: 0.001 }
}

adaptation deep = narrow with { join.train: [projector, model] }
adaptation blind = narrow with { join.images: false }

benchmark seeing { data: planned("seeing"), items: 1000, format: choice }
benchmark naming { data: planned("naming"), items: 1000, format: short_answer }

suite sees  { group seen { benchmarks: [seeing] } }
suite names { group named { benchmarks: [naming] } }

experiment study {
  vary i:     0..$last
  vary scale: [$scales]
  vary seed:  1..2
  vary setup: [narrow, deep, blind]

  pretrain base {
    model:     scale
    data:      lerp(plain, exact, i / $mixtures)
    tokenizer: bpe
    tokens:    30B
    seed:      seed
  }
  adapt sight { from: base, setup: setup, seed: seed }
  eval saw   { from: sight, suite: sees }
  eval named { from: sight, suite: names }

  report summary {
    table scores { cells: [saw.overall, named.overall], rows: i, columns: [scale, setup] }
  }
}
""")

# A part of a study as people write them, 94 lines, in the layout of `vpc fmt`.
SECTION = Template("""\
# Part ${n}: how much of a style of text, beside how much of another?
#
# ASSUMED: the floor of 10%, and a decay of 0.1 for all sizes.

let recipe${n} = cosine(warmup: 1024 steps, floor: 10%)

category notes${n} "Notes of kind ${n}" {
  source:                planned("notes ${n}, at least 50B tokens")
  held_out:              2%
  supply:                50B
  labels.reasoning:      3.5%
  labels.visual_concept: 12.2%
}

mixture dose${n}(c: share, top: mixture = notes${n}) "A part of it at a given share" {
  top:  c
  mix0: rest
}

adaptation setup${n} "Controlled runs with other rates" = llava with {
  align.rate:    0.002
  instruct.rate: 0.00002
}

suite quick${n} "A few of them, by group" {
  overall: mean_of_groups

  group chosen { benchmarks: [gqa, mmbench] }
  group charts { benchmarks: [chartqa] }
}

experiment part${n}_models "Language models by dose and size" {
  vary c:     0..80% by 20%
  vary scale: [s340M, s1B, s3B]
  vary seed:  1..2
  where not (c == 80% and scale == s340M)

  pretrain base {
    model:        scale
    data:         if c == 0% then mix0 else dose${n}(c)
    tokenizer:    bpe_32k
    tokens:       30B
    schedule:     recipe${n}
    weight_decay: 0.1
    keep:         every 5B
    seed:         seed
  }

  check count(base) == 28
  check sum([x * 2 for x in 1..3 if x != 2]) == 8
}

experiment part${n} "Does a dose help to see?" = part${n}_models with {
  adapt vlm { from: base, setup: setup${n}, seed: seed }
  eval vqa   { from: vlm, suite: vqa16 }
  eval quick { from: vlm, suite: quick${n}, explain: true }

  # "Knowledge improves with both."
  hypothesis with_dose {
    measure: vqa.general
    along:   c
    within:  scale
    blocks:  seed
    expect:  increasing
    test:    page_trend(alpha: 1%, correct: holm)
  }
  hypothesis one_dose {
    measure: vqa.knowledge
    along:   c
    blocks:  [scale, seed]
    between: [0%, 60%]
    expect:  higher
    effect:  0.03
    test:    bootstrap(alpha: 5%)
  }

  report figure {
    plot overall { y: vqa.overall, x: c, colour: scale }
    plot abilities {
      y:      [vqa.general, vqa.knowledge, vqa.ocr_chart]
      x:      c
      colour: scale
      band:   ci(seed, 95%)
    }
    table scores "All of them" { cells: [vqa.overall, quick.overall], rows: c, columns: scale }
    trend by_dose {
      of:     [vqa.general, quick.charts]
      along:  c
      within: scale
    }
    ranking doses { of: [vqa.general, vqa.knowledge], rows: c, formula: z_sum }
  }
}
""")

USES = "".join(f"use std.{name}\n" for name in ("scales", "labels", "sources", "mixtures", "tokenizers", "adapt", "bench")) + "\n"

SNAKEFILE = Template("""\
MIXTURES = range($mixtures)
SCALES = $scales
SEEDS = $seeds
SETUPS = $setups
EVALS = $evals

rule report:
    input: expand("eval/{e}.{i}.{scale}.{seed}.{setup}", e=EVALS, i=MIXTURES, scale=SCALES, seed=SEEDS, setup=SETUPS)
    output: "report"
    shell: "touch {output}"

rule mixture:
    output: "mixture/{i}"
    shell: "touch {output}"

rule pretrain:
    input: "mixture/{i}"
    output: "base/{i}.{scale}.{seed}"
    shell: "touch {output}"

rule adapt:
    input: "base/{i}.{scale}.{seed}"
    output: "sight/{i}.{scale}.{seed}.{setup}"
    shell: "touch {output}"

rule eval:
    input: "sight/{i}.{scale}.{seed}.{setup}"
    output: "eval/{e}.{i}.{scale}.{seed}.{setup}"
    shell: "touch {output}"
""")


def jobs(k):
    """How many jobs a build tool counts."""
    return 10 * k * (1 + 10 * (1 + 3 * (1 + 2))) + 1


def write_study(path, k):
    with open(path, "w") as f:
        f.write(STUDY.substitute(jobs=jobs(k), last=10 * k - 1, mixtures=10 * k, scales=", ".join(SCALES)))


def write_snakefile(path, k):
    with open(path, "w") as f:
        f.write(SNAKEFILE.substitute(mixtures=10 * k, scales=SCALES, seeds=SEEDS, setups=SETUPS, evals=EVALS))


def write_ninja(path, k, grouped):
    """With `grouped`, the report needs one phony target for each mixture instead of every evaluation."""
    with open(path, "w") as f:
        f.write("rule run\n  command = touch $out\n\n")
        for i in range(10 * k):
            f.write(f"build mixture/{i}: run\n")
            for run in runs(i):
                f.write(f"build base/{run}: run mixture/{i}\n")
                for setup in SETUPS:
                    f.write(f"build sight/{run}.{setup}: run base/{run}\n")
                    for e in EVALS:
                        f.write(f"build eval/{e}.{run}.{setup}: run sight/{run}.{setup}\n")
            if grouped:
                f.write(f"build all/{i}: phony {evals(i)}\n")
        f.write("build report: run")
        for i in range(10 * k):
            f.write(f" all/{i}" if grouped else f" {evals(i)}")
        f.write("\n")


def runs(i):
    return [f"{i}.{scale}.{seed}" for scale in SCALES for seed in SEEDS]


def evals(i):
    return " ".join(f"eval/{e}.{run}.{setup}" for run in runs(i) for setup in SETUPS for e in EVALS)


def write_sections(path, enough):
    """Sections until `enough` says so of how many there are and how long the file is."""
    with open(path, "w") as f:
        length, n = f.write(USES), 0
        while not enough(n, length):
            n += 1
            length += f.write(SECTION.substitute(n=n) if n == 1 else "\n" + SECTION.substitute(n=n))
