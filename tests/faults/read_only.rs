//! A store on a read-only disk: looked at, used where it is complete, refused before any work else.

use std::fs;

use crate::common::{READ_ONLY, Run, manifest, mounting_shell, say, skip};
use crate::study::reference;

#[test]
fn a_read_only_store_is_used_or_refused_before_any_work() {
    let Some(shell) = mounting_shell() else {
        return skip("read-only stores", "no mounts allowed here");
    };
    let (folder, _) = reference();
    let frozen = |arguments: &str| {
        let script = format!("{READ_ONLY} freeze .vp || exit 77\nexec $VPC {arguments}");
        Run::of(folder.script(shell, &script).output().unwrap())
    };
    for arguments in [
        "run s.vp",
        "plan s.vp",
        "plan s.vp --json",
        "check s.vp",
        "graph s.vp",
        "show e/base[seed=1]",
        "show tokenizer/bpe --json",
    ] {
        let run = frozen(arguments).ends(0);
        assert_eq!(
            run.stdout,
            folder.vpc(arguments).ends(0).stdout,
            "{arguments}"
        );
    }
    fs::remove_file(manifest(&folder.join(".vp"), "e/fit[seed=1]").unwrap().0).unwrap();
    let run = frozen("run s.vp").ends(4);
    assert_eq!(run.named("start"), [""; 0], "{}", run.stderr);
    assert!(run.stderr.contains("read-only"), "{}", run.stderr);
    frozen("plan s.vp").ends(0);
    folder.vpc("run s.vp").ends(0);
    say("read-only: 7 of 7 looks worked, a run with work was refused before its first job");
}
