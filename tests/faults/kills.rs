//! `kill -9` at random moments of whole runs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::common::{Chance, computed, named, nightly, say};
use crate::study::{quick_folder, reference};

/// Notes what a run said was done; nothing said to be done before may begin again.
fn note_done(messages: &str, done: &mut BTreeSet<String>) {
    for name in named(messages, "start  ") {
        assert!(!done.contains(&name), "{name} was done and begins again");
    }
    done.extend(named(messages, "done   "));
}

#[test]
fn killed_at_any_moment_the_bits_are_the_same() {
    let kills = if nightly() { 5_000 } else { 200 };
    let (_reference, expected) = reference();
    let quiet = quick_folder();
    let begun = Instant::now();
    quiet.vpc("run s.vp --checkpoint-every 0").ends(0);
    let whole = begun.elapsed();
    assert_eq!(computed(&quiet.join(".vp"), "s"), expected);

    let mut chance = Chance::new(1);
    let (mut killed, mut resumed, mut rounds) = (0, 0, 0);
    while killed < kills {
        // So many kills in one run that they spread over the whole of it.
        let folder = quick_folder();
        let mut done = BTreeSet::new();
        // Kills since a job was last done. The longer, the later the next one comes: on some machines
        // a job that cannot be resumed takes longer than any kill would let it.
        let mut in_vain = 0;
        rounds += 1;
        loop {
            let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
            let longest = 0.25 + f64::from(in_vain) / 40.0;
            std::thread::sleep(whole.mul_f64(chance.next() * longest));
            let ended = child.try_wait().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            let messages = folder.read("messages");
            assert!(!messages.contains("FAILED"), "{messages}");
            let before = done.len();
            note_done(&messages, &mut done);
            in_vain = if done.len() > before { 0 } else { in_vain + 1 };
            resumed += named(&messages, "resume ").len();
            if let Some(status) = ended {
                assert!(status.success(), "{messages}");
                break;
            }
            killed += 1;
        }
        folder.vpc("run s.vp").ends(0);
        assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    }
    assert!(resumed > 0, "no kill hit a training");
    let each = Duration::as_secs_f64(&begun.elapsed()) / f64::from(killed);
    say(&format!(
        "kills: {killed} in {rounds} runs of {:.2} s, one each {each:.2} s; {resumed} trainings \
         resumed, 0 finished jobs begun again, equal bits {rounds} of {rounds}",
        whole.as_secs_f64()
    ));
}
