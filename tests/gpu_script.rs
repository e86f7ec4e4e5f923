//! `dev/gpu.sh` where there is no GPU: each part says why it was skipped, and nothing fails.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Folder, skip};

#[test]
fn without_a_gpu_each_part_says_that_it_was_skipped() {
    let folder = Folder::new();
    let doctor = folder.vpc("doctor --json").ends(0).stdout;
    let doctor: serde_json::Value = serde_json::from_str(&doctor).unwrap();
    if doctor["gpu"]["problem"].is_null() {
        skip("gpu_script", "there is a GPU here");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/gpu.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_vpc"));
    let session = |minutes: &str| {
        let mut command = Command::new("bash");
        command
            .arg(&script)
            .arg(minutes)
            .arg(program.parent().unwrap());
        command.env("OUT", folder.join("out")).env_remove("DEVICE");
        command.output().unwrap()
    };
    let run = session("1");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let parts = folder.read("out/parts.tsv");
    let text = std::fs::read_to_string(&script).unwrap();
    let named: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("part ")?.split(' ').next())
        .collect();
    let rows: Vec<Vec<&str>> = parts
        .lines()
        .skip(1)
        .map(|row| row.split('\t').collect())
        .collect();
    let told: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(told, named);
    for row in rows {
        let expected = if row[0] == "doctor" {
            "done"
        } else {
            "skipped: no GPU"
        };
        assert!(row[1].starts_with(expected), "{row:?}");
    }
    assert!(
        folder
            .read("out/doctor.log")
            .contains("Training runs on the processor")
    );
    // How long it may take must be said.
    assert_eq!(session("soon").status.code(), Some(2));
}
