//! Text, numbers and categories of a list: what works, and what each mistake says.

mod support;

use std::fs;

use counterpoint_data::{DataConfig, DataError, ErrorKind, Preparation, Splits, Steps};
use support::Folder;

const KEYS: &str = "name = \"manifest\"\nroot = \"people.csv\"\n\
    [modality.word]\nkind = \"text\"\nlength = 4\nmin_count = 1\n\
    [modality.body]\nkind = \"numeric\"\ncolumns = [\"age\", \"height\"]\n\
    [modality.home]\nkind = \"category\"\ncolumns = [\"city\", \"sex\"]\n";

const LINES: [&str; 7] = [
    "id,split,label,word,age,height,city,sex",
    "a,train,yes,How nice!,30,1.8,Rome,f",
    "b,train,no,how sad and so on,40,1.6,Bonn,m",
    "c,train,yes,,,,Rome,",
    "d,val,no,nice,35,2.0,Oslo,f",
    "e,test,yes,sad,50,1.7,Rome,m",
    "f,test,no,how,20,NA,,",
];

fn open_with(keys: &str, lines: &[&str]) -> (Folder, Result<Splits, DataError>) {
    let folder = Folder::new("tables");
    fs::write(folder.file("people.csv"), lines.join("\n")).unwrap();
    let splits = DataConfig::from_toml(keys).and_then(|config| config.open(&folder.0));
    (folder, splits)
}

fn values(splits: &Splits, sample: usize, modality: usize) -> Option<Vec<f32>> {
    let sample = splits.train.sample(sample, None).unwrap().inputs.remove(modality);
    sample.map(|array| array.values().to_vec())
}

fn filled() -> String {
    KEYS.replace("columns = [\"age\", \"height\"]", "columns = [\"age\", \"height\"]\nmissing = \"mean\"")
}

#[test]
fn words_numbers_and_categories_become_arrays_and_gaps_stay_gaps() {
    let (folder, splits) = open_with(&filled(), &LINES);
    let splits = splits.unwrap();
    let shapes: Vec<_> = splits
        .modalities()
        .iter()
        .map(|m| (m.name.as_str(), m.shape.clone(), m.vocabulary, m.ragged))
        .collect();
    assert_eq!(
        shapes,
        [
            // Padding, unknown, and ! and how nice on sad so.
            ("word", vec![4], Some(2 + 7), true),
            ("body", vec![2], None, false),
            // Unknown, Bonn, Rome; unknown, empty, f, m.
            ("home", vec![2], Some(7), false),
        ]
    );
    assert_eq!(values(&splits, 0, 0).unwrap(), [4.0, 5.0, 2.0]);
    assert_eq!(values(&splits, 1, 0).unwrap(), [4.0, 7.0, 3.0, 8.0], "cut after four words");
    assert_eq!(values(&splits, 0, 1).unwrap().iter().map(|v| v.round()).collect::<Vec<_>>(), [-1.0, 1.0]);
    assert_eq!((values(&splits, 2, 0), values(&splits, 2, 1)), (None, None));
    assert_eq!([0, 1, 2].map(|i| values(&splits, i, 2).unwrap()), [[2.0, 5.0], [1.0, 6.0], [2.0, 4.0]]);
    assert_eq!(splits.val.sample(0, None).unwrap().inputs[2].as_ref().unwrap().values(), [0.0, 5.0]);
    let notes = splits.notes.join("\n");
    assert!(notes.contains("1 of 2 training texts have more than 4 words (the longest 5)"), "{notes}");
    assert!(notes.contains("`body`: 1 empty cells set to the mean of their column"), "{notes}");
    assert!(notes.contains("1 samples have `Oslo` in column `city` of the val split"), "{notes}");
    let test = splits.test.open("test").unwrap().sample(1, None).unwrap();
    assert!((test.inputs[1].as_ref().unwrap().values()[1]).abs() < 1e-6, "the mean of a column is 0");
    assert!(test.inputs[2].is_none(), "no category at all");
    // Columns and short texts say nothing about who a sample is of, long texts do.
    let leaks = splits.leaks().unwrap();
    assert!(leaks.duplicates.is_empty(), "{leaks:?}");
    let long = "so nice that nobody would ever write it twice";
    let lines = LINES.map(|line| line.replace("How nice!", long).replace(",sad,", &format!(",{long},")));
    let (_folder, again) = open_with(&filled(), &lines.each_ref().map(String::as_str));
    let leaks = again.unwrap().leaks_decoded(1).unwrap();
    assert!(leaks.cross() && leaks.duplicates.len() == 1, "{leaks:?}");
    assert_eq!(splits.fingerprint().unwrap().len(), 64);
    drop(folder);
}

