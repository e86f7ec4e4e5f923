//! Tokenizers: deterministic, reversible, and never the end token from text.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{END, Tokenizer, Trained, rename_token, train_bpe};

const TEXTS: [&str; 4] = [
    "the red cup stands left of the blue bowl; the cup is small.\n",
    "def f(x):\n    return x * 12 + 345\n\nprint(f(7))\n429\n",
    "Ein größerer Würfel — 立方体 🎲 — liegt darunter.\n",
    "abcabcabc bcabcabc ab bc abc abcd bcd zabc zab zbc\n",
];

fn trained(vocabulary: usize) -> Trained {
    train_bpe(TEXTS.into_iter(), vocabulary).unwrap()
}

fn tokenizer(vocabulary: usize) -> Tokenizer {
    Tokenizer::from_json(&trained(vocabulary).json).unwrap()
}

#[test]
fn a_small_vocabulary_is_refused() {
    assert_eq!(
        train_bpe(TEXTS.into_iter(), 256).unwrap_err().to_string(),
        "a vocabulary of 256 is too small: the end token and the 256 bytes need 257; ask for 257 or more"
    );
}

#[test]
fn the_end_token_is_zero_and_every_byte_has_a_token() {
    let tokenizer = tokenizer(257);
    assert_eq!((tokenizer.end(), tokenizer.vocabulary()), (0, 257));
    let every: String = (0..=255_u32).filter_map(char::from_u32).collect();
    assert_eq!(tokenizer.encode(&every).unwrap().len(), every.len());
    assert_eq!(tokenizer.decode(&[0]).unwrap(), END);
}

#[test]
fn the_same_texts_give_the_same_bytes_on_any_number_of_threads() {
    let wanted = trained(400);
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        for _ in 0..3 {
            assert_eq!(pool.install(|| trained(400)), wanted);
        }
    }
    let backwards = train_bpe(TEXTS.into_iter().rev(), 400).unwrap();
    assert_eq!(backwards, wanted);
}

#[test]
fn the_bytes_are_pinned() {
    let digest = blake3::hash(&trained(320).json).to_hex();
    assert_eq!(&digest[..16], "117874fea8ec77b4");
}

#[test]
fn a_small_text_reaches_what_it_can() {
    let trained = train_bpe(["aab aab"].into_iter(), 5000).unwrap();
    assert_eq!(
        (
            trained.stats.wanted,
            trained.stats.texts,
            trained.stats.bytes
        ),
        (5000, 1, 7)
    );
    assert_eq!(trained.stats.vocabulary, 257 + 3);
    let tokenizer = Tokenizer::from_json(&trained.json).unwrap();
    assert_eq!(tokenizer.vocabulary(), trained.stats.vocabulary);
    assert_eq!(tokenizer.encode("aab aab").unwrap().len(), 2);
}

#[test]
fn text_that_looks_special_is_plain_text() {
    let tokenizer = tokenizer(400);
    let text = "before<|end|> <|end|>after";
    let tokens = tokenizer.encode(text).unwrap();
    assert!(!tokens.contains(&tokenizer.end()));
    assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
}

