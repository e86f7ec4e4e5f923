//! Trainings that lose their way end with a message, and keep what was good of them.

mod common;

use common::{Folder, computed, manifests};

/// Two runs, the first of which may be driven too fast.
fn study(rest: &str) -> String {
    format!(
        "category code {{ source: world(code, size: 96 KiB) }}\n\
         mixture m {{ code: 100% }}\n\
         tokenizer bpe {{ vocabulary: 300, data: m, sample: 32 KiB }}\n\
         scale tiny {{ layers: 2, width: 32, heads: 2, context: 32, batch: 4, rate: 0.003 }}\n\
         experiment e {{\n\
         \x20 pretrain wild {{ model: tiny, data: m, tokenizer: bpe, tokens: 38_400, {rest} }}\n\
         \x20 pretrain calm {{ model: tiny, data: m, tokenizer: bpe, tokens: 3840, seed: 1 }}\n\
         \x20 eval fit {{ from: wild, suite: held_out([code]) }}\n\
         \x20 eval calmly {{ from: calm, suite: held_out([code]) }}\n\
         }}\n"
    )
}

fn fails_as(text: &str, what: &str, kept: &str) -> Folder {
    let folder = Folder::with(&[("s.vp", text)]);
    let run = folder.vpc("run s.vp --checkpoint-every 0").ends(1);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains(what), "{said}");
    assert!(said.contains(kept), "{said}");
    assert!(said.contains("A lower `rate`"), "{said}");
    // What does not need it is done, and what was filed is sound.
    assert_eq!(
        run.named("done")
            .iter()
            .filter(|name| name.contains("calm"))
            .count(),
        2,
        "{said}"
    );
    folder.vpc("store verify").ends(0);
    folder
}

#[test]
fn what_is_no_number_ends_the_run() {
    let text = study(
        "rate: 10_000_000_000_000_000_000, clip: 0, schedule: constant(warmup: 0 steps), keep: [128]",
    );
    let folder = fails_as(&text, "training diverged at step ", "stays in the store");
    // It fails the same way again, from its checkpoint, and at once.
    let again = folder.vpc("run s.vp").ends(1);
    let said = format!("{}{}", again.stdout, again.stderr);
    assert!(said.contains("training diverged at step "), "{said}");
    // Set right, it comes to its end.
    folder.write("s.vp", study("rate: 0.003"));
    folder.vpc("run s.vp").ends(0);
}

#[test]
fn an_explosion_ends_the_run_and_keeps_the_last_good_checkpoint() {
    let text = study("rate: 8, clip: 0, schedule: constant(warmup: 0 steps), keep: [128]");
    let folder = fails_as(
        &text,
        "training exploded: the loss has been above 11.41 for 100 steps",
        "the checkpoint after step 1 stays in the store",
    );
    let finished = manifests(&folder.join(".vp"));
    let trainings = finished
        .values()
        .filter(|(_, manifest)| manifest["kind"] == "pretrain");
    assert_eq!(trainings.count(), 1, "nothing of it counts as finished");
}

#[test]
fn memory_is_saved_without_a_silent_change_of_bits() {
    let folder = Folder::with(&[("s.vp", &study("seed: 4"))]);
    folder.vpc("run s.vp").ends(0);
    let expected = computed(&folder.join(".vp"), "s");
    // How activations are had is no part of what is computed: nothing is to do, and from scratch the
    // bits are the same.
    let recomputed = study("seed: 4, activations: recomputed");
    folder.write("s.vp", &recomputed);
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    let fresh = Folder::with(&[("s.vp", &recomputed)]);
    fresh.vpc("run s.vp").ends(0);
    assert_eq!(computed(&fresh.join(".vp"), "s"), expected);
    // A micro-batch is, and says so; one as large as the batch is none.
    folder.write("s.vp", study("seed: 4, micro_batch: 4"));
    let run = folder.vpc("run s.vp").ends(0);
    assert!(run.stderr.contains("nothing to do"), "{}", run.stderr);
    let micro = study("seed: 4, micro_batch: 3");
    folder.write("s.vp", &micro);
    let plan = folder.vpc("plan s.vp --json").ends(0).stdout;
    assert!(plan.contains("\"micro_batch\":3"), "{plan}");
    let why = folder.vpc("plan s.vp").ends(0);
    assert!(why.stdout.contains("micro_batch"), "{}", why.stdout);
    let mut bits = Vec::new();
    for threads in [1, 2, 3] {
        let fresh = Folder::with(&[("s.vp", &micro)]);
        fresh.vpc(&format!("run s.vp --threads {threads}")).ends(0);
        bits.push(computed(&fresh.join(".vp"), "s"));
    }
    assert!(bits.iter().all(|one| *one == bits[0]));
}
