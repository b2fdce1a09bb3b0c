//! Text by a tokenizer of others.

mod support;

use std::fs;

use counterpoint_data::DataConfig;
use support::Folder;

/// Word pieces: `[PAD]` 0, `[UNK]` 1, `[CLS]` 2, then `play`, `##ing`, `we`; a sentence begins with `[CLS]`.
const PIECES: &str = r###"{"version": "1.0", "truncation": null,
    "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
        "pad_type_id": 0, "pad_token": "[PAD]"},
    "added_tokens": [{"id": 2, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true}],
    "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}},
    "decoder": null, "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "play": 3, "##ing": 4, "we": 5}}}"###;

fn keys(more: &str) -> DataConfig {
    let text = format!("name = \"manifest\"\nroot = \"list.csv\"\n[modality.note]\nkind = \"text\"\n{more}");
    DataConfig::from_toml(&text).unwrap()
}

fn folder() -> Folder {
    let folder = Folder::new("tokenizer");
    let list =
        "id,split,label,note\na,train,0,We PLAY\nb,train,1,playing or we play\nc,val,0,we\nd,test,1,we\n";
    fs::write(folder.file("list.csv"), list).unwrap();
    fs::write(folder.file("tokenizer.json"), PIECES).unwrap();
    folder
}

#[cfg(feature = "tokenizers")]
#[test]
fn texts_are_cut_as_the_tokenizer_says() {
    use counterpoint_data::Preparation;
    let folder = folder();
    let splits = keys("tokens = \"file\"\nfile = \"tokenizer.json\"\nlength = 5").open(&folder.0).unwrap();
    assert_eq!(splits.modalities()[0].vocabulary, Some(7));
    let ids = |i: usize| splits.train.sample(i, None).unwrap().inputs[0].as_ref().unwrap().values().to_vec();
    // One more than the tokenizer's, because 0 is padding.
    assert_eq!((ids(0), ids(1)), (vec![3.0, 6.0, 4.0], vec![3.0, 4.0, 5.0, 2.0, 6.0]));
    assert!(splits.notes[0].contains("1 of 2 training texts have more than 5 tokens (the longest 6)"));
    let saved: Preparation =
        serde_json::from_str(&serde_json::to_string(&splits.preparations[0]).unwrap()).unwrap();
    assert_eq!(saved, splits.preparations[0]);
    fs::write(folder.file("new.txt"), "Playing").unwrap();
    assert_eq!(saved.prepare_file(&folder.file("new.txt")).unwrap().values(), [3.0, 4.0, 5.0]);
    fs::write(folder.file("tokenizer.json"), "{}").unwrap();
    let broken =
        keys("tokens = \"file\"\nfile = \"tokenizer.json\"").open(&folder.0).unwrap_err().to_string();
    assert!(broken.contains("tokenizer.json`: is no tokenizer.json"), "{broken}");
}

#[cfg(not(feature = "tokenizers"))]
#[test]
fn a_program_without_tokenizers_says_so() {
    let folder = folder();
    let message =
        keys("tokens = \"file\"\nfile = \"tokenizer.json\"").open(&folder.0).unwrap_err().to_string();
    assert!(message.contains("built without the feature `tokenizers`"), "{message}");
}

#[test]
fn keys_of_other_tokens_are_refused() {
    let folder = folder();
    let message = |more: &str| keys(more).open(&folder.0).unwrap_err().to_string();
    assert!(message("tokens = \"file\"").contains("modality `note`: tokens = \"file\" needs `file`"));
    assert!(message("file = \"tokenizer.json\"").contains("`file` applies to tokens = \"file\" only"));
    assert!(message("tokens = \"file\"\nfile = \"gone.json\"").contains("gone.json` does not exist"));
    assert!(message("tokens = \"file\"\nfile = \"tokenizer.json\"\nmost = 3").contains("`most` applies to"));
}
