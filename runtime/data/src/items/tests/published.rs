//! Visual question sets in the layouts of VLMEvalKit, and MLE-Bench as a folder of pictures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::image::decode;

fn packed(number: u8) -> String {
    STANDARD.encode(png(number))
}

fn table(name: &str, file: &str, text: &str) -> Vec<Seen> {
    Room::new()
        .published(name, &[(file, text.as_bytes())])
        .unwrap()
}

fn refused(name: &str, text: &str) -> String {
    Room::new()
        .published(name, &[("set.tsv", text.as_bytes())])
        .unwrap_err()
}

fn question(seen: &Seen) -> &str {
    &seen.0.turns[0].question
}

fn answer(seen: &Seen) -> &str {
    &seen.0.turns[0].answer
}

fn pictures(all: &[Seen]) -> Vec<Vec<u8>> {
    all.iter()
        .map(|(_, bytes)| bytes.clone().unwrap())
        .collect()
}

#[test]
fn gqa_names_pictures_by_the_rows_that_hold_them() {
    let (one, two) = (packed(1), packed(2));
    let text = format!(
        "index\timage\tquestion\tanswer\n\
         201\t{one}\tIs the sky dark?\tyes\n\
         202\t201\tWhat is on the road?\tcar\n\
         203\t204\tWho is it?\tgirl\n\
         204\t{two}\tWhat colour is it?\tred\n\
         205\t201\tWhere is it?\tleft\n"
    );
    let all = table("gqa", "GQA_TestDev_Balanced.tsv", &text);
    let [first, second] = [png(1), png(2)];
    let wanted = [&first, &first, &second, &second, &first];
    assert_eq!(pictures(&all).iter().collect::<Vec<_>>(), wanted);
    let ids: Vec<&str> = all.iter().map(|(item, _)| item.id.as_str()).collect();
    assert_eq!(ids, ["201", "202", "203", "204", "205"]);
    let wanted = Item {
        id: "202".to_owned(),
        picture: Some(PictureId::of(&first)),
        ..item("What is on the road?", "car", &[])
    };
    assert_eq!(all[1].0, wanted);
    let lost = text.replace("\t204\t", "\t999\t");
    let message = refused("gqa", &lost);
    assert_eq!(
        message,
        "`set.tsv` line 4: its picture is that of the row `999`, which has none"
    );
}

#[test]
fn mme_asks_for_yes_or_no_once() {
    let picture = packed(1);
    let all = table(
        "mme",
        "MME.tsv",
        &format!(
            "index\timage\tquestion\tanswer\tcategory\n\
             0\t{picture}\tIs there a dog? Please answer yes or no.\tYes\texistence\n\
             1\t0\tIs it 3 + 4? Please answer yes or no.\tNo\tnumerical_calculation\n"
        ),
    );
    assert_eq!(
        (question(&all[0]), answer(&all[0])),
        ("Is there a dog?", "Yes")
    );
    assert_eq!((question(&all[1]), answer(&all[1])), ("Is it 3 + 4?", "No"));
    assert_eq!(all[0].0.labels, ["existence"]);
}

#[test]
fn options_stand_under_letters_and_hints_before_questions() {
    let picture = packed(1);
    let text = format!(
        "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsplit\n\
         5\tWhich one?\tThe passage\ttap\tbow\tarc\t\tC\tlogic\t{picture}\tdev\n\
         1000005\tWhich one?\t\tarc\ttap\tbow\t\tA\tlogic\t5\tdev\n\
         6\t\"Two\nlines?\"\t\tB\tA\t\t\tB\tlogic\t5\tdev\n"
    );
    for name in [
        "mmbench",
        "seed_bench",
        "scienceqa",
        "ai2d",
        "realworldqa",
        "blink",
        "cv_omni3d",
    ] {
        let all = table(name, "set.tsv", &text);
        assert_eq!(question(&all[0]), "The passage\nWhich one?", "{name}");
        assert_eq!(all[0].0.options, ["tap", "bow", "arc"]);
        assert_eq!((all[0].0.right, all[1].0.right), (Some(2), Some(0)));
        assert_eq!((answer(&all[0]), answer(&all[1])), ("arc", "arc"));
        // A letter is one, whatever the options say.
        assert_eq!((all[2].0.right, answer(&all[2])), (Some(1), "A"));
        assert_eq!(question(&all[2]), "Two\nlines?");
    }
    let wrong = text.replace("\tC\tlogic", "\tE\tlogic");
    assert_eq!(
        refused("mmbench", &wrong),
        "`set.tsv` line 2: its answer `E` is none of its 3 options and no letter of one"
    );
}

