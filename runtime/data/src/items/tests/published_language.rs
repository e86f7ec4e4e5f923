//! Question sets in words alone, in the layouts of their first releases, put as the Language Model Evaluation Harness
//! puts them.

use super::*;

fn read(name: &str, files: &[(&str, &str)]) -> Result<Vec<Item>, String> {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    let all = Room::new().published(name, &files)?;
    Ok(all.into_iter().map(|(item, _)| item).collect())
}

fn put(id: &str, prompt: &str, options: &[&str], right: usize) -> Item {
    Item {
        id: id.to_owned(),
        options: options.iter().map(|&option| option.to_owned()).collect(),
        right: Some(right),
        form: Form::Continued,
        ..item(prompt, options[right], &[])
    }
}

#[test]
fn piqa_has_its_labels_in_a_file_of_their_own() {
    let questions = "{\"goal\": \"To open a jar\", \"sol1\": \"eat it.\", \"sol2\": \"turn the lid.\"}\n\
                     {\"goal\": \"To sit\", \"sol1\": \"take a chair.\", \"sol2\": \"take a cup.\"}\n";
    let files = |labels| [("valid.jsonl", questions), ("valid-labels.lst", labels)];
    let all = read("piqa", &files("1\n0\n")).unwrap();
    let first = put(
        "1",
        "Question: To open a jar\nAnswer:",
        &["eat it.", "turn the lid."],
        1,
    );
    assert_eq!(all[0], first);
    assert_eq!(all[1].right, Some(0));
    assert_eq!(
        read("piqa", &files("1\n")).unwrap_err(),
        "`valid.jsonl` line 2: `valid-labels.lst` has 1 labels, and none for it"
    );
    let wrong = read("piqa", &files("1\n2\n")).unwrap_err();
    assert_eq!(
        wrong,
        "`valid-labels.lst` line 2: the label `2` is neither 0 nor 1"
    );
}

#[test]
fn hellaswag_loses_the_marks_of_wikihow() {
    let line = "{\"ind\": 24, \"activity_label\": \"Roof shingle removal\", \"ctx_a\": \"A man sits [header] on a roof.\", \
                \"ctx_b\": \"he STARTS\", \"endings\": [\"is using wrap.\", \"[title] is ripping [step] tiles.\"], \"label\": \"1\"}\n";
    let all = read("hellaswag", &[("hellaswag_val.jsonl", line)]).unwrap();
    let prompt = "Roof shingle removal: A man sits on a roof. He starts";
    assert_eq!(
        all,
        [put(
            "24",
            prompt,
            &["is using wrap.", " is ripping tiles."],
            1
        )]
    );
    let wrong = read(
        "hellaswag",
        &[("hellaswag_val.jsonl", &line.replace("\"1\"", "7"))],
    );
    assert!(
        wrong
            .unwrap_err()
            .contains("line 1: option 7 from 0 is right, of 2")
    );
}

#[test]
fn winogrande_fills_a_blank() {
    let line = "{\"qID\": \"3F-1\", \"sentence\": \"Ian drank it after Dennis since _ was thirsty.\", \
                \"option1\": \"Ian\", \"option2\": \"Dennis\", \"answer\": \"2\"}\n";
    let all = read("winogrande", &[("dev.jsonl", line)]).unwrap();
    let wanted = Item {
        form: Form::Filled,
        ..put(
            "3F-1",
            "Ian drank it after Dennis since _ was thirsty.",
            &["Ian", "Dennis"],
            1,
        )
    };
    assert_eq!(all, [wanted]);
    let wrong = read("winogrande", &[("dev.jsonl", &line.replace('_', "he"))]).unwrap_err();
    assert_eq!(wrong, "`dev.jsonl` line 1: its `sentence` has no blank `_`");
}

#[test]
fn arc_is_two_files_and_openbookqa_has_no_frame() {
    let line = |id: &str, key: &str, labels: [&str; 2]| {
        format!(
            "{{\"id\": \"{id}\", \"question\": {{\"stem\": \"Why?\", \"choices\": [{{\"text\": \"so\", \"label\": \"{}\"}}, {{\"text\": \"no\", \"label\": \"{}\"}}]}}, \"answerKey\": \"{key}\"}}\n",
            labels[0], labels[1]
        )
    };
    let (easy, hard) = (line("e", "B", ["A", "B"]), line("c", "1", ["1", "2"]));
    let files = [
        ("ARC-Easy-Test.jsonl", easy.as_str()),
        ("ARC-Challenge-Test.jsonl", &hard),
    ];
    let all = read("arc", &files).unwrap();
    let prompt = "Question: Why?\nAnswer:";
    assert_eq!(
        all,
        [
            put("e", prompt, &["so", "no"], 1),
            put("c", prompt, &["so", "no"], 0)
        ]
    );
    let open = read("openbookqa", &[("test.jsonl", &easy)]).unwrap();
    assert_eq!(open, [put("e", "Why?", &["so", "no"], 1)]);
    let wrong = read(
        "arc",
        &[("a.jsonl", &easy), ("b.jsonl", &line("c", "C", ["A", "B"]))],
    );
    assert_eq!(
        wrong.unwrap_err(),
        "`b.jsonl` line 1: its `answerKey` `C` is no label of its choices"
    );
}