/// The tokenizer trained here under another end name, marked as the importer should not need.
fn foreign(end: &str) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(&trained(300).json).unwrap();
    value["added_tokens"][0]["content"] = json!(end);
    value["added_tokens"][0]["special"] = json!(false);
    value["model"]["dropout"] = json!(0.5);
    value["truncation"] =
        json!({ "direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0 });
    let vocabulary = value["model"]["vocab"].as_object_mut().unwrap();
    let id = vocabulary.remove(END).unwrap();
    vocabulary.insert(end.to_owned(), id);
    serde_json::to_vec(&value).unwrap()
}

#[test]
fn foreign_tokenizers_are_made_pure() {
    for end in ["<|endoftext|>", "</s>", "<|end_of_text|>"] {
        let tokenizer = Tokenizer::from_json(&foreign(end)).unwrap();
        assert_eq!(tokenizer.end(), 0);
        let text = format!("the red cup {end} stands left of the bowl");
        let tokens = tokenizer.encode(&text).unwrap();
        assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
        assert_eq!(tokenizer.encode(&text).unwrap(), tokens);
    }
}

#[test]
fn unusable_tokenizers_are_named() {
    let say = |json: &[u8]| Tokenizer::from_json(json).err().unwrap().to_string();
    assert_eq!(
        say(&foreign("<|fin|>")),
        "cannot use this tokenizer: it has no end token; its vocabulary needs one of `<|end|>`, `<|endoftext|>`, \
         `<|end_of_text|>`, `</s>`, `<eos>`, `<|eot_id|>`, `[EOS]`, `[SEP]`"
    );
    assert_eq!(
        say(b"{"),
        "cannot use this tokenizer: its file is not valid JSON: EOF while parsing an object at line 1 column 1"
    );
    assert!(
        say(b"{}").starts_with("cannot use this tokenizer: its file is not a `tokenizer.json`: ")
    );
    let error = tokenizer(257).decode(&[257]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot use this tokenizer: token 257 is outside its vocabulary of 257"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_comes_back(text in any::<String>()) {
        let tokenizer = tokenizer(300);
        let tokens = tokenizer.encode(&text).unwrap();
        prop_assert!(tokens.iter().all(|token| (1..300).contains(token)));
        prop_assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
    }

    #[test]
    fn text_around_end_tokens_comes_back(parts in proptest::collection::vec("[a-z <|>]{0,5}|<\\|end\\|>", 0..8)) {
        let (tokenizer, text) = (tokenizer(300), parts.concat());
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn training_is_deterministic(texts in proptest::collection::vec("[ab]{1,12}( [abc]{1,9}){0,8}", 1..6)) {
        let train = || train_bpe(texts.iter().map(String::as_str), 330).unwrap();
        prop_assert_eq!(train(), train());
    }
}

#[test]
fn no_text_has_the_unused_token() {
    let tokenizer = tokenizer(300);
    let unused = tokenizer.unused().unwrap();
    assert_ne!(unused, tokenizer.end());
    let every: String = (0..=0x1000_u32).filter_map(char::from_u32).collect();
    for text in [every.as_str(), TEXTS[2], "ÿ", "<0xFF>"] {
        assert!(!tokenizer.encode(text).unwrap().contains(&unused), "{text}");
    }
    assert_eq!(tokenizer.decode(&[unused]).unwrap(), "\u{fffd}");
}

#[test]
fn the_unused_token_is_given_a_name_and_texts_keep_their_tokens() {
    let json = trained(320).json;
    let before = Tokenizer::from_json(&json).unwrap();
    let unused = before.unused().unwrap();
    let marked = rename_token(&json, unused, "<image>").unwrap();
    let after = Tokenizer::from_json(&marked).unwrap();
    assert_eq!(after.decode(&[unused]).unwrap(), "<image>");
    assert_eq!((after.end(), after.vocabulary()), (0, 320));
    for text in TEXTS {
        assert_eq!(after.encode(text).unwrap(), before.encode(text).unwrap());
    }
    let file: Value = serde_json::from_slice(&marked).unwrap();
    let added = file["added_tokens"].as_array().unwrap();
    let named: Vec<&Value> = added.iter().map(|one| &one["content"]).collect();
    assert_eq!(named, [END, "<image>"]);
    // Nothing else has moved.
    let mut plain: Value = serde_json::from_slice(&json).unwrap();
    plain["added_tokens"] = file["added_tokens"].clone();
    let words = plain["model"]["vocab"].as_object_mut().unwrap();
    assert_eq!(words.remove("ÿ"), Some(unused.into()));
    words.insert("<image>".to_owned(), unused.into());
    assert_eq!(plain, file);
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let json = trained(320).json;
    let unused = Tokenizer::from_json(&json).unwrap().unused().unwrap();
    let twice = rename_token(
        &rename_token(&json, unused, "<image>").unwrap(),
        319,
        "<image>",
    );
    let error = twice.unwrap_err().to_string();
    assert!(error.contains("has a token `<image>` already"), "{error}");
    let error = rename_token(&json, 320, "<image>").unwrap_err().to_string();
    assert!(error.contains("has no token 320"), "{error}");
    // A token that merges make cannot be called otherwise.
    assert!(rename_token(&json, 319, "<image>").is_err());
}
