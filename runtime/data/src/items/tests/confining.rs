//! Pictures by path: none from outside the folder, and what is done about broken ones.

use std::os::unix::fs::symlink;

use super::*;

fn line(image: &str) -> String {
    serde_json::json!({"question": "Q", "answer": "A", "image": image}).to_string() + "\n"
}

#[test]
fn no_path_leads_outside() {
    let room = Room::new();
    let inside = room.0.path().join("data");
    let secret = room.put("secret.png", png(9));
    room.put("data/a.png", png(0));
    room.put("data/deep/b.png", png(1));
    fs::create_dir(room.0.path().join("data-more")).unwrap();
    room.put("data-more/c.png", png(2));
    symlink(&secret, inside.join("link.png")).unwrap();
    symlink(room.0.path(), inside.join("up")).unwrap();
    symlink("deep", inside.join("shallow")).unwrap();

    let absolute = secret.display().to_string();
    let own = inside.join("a.png").display().to_string();
    for image in [
        "../secret.png",
        "deep/../../secret.png",
        "deep/../a.png",
        "../data/a.png",
        "../data-more/c.png",
        absolute.as_str(),
        own.as_str(),
        "link.png",
        "up/secret.png",
        "up/none.png",
        "..",
        "/",
    ] {
        for policy in [|_: &mut ItemSource| {}, skip] {
            let lines = line("a.png") + &line(image);
            let message = room.read_as("data/q.jsonl", lines, policy).unwrap_err();
            let start = "`data/q.jsonl` line 2: the picture `";
            assert!(message.starts_with(start), "{message}");
            assert!(message.contains("is not below `"), "{image}: {message}");
        }
    }
    // A link that stays inside is a path like others.
    let lines = line("./a.png") + &line("shallow/b.png") + &line("deep/b.png");
    let items = room.read("data/q.jsonl", lines);
    assert_eq!(items[1].picture, items[2].picture);
    assert_eq!(items[1].picture, Some(PictureId::of(&png(1))));
}

#[test]
fn pictures_lie_below_the_folder_that_is_named() {
    let room = Room::new();
    room.put("pictures/a.png", png(3));
    let pictures = room.0.path().join("pictures");
    let read = |folder: PathBuf| {
        room.read_as("texts/q.jsonl", line("a.png"), |source| {
            if let ItemSource::File { pictures, .. } = source {
                *pictures = Some(folder);
            }
        })
    };
    let (all, _) = read(pictures).unwrap();
    assert_eq!(all[0].0.picture, Some(PictureId::of(&png(3))));
    let missing = read(room.0.path().join("none")).unwrap_err();
    assert_eq!(missing, "`none` does not exist; check the path");
}

#[test]
fn broken_pictures_are_named_or_counted() {
    let room = Room::with_pictures();
    room.put("bomb.png", bomb());
    room.put("text.png", "no picture");
    room.put("cut.png", &png(1)[..40]);
    fs::create_dir(room.0.path().join("folder.png")).unwrap();
    for (image, reason) in [
        ("none.png", "it does not exist; check the path"),
        ("none/a.png", "it does not exist; check the path"),
        (
            "bomb.png",
            "32768 x 32768 pixels, which is more than 67108864",
        ),
        ("text.png", "neither PNG nor JPEG nor WebP"),
        ("cut.png", "cannot be decoded"),
        ("folder.png", "it is no file"),
        ("nul\0.png", "NUL byte"),
    ] {
        let message = room.refused("q.jsonl", line("a.png") + &line(image));
        let start = format!("`q.jsonl` line 2: the picture `{image}` cannot be used: ");
        assert!(message.starts_with(&start), "{message}");
        assert!(message.contains(reason), "{message}");
    }
    let many: String = (0..9).map(|at| line(&format!("none{at}.png"))).collect();
    let lines = line("bomb.png") + &line("a.png") + &line("bomb.png") + &many + &line("b.png");
    let (all, stats) = room.read_as("q.jsonl", lines, skip).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((stats.items, stats.broken, stats.pictures), (2, 11, 2));
    assert_eq!(stats.broken_names.len(), 8);
    assert_eq!(
        stats.broken_names[1..3],
        ["bomb.png (line 3)", "none0.png (line 4)"]
    );

    let lines = line("text.png") + &line("none.png");
    assert_eq!(
        room.read_as("q.jsonl", lines, skip).unwrap_err(),
        "`q.jsonl` has no items; 2 have broken pictures, the first `text.png (line 1)`"
    );
}

#[test]
fn limits_hold_for_pictures_of_items() {
    let room = Room::with_pictures();
    let source = ItemSource::File {
        path: room.put("q.jsonl", line("a.png")),
        pictures: Some(room.0.path().to_owned()),
        fields: Fields::default(),
        broken: Broken::Fatal,
        side: None,
    };
    let limits = Limits {
        pixels: 24,
        ..Limits::default()
    };
    let read = read_items(&source, &limits, &mut |_, _| Ok(ControlFlow::Continue(())));
    let message = read.unwrap_err().to_string();
    assert!(
        message.contains("5 x 5 pixels, which is more than 24"),
        "{message}"
    );
}

#[test]
fn a_source_without_a_folder_has_no_pictures_by_path() {
    let room = Room::with_pictures();
    let without = |source: &mut ItemSource| {
        if let ItemSource::File { pictures, .. } = source {
            *pictures = None;
        }
    };
    assert_eq!(
        room.read_as("q.jsonl", line("a.png"), without).unwrap_err(),
        "`q.jsonl` line 1: it names the picture `a.png`, and its source names no folder of pictures; name it, \
         `pictures: \"…\"`"
    );
}