#[test]
fn copa_joins_a_reason_or_a_result() {
    let line = |asks: &str| {
        format!(
            "{{\"premise\": \"The man fell.\", \"choice1\": \"He slipped.\", \"choice2\": \"I sang.\", \"question\": \"{asks}\", \"idx\": 5, \"label\": 0}}\n"
        )
    };
    let all = read("copa", &[("val.jsonl", &(line("cause") + &line("effect")))]).unwrap();
    assert_eq!(
        all[0],
        put("5", "The man fell because", &["he slipped.", "i sang."], 0)
    );
    assert_eq!(all[1].turns[0].question, "The man fell therefore");
    let wrong = read("copa", &[("val.jsonl", &(line("cause") + &line("time")))]).unwrap_err();
    assert!(
        wrong.starts_with("`val.jsonl` line 2: it asks for `time`"),
        "{wrong}"
    );
}

#[test]
fn sciq_is_a_list_with_a_passage() {
    let list = "[\n  {\"question\": \"What moves?\", \"distractor1\": \"a\", \"distractor2\": \"b\", \"distractor3\": \"c\", \"correct_answer\": \"d\", \"support\": \"Wind moves.\"},\n  {\"question\": \"What?\"}\n]";
    let wrong = read("sciq", &[("test.json", list)]).unwrap_err();
    assert_eq!(
        wrong,
        "`test.json` entry 2 (line 3): it has no text in the field `distractor1`"
    );
    let (good, _) = list.split_once(",\n  {\"question\": \"What?\"").unwrap();
    let all = read("sciq", &[("test.json", &format!("{good}]"))]).unwrap();
    let prompt = "Wind moves.\nQuestion: What moves?\nAnswer:";
    assert_eq!(all, [put("1", prompt, &["a", "b", "c", "d"], 3)]);
}

#[test]
fn boolq_has_its_label_under_either_name() {
    for label in [
        "\"label\": true, \"idx\": 3",
        "\"answer\": true, \"idx\": 3",
    ] {
        let line = format!("{{\"question\": \"is it so\", \"passage\": \"It is so.\", {label}}}\n");
        let all = read("boolq", &[("val.jsonl", &line)]).unwrap();
        let prompt = "It is so.\nQuestion: is it so?\nAnswer:";
        assert_eq!(all, [put("3", prompt, &["no", "yes"], 1)]);
    }
    let wrong = read("boolq", &[("val.jsonl", "{\"question\": ")]).unwrap_err();
    assert!(
        wrong.starts_with("`val.jsonl` line 1: it is no JSON object"),
        "{wrong}"
    );
}

#[test]
fn wikitext_is_cut_at_the_headings_of_documents() {
    let text = " \n = One = \n \n First line . \n \n = = Part = = \n \n Second line . \n \n = Two @-@ three = \n \n Third . \n";
    let all = read("wikitext", &[("wiki.test.tokens", text)]).unwrap();
    let texts: Vec<&str> = all
        .iter()
        .map(|item| item.turns[0].answer.as_str())
        .collect();
    let first = "= One = \n \n First line . \n \n = = Part = = \n \n Second line .";
    assert_eq!(texts, [first, "= Two @-@ three = \n \n Third ."]);
    assert!(all.iter().all(|item| item.turns[0].question.is_empty()));
    assert_eq!((all[0].form, all[1].id.as_str()), (Form::Continued, "2"));
}

#[test]
fn lambada_is_measured_at_the_last_word() {
    let wanted = Item {
        id: "1".to_owned(),
        form: Form::Continued,
        ..item("she looked at the", "signs", &[])
    };
    for (file, text) in [
        (
            "lambada_test.jsonl",
            "{\"text\": \"she looked at the signs\"}\n",
        ),
        ("lambada_test_plain_text.txt", "she looked at the signs\n"),
    ] {
        assert_eq!(
            read("lambada", &[(file, text)]).unwrap(),
            std::slice::from_ref(&wanted)
        );
    }
    let wrong = read(
        "lambada",
        &[("lambada_test_plain_text.txt", "one two\nalone\n")],
    );
    assert!(
        wrong
            .unwrap_err()
            .starts_with("`lambada_test_plain_text.txt` line 2: ")
    );
}