#[test]
fn new_samples_are_prepared_by_what_training_fitted() {
    let (folder, splits) = open_with(&filled(), &LINES);
    let splits = splits.unwrap();
    let saved = serde_json::to_string(&splits.preparations).unwrap();
    let restored: Vec<Preparation> = serde_json::from_str(&saved).unwrap();
    assert_eq!((&restored[0], &restored[2]), (&splits.preparations[0], &splits.preparations[2]));
    let [word, body, home] = &restored[..] else { panic!("three modalities") };
    fs::write(folder.file("new.txt"), "How sad, \n").unwrap();
    assert_eq!(word.prepare_file(&folder.file("new.txt")).unwrap().values(), [4.0, 7.0, 1.0]);
    fs::write(folder.file("new.csv"), "sex;city;height;age\nm;Rome;;35\n").unwrap();
    assert_eq!(home.prepare_file(&folder.file("new.csv")).unwrap().values(), [2.0, 6.0]);
    assert_eq!(body.prepare_file(&folder.file("new.csv")).unwrap().values(), [0.0, 0.0]);
    let message = |of: &Preparation, text: &str| {
        fs::write(folder.file("bad.csv"), text).unwrap();
        of.prepare_file(&folder.file("bad.csv")).unwrap_err().to_string()
    };
    let none = message(body, "age,height\n,NA\n");
    assert!(none.contains("modality `body`") && none.contains("absent"), "{none}");
    assert!(message(body, "age\n3\n").contains("has no column `height`, it has: age"));
    assert!(message(body, "age,height\n3,1\n4,2\n").contains("has 2 lines, expected one"));
    assert!(message(body, "age,height\nold,1\n").contains("column `age`: holds `old`, expected a number"));
    assert!(message(word, "").contains("is empty"));
    fs::write(folder.file("new.txt"), b"caf\xe9").unwrap();
    let latin = word.prepare_file(&folder.file("new.txt")).unwrap_err().to_string();
    assert!(latin.contains("new.txt`: line 1 is not UTF-8"), "{latin}");
    let damaged: Preparation =
        serde_json::from_str(&serde_json::to_string(word).unwrap().replace("\"how\"", "\"zz\"")).unwrap();
    assert!(damaged.prepare_file(&folder.file("new.csv")).unwrap_err().to_string().contains("not in order"));
}

#[test]
fn texts_may_be_files_and_tokens_bytes() {
    let folder = Folder::new("tables");
    fs::write(folder.file("one.txt"), "\u{feff}ab\n").unwrap();
    fs::write(folder.file("two.txt"), "b").unwrap();
    let list = |second: &str| {
        let lines =
            ["id,split,label,note", "a,train,0,one.txt", second, "c,val,0,two.txt", "d,test,1,one.txt"];
        fs::write(folder.file("people.csv"), lines.join("\n")).unwrap();
    };
    list("b,train,1,two.txt");
    let keys = "name = \"manifest\"\nroot = \"people.csv\"\n[modality.note]\nkind = \"text\"\ntokens = \"bytes\"\nfiles = true\n";
    let open = || DataConfig::from_toml(keys).unwrap().open(&folder.0);
    let splits = open().unwrap();
    assert_eq!(splits.modalities()[0].vocabulary, Some(257));
    assert_eq!(values(&splits, 0, 0).unwrap(), [98.0, 99.0]);
    let leaks = splits.leaks().unwrap();
    assert!(leaks.cross(), "the text of a.train is that of d.test: {leaks:?}");
    list("b,train,1,gone.txt");
    assert!(open().unwrap_err().to_string().contains("gone.txt` of sample `b` does not exist"));
    fs::write(folder.file("gone.txt"), b"\xff\xff\xff").unwrap();
    let message = open().unwrap_err().to_string();
    assert!(
        message.contains("sample `b`") && message.contains("gone.txt`: line 1 is not UTF-8"),
        "{message}"
    );
}