#[test]
fn mmmu_takes_the_validation_part_and_closes_open_questions() {
    let (one, two) = (packed(1), packed(2));
    let text = format!(
        "index\tquestion\tA\tB\tanswer\timage\tsplit\n\
         1\tOld?\tx\ty\tA\t{one}\tdev\n\
         2\t<image 1> Which?\tx\ty\tB\t1\tvalidation\n\
         3\tHow much?\t\t\t7\t{two}\tvalidation\n\
         4\tNo picture?\tx\ty\tA\t\tvalidation\n"
    );
    let all = table("mmmu", "MMMU_DEV_VAL.tsv", &text);
    assert_eq!(all.len(), 2);
    assert_eq!((answer(&all[0]), all[0].0.right), ("y", Some(1)));
    assert_eq!(
        pictures(&all),
        [png(1), png(2)],
        "of a row that is not taken, too"
    );
    assert_eq!(all[1].0.options, ["7", "Other Answers"]);
    assert_eq!(all[1].0.right, Some(0));
    let without = text.replace("\tsplit\n", "\tpart\n");
    assert!(refused("mmmu", &without).contains("no column `split`"));
}

#[test]
fn blink_has_several_pictures_side_by_side() {
    let (one, two) = (packed(1), packed(2));
    let text = format!(
        "index\tquestion\tA\tB\tanswer\timage\n\
         1\tAlike?\tyes\tno\tA\t\"['{one}', '{two}']\"\n\
         2\tThis?\tyes\tno\t(B)\t['{two}']\n\
         3\tAgain?\tyes\tno\tB\t1\n"
    );
    let all = table("blink", "BLINK.tsv", &text);
    let pictures = pictures(&all);
    let joined = decode(&pictures[0], &Limits::default()).unwrap();
    assert_eq!((joined.width(), joined.height()), (5 + 16 + 5, 5));
    let row = |bytes: &[u8]| decode(bytes, &Limits::default()).unwrap().pixels()[..15].to_vec();
    assert_eq!(joined.pixels()[..15], row(&png(1)));
    assert_eq!(joined.pixels()[21 * 3..26 * 3], row(&png(2)));
    assert_eq!((&pictures[1], &pictures[2]), (&png(2), &pictures[0]));
    assert_eq!(all[1].0.right, Some(1));
    let broken = text.replace(&one, "AAAA");
    let message = refused("blink", &broken);
    assert!(
        message.starts_with("`set.tsv` line 2: the picture `1` cannot"),
        "{message}"
    );
}

#[test]
fn cv_bench_is_told_apart_by_its_sources() {
    let picture = packed(1);
    let text = format!(
        "index\timage\tquestion\tA\tB\tC\tD\tE\tF\tanswer\ttask\tsource\tsplit\n\
         0\t{picture}\tHow many?\t0\t1\t2\t3\t4\t5\tD\tCount\tADE20K\t2D\n\
         1\t0\tWhere?\tabove\tbelow\t\t\t\t\tA\tRelation\tCOCO\t2D\n"
    );
    let ade = table("cv_ade", "CV-Bench-2D.tsv", &text);
    let coco = table("cv_coco", "CV-Bench-2D.tsv", &text);
    assert_eq!((ade.len(), coco.len()), (1, 1));
    assert_eq!((question(&ade[0]), answer(&ade[0])), ("How many?", "3"));
    assert_eq!((question(&coco[0]), answer(&coco[0])), ("Where?", "above"));
    let other = text.replace("COCO", "Omni3D");
    assert!(refused("cv_coco", &other).contains("has no items"));
}

