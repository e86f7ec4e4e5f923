//! Signals: a second one ends a run at once, a pause does no harm, and so does a terminal's end.

use std::time::{Duration, Instant};

use crate::common::{Chance, Folder, computed, nightly, say, skip};
use crate::study::{STUDY, folder, reference, send, tales, wait_for, works};

#[test]
fn a_second_signal_ends_a_run_at_once() {
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        // One step of this training takes far longer than the test.
        let study = STUDY
            .replace(
                "layers: 1, width: 16, heads: 2",
                "layers: 4, width: 256, heads: 4",
            )
            .replace("batch: 4", "batch: 512")
            .replace(
                "tokens: 8k, seed: seed, keep: [4k]",
                "tokens: 200k, seed: seed",
            );
        let folder = Folder::with(&[("s.vp", &study), ("tales.txt", &tales())]);
        let mut child = folder.start("run s.vp", "messages");
        wait_for(&folder, "messages", "start   e/base");
        send(signal, child.id());
        std::thread::sleep(Duration::from_millis(100));
        send(signal, child.id());
        let sent = Instant::now();
        let ended = child.wait().unwrap();
        let messages = folder.read("messages");
        assert_eq!(ended.code(), Some(status), "{messages}");
        assert!(
            sent.elapsed() < Duration::from_secs(1),
            "{:?}",
            sent.elapsed()
        );
    }
    say("signals: 3 of 3 second signals ended a run at once");
}

#[test]
fn a_pause_does_no_harm() {
    let (_reference, expected) = reference();
    let (pauses, length) = if nightly() { (20, 30.0) } else { (4, 0.5) };
    let folder = folder();
    let mut chance = Chance::new(11);
    let mut child = folder.start("run s.vp --checkpoint-every 0", "messages");
    let mut paused = 0;
    while paused < pauses && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_secs_f64(0.1 * chance.next()));
        send("STOP", child.id());
        std::thread::sleep(Duration::from_secs_f64(length));
        send("CONT", child.id());
        paused += 1;
    }
    assert!(
        child.wait().unwrap().success(),
        "{}",
        folder.read("messages")
    );
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    assert!(paused > 0);
    say(&format!(
        "signals: {paused} pauses of {length} s, equal bits"
    ));
}

#[test]
fn the_end_of_a_terminal_stops_a_run() {
    if !works("script", &["-qec", "true", "/dev/null"]) {
        return skip("the end of a terminal", "no `script` here");
    }
    let (_reference, expected) = reference();
    let folder = folder();
    let script = "exec script -qec '\"$VPC\" run s.vp --checkpoint-every 0; echo $? > status' typed > /dev/null";
    let mut terminal = folder.script(&["sh"], script).spawn().unwrap();
    wait_for(&folder, "typed", "jobs");
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    // Whether it was stopped or had ended, the next run goes on to the same bits.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20)
        && !folder.vpc("run s.vp").stderr.contains("nothing to do")
    {}
    assert_eq!(computed(&folder.join(".vp"), "s"), expected);
    say("signals: the end of a terminal, equal bits after the next run");
}