#[test]
fn every_mistake_is_named() {
    let line = |number: usize, line: &str| {
        let mut lines = LINES;
        lines[number] = line;
        let error = open_with(&filled(), &lines).1.unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, message) = line(4, "d,val,no,nice,\"3,5\",2.0,Oslo,f");
    assert_eq!(kind, ErrorKind::Format);
    assert!(
        message.contains("people.csv` line 5: column `age`: holds `3,5`, expected a number"),
        "{message}"
    );
    assert!(message.ends_with("write decimals with a point"), "{message}");
    assert!(line(4, "d,val,no,nice,inf,2.0,Oslo,f").1.contains("holds `inf`, expected a number"));
    let keys = |from: &str, to: &str| {
        assert!(KEYS.contains(from));
        open_with(&filled().replace(from, to), &LINES).1.unwrap_err().to_string()
    };
    assert!(keys("\"height\"", "\"weight\"").contains("has no column `weight`, it has: id, split"));
    assert!(keys("\"sex\"]", "\"city\"]").contains("modality `home`: `columns` names `city` twice"));
    assert!(keys("length = 4", "length = 0").contains("modality `word`: `length` must be from 1 to 65536"));
    assert!(
        keys("min_count = 1", "min_count = 9").contains("no word occurs 9 times in the 2 training texts")
    );
    assert!(
        keys("min_count = 1", "tokens = \"bytes\"\nmost = 3")
            .contains("`most` applies to tokens = \"words\"")
    );
    assert!(keys("[modality.word]", "[modality.other]").contains("has no column `other`"));
    // Without `missing` a row with a gap is refused.
    let gap = open_with(KEYS, &LINES).1.unwrap_err().to_string();
    assert!(
        gap.contains("line 7: column `height` of modality `body` is empty; set `missing` = \"mean\""),
        "{gap}"
    );
    let constant = ["id,split,label,n", "a,train,0,1", "b,train,1,1", "c,val,0,2", "d,test,0,2"];
    let numeric = "name = \"manifest\"\nroot = \"people.csv\"\n[modality.n]\nkind = \"numeric\"\n";
    let message = open_with(numeric, &constant).1.unwrap_err().to_string();
    assert!(message.contains("all 1 columns are constant over the training rows"), "{message}");
}

#[test]
fn large_numbers_keep_their_differences() {
    let lines = [
        "id,split,label,time",
        "a,train,0,1700000000.25",
        "b,train,1,1700000000.75",
        "c,val,0,1700000001",
        "d,test,0,1700000001",
    ];
    let keys = "name = \"manifest\"\nroot = \"people.csv\"\n[modality.time]\nkind = \"numeric\"\n";
    let (_folder, splits) = open_with(keys, &lines);
    let splits = splits.unwrap();
    assert_eq!((values(&splits, 0, 0).unwrap(), values(&splits, 1, 0).unwrap()), (vec![-1.0], vec![1.0]));
    let Steps::Vector(steps) = &splits.preparations[0].steps else { panic!("a vector") };
    assert_eq!(
        (steps.names.as_slice(), steps.mean.as_slice()),
        (&["time".to_owned()][..], &[1_700_000_000.5][..])
    );
}