#[test]
fn short_answers_are_one_or_several() {
    let picture = packed(1);
    let rows = |answer: &str| {
        format!("index\timage\tquestion\tanswer\tsplit\n7\t{picture}\tWhat?\t{answer}\ttest\n")
    };
    let one = table("chartqa", "ChartQA_TEST.tsv", &rows("14.5"));
    assert_eq!((answer(&one[0]), one[0].0.answers.len()), ("14.5", 0));
    let ten = table(
        "textvqa",
        "TextVQA_VAL.tsv",
        &rows("['dakota', 'dakota', \"dakota's\"]"),
    );
    assert_eq!(ten[0].0.answers, ["dakota", "dakota", "dakota's"]);
    assert_eq!(answer(&ten[0]), "dakota");
    let read = table("ocrbench", "OCRBench.tsv", &rows("['CENTRE']"));
    assert_eq!((answer(&read[0]), read[0].0.answers.len()), ("CENTRE", 0));
    assert!(refused("ocrbench", &rows("")).contains("the column `answer`"));
}

#[test]
fn mathvista_accepts_the_letter_of_the_right_choice() {
    let picture = packed(1);
    let all = table(
        "mathvista",
        "MathVista_MINI.tsv",
        &format!(
            "index\timage\tquestion\tquestion_type\tanswer\tanswer_option\tchoices\n\
             1\t{picture}\t\"Hint: give the letter.\nQuestion: Which?\nChoices:\n(A) 3\n(B) 4\"\tmulti_choice\t4\tB\t['3', '4']\n\
             2\t1\tHow long?\tfree_form\t1.5\t\t\n"
        ),
    );
    assert_eq!(all[0].0.answers, ["4", "B"]);
    assert!(all[0].0.options.is_empty() && question(&all[0]).ends_with("(B) 4"));
    assert_eq!((answer(&all[1]), all[1].0.answers.len()), ("1.5", 0));
}

#[test]
fn damaged_tables_are_told_with_their_line() {
    let picture = packed(1);
    let head = format!("index\timage\tquestion\tanswer\n1\t{picture}\tWho?\tI\n");
    let damaged = refused("gqa", &format!("{head}2\t1\tWho?\n"));
    assert!(
        damaged.starts_with("`set.tsv` line 3: it is no row of a table"),
        "{damaged}"
    );
    let damaged = refused("gqa", &format!("{head}2\t{}\tWho?\tI\n", "%".repeat(80)));
    assert!(
        damaged.starts_with("`set.tsv` line 3: the picture `2`"),
        "{damaged}"
    );
    let without = head.replace("image", "image_path");
    assert!(refused("gqa", &without).contains("line 2: it has no column `image`"));
    assert!(
        "gqa2"
            .parse::<Published>()
            .unwrap_err()
            .to_string()
            .contains("`gqa2`")
    );
}

#[test]
fn mle_bench_is_a_folder_with_metadata() {
    let line = |file: &str, part: &str, answer: &str| {
        format!(
            "{{\"file_name\": \"images/{file}\", \"question\": \"Which is there?\", \"choices\": [\"cup\", \"dog\", \"sea\", \"bed\"], \"answer\": \"{answer}\", \"sub_task\": \"{part}\"}}\n"
        )
    };
    let text = line("0.png", "existence_0-30", "dog")
        + &line("1.png", "existence_60-100", "Bed")
        + &line("2.png", "existence_0-30", "cup");
    let room = Room::new();
    for number in 0..3_u8 {
        room.put(&format!("images/{number}.png"), png(number));
    }
    let read =
        |name: &str, text: &str| room.published(name, &[("metadata.jsonl", text.as_bytes())]);
    let small = read("mle_small", &text).unwrap();
    assert_eq!(pictures(&small), [png(0), png(2)]);
    assert_eq!(small[0].0.options, ["cup", "dog", "sea", "bed"]);
    assert_eq!((answer(&small[0]), small[0].0.right), ("dog", Some(1)));
    let large = read("mle_large", &text).unwrap();
    assert_eq!(
        (large.len(), answer(&large[0]), large[0].0.id.as_str()),
        (1, "bed", "2")
    );
    let wrong = read(
        "mle_small",
        &text.replace("\"cup\", \"sub", "\"owl\", \"sub"),
    )
    .unwrap_err();
    assert_eq!(
        wrong,
        "`metadata.jsonl` line 3: its answer `owl` is none of its `choices`"
    );
    let out = read("mle_small", &text.replace("images/0", "../images/0")).unwrap_err();
    assert!(out.contains("is not below"), "{out}");
}
