//! Data sets of arrays from tiny made-up files (`data/make.py`), laid out as the originals are, to the data set.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use counterpoint_batch::npy::{NpyArray, decode};
use counterpoint_data::{Bitmap, DataConfig, Levels};
use counterpoint_prepare::{
    Conversion, ConversionSettings, PrepareError, SplitSettings, Summary, collection,
};
use support::{cells, folder};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Copies files of `data` into the raw folder of a test.
fn raw(root: &Path, names: &[&str]) {
    fs::create_dir_all(root.join("raw")).unwrap();
    for name in names {
        fs::copy(data(name), root.join("raw").join(name)).unwrap();
    }
}

fn job(name: &str, root: &Path) -> Conversion {
    Conversion {
        collection: collection::named(name).unwrap(),
        from: root.join("raw"),
        to: root.join("set"),
        settings: ConversionSettings::default(),
        split: SplitSettings { test: 0.25, val: 0.25, ..Default::default() },
        command: vec!["counterpoint".into(), "prepare".into()],
    }
}

fn run(job: &Conversion) -> Result<Summary, PrepareError> {
    let mut plan = job.plan()?;
    job.run(&mut plan, &AtomicBool::new(false), &|_, _| {})
}

fn array(root: &Path, name: &str) -> NpyArray {
    decode(&fs::read(root.join("set").join(name)).unwrap()).unwrap()
}

fn texts(root: &Path, name: &str) -> Vec<String> {
    array(root, name).names().unwrap()
}

/// Whether the written configuration opens what was written; samples of train and val.
fn opens(root: &Path) -> [usize; 2] {
    let text = fs::read_to_string(root.join("set/train.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let data = toml::to_string(&table["data"]).unwrap();
    let splits = DataConfig::from_toml(&data).unwrap().open(&root.join("set")).unwrap();
    [splits.train.len(), splits.val.len()]
}

/// `sha256sum -c` of everything.
fn sums(root: &Path) -> usize {
    let text = fs::read_to_string(root.join("set/SHA256SUMS")).unwrap();
    for line in text.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let bytes = fs::read(root.join("set").join(name)).unwrap();
        let found: String =
            <sha2::Sha256 as sha2::Digest>::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, sum, "{name}");
    }
    text.lines().count()
}

#[test]
fn an_unaligned_export_becomes_features_with_lengths() {
    let root = folder("unaligned");
    raw(&root, &["unaligned_50.pkl"]);
    let summary = run(&job("mosi", &root)).unwrap();
    // One label of 7 and one copy of a test utterance are gone.
    assert_eq!((summary.clips, summary.splits, summary.unit), (18, [10, 4, 4], "utterances"));
    assert_eq!(
        cells(&root, "problems.csv", &["id", "found", "kept"]),
        [
            "vtest0$_$0 in-two-splits no",
            "vtrain1$_$1 not-finite yes",
            "vtrain2$_$0 not-finite yes",
            "vtrain2$_$1 no-steps yes",
            "vtrain3$_$0 length yes",
            "vtrain3$_$1 out-of-range no"
        ]
    );
    assert_eq!(array(&root, "text.npy").shape, [18, 6, 3]);
    assert_eq!(array(&root, "audio.npy").shape, [18, 8, 2]);
    // By the mask of BERT, by the given lengths, and capped where those are beyond the array.
    assert_eq!(texts(&root, "text_length.npy")[..7], ["2", "3", "4", "5", "6", "2", "3"].map(str::to_owned));
    assert_eq!(texts(&root, "audio_length.npy")[5], "0");
    assert_eq!(texts(&root, "vision_length.npy")[6], "5");
    assert_eq!(texts(&root, "id.npy")[0], "vtrain0$_$0");
    assert_eq!(texts(&root, "video.npy")[2], "vtrain1");
    let scores = array(&root, "score.npy").real().unwrap();
    assert_eq!((scores[0], scores[9]), (-3.0, 3.0), "the first and the last of train");
    assert_eq!(
        (texts(&root, "label.npy")[0].as_str(), texts(&root, "seven.npy")[9].as_str()),
        ("negative", "3")
    );
    assert_eq!(cells(&root, "words.csv", &["words"])[0], "words 0");
    assert!(array(&root, "audio.npy").real().unwrap().contains(&f32::NEG_INFINITY), "kept as they are");
    assert_eq!(opens(&root), [10, 4]);
    assert_eq!(sums(&root), 17);

    // The same call does nothing; a killed one continues; other settings make the arrays anew.
    let before = fs::metadata(root.join("set/audio.npy")).unwrap().modified().unwrap();
    assert_eq!(run(&job("mosi", &root)).unwrap().known, 18);
    assert_eq!(fs::metadata(root.join("set/audio.npy")).unwrap().modified().unwrap(), before);
    let whole = fs::read(root.join("set/text.npy")).unwrap();
    fs::write(root.join("set/text.npy"), "half").unwrap();
    run(&job("mosi", &root)).unwrap();
    assert_eq!(fs::read(root.join("set/text.npy")).unwrap(), whole);
    assert_eq!(fs::metadata(root.join("set/audio.npy")).unwrap().modified().unwrap(), before);
    let mut short = job("mosi", &root);
    short.settings.steps = Some(3);
    run(&short).unwrap();
    assert_eq!(array(&root, "audio.npy").shape, [18, 3, 2]);
    assert_eq!(opens(&root), [10, 4]);
    short.settings.void = Some(0);
    assert!(short.plan().err().unwrap().to_string().contains("--void is for label pictures"));
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn padding_in_front_is_moved_behind() {
    let root = folder("padded");
    raw(&root, &["mosi_data.pkl"]);
    let mut job = job("mosei", &root);
    job.from = root.join("raw/mosi_data.pkl");
    let summary = run(&job).unwrap();
    assert_eq!((summary.clips, summary.splits, summary.left_out), (20, [12, 4, 4], 0));
    let lengths = texts(&root, "audio_length.npy");
    assert_eq!(lengths[..5], ["5", "4", "3", "2", "5"].map(str::to_owned));
    assert_eq!(lengths, texts(&root, "text_length.npy"), "aligned");
    let text = array(&root, "text.npy");
    let steps = |row: usize| -> Vec<bool> {
        (0..5).map(|step| (0..3).any(|at| text.get((row * 5 + step) * 3 + at) != Some(0.0))).collect()
    };
    assert_eq!(steps(3), [true, true, false, false, false]);
    assert_eq!(texts(&root, "id.npy")[1], "vtrain1[0.5-1.5]");
    assert_eq!(opens(&root), [12, 4]);
    fs::remove_dir_all(&root).unwrap();
}

const SEQUENCES: [&str; 3] =
    ["CMU_MOSI_TimestampedWordVectors.csd", "CMU_MOSI_COVAREP.csd", "CMU_MOSI_Opinion_Labels.csd"];

#[test]
fn sequences_of_the_sdk_are_cut_by_the_intervals_of_their_labels() {
    let root = folder("sequences");
    raw(&root, &SEQUENCES);
    let raw = root.join("raw");
    fs::write(raw.join("train.txt"), "vid0\nvid1\nvid2\nvid3\n").unwrap();
    fs::write(raw.join("valid.txt"), "vid4\n").unwrap();
    fs::write(raw.join("test.txt"), "vid5\n").unwrap();
    let summary = run(&job("mosi", &root)).unwrap();
    assert_eq!((summary.clips, summary.splits), (12, [8, 2, 2]));
    assert!(summary.notes.iter().any(|note| note.contains("no file of `vision`")), "{:?}", summary.notes);
    // 10 steps a second: middles at 0.05, .., 2.45 and 2.55, .., 5.45.
    assert_eq!(texts(&root, "audio_length.npy")[..2], ["25", "30"].map(str::to_owned));
    let audio = array(&root, "audio.npy");
    assert_eq!(audio.shape, [12, 30, 2]);
    // Of the second segment of the fourth video: its steps from 25 on.
    assert_eq!((audio.get(7 * 60), audio.get(7 * 60 + 58)), (Some(325.0), Some(354.0)));
    assert_eq!(texts(&root, "text_length.npy")[..2], ["5", "6"].map(str::to_owned));
    assert_eq!(texts(&root, "id.npy")[7], "vid3[1]");
    assert_eq!(opens(&root), [8, 2]);
    // Without the folds whole videos are divided.
    for list in ["train.txt", "valid.txt", "test.txt"] {
        fs::remove_file(raw.join(list)).unwrap();
    }
    let plan = job("mosi", &root).plan().unwrap();
    assert!(plan.assigned.words.contains("whole groups"), "{}", plan.assigned.words);
    assert!(plan.notes().iter().any(|note| note.contains("standard folds")), "{:?}", plan.notes());
    // Labels of segments by their names, in a list.
    fs::remove_file(raw.join("CMU_MOSI_Opinion_Labels.csd")).unwrap();
    fs::write(raw.join("labels.csv"), "id,label,start,end\nvid0[0],1.5,0,1\nvid1[0],-1,0,1\nvid9[0],1,0,1\n")
        .unwrap();
    let plan = job("mosi", &root).plan().unwrap();
    assert_eq!((plan.samples(), plan.problems().len()), (2, 1));
    fs::remove_dir_all(&root).unwrap();
}

/// What planning or running says of a raw folder that holds one changed file.
fn refusal(name: &str, files: &[&str], change: impl Fn(&Path)) -> String {
    let root = folder(&format!("refused-{}", files.concat().len()));
    raw(&root, files);
    change(&root.join("raw"));
    let error = run(&job(name, &root)).unwrap_err().to_string();
    assert!(!root.join("set/provenance.json").exists());
    fs::remove_dir_all(&root).unwrap();
    error
}

#[test]
fn files_that_cannot_be_used_are_refused_by_name() {
    let evil = refusal("mosi", &["evil.pkl"], |_| {});
    assert!(evil.contains("evil.pkl") && evil.contains("`builtins.eval`, which is refused"), "{evil}");
    let cut = |name: &'static str, half: fn(usize) -> usize| {
        move |raw: &Path| {
            let bytes = fs::read(raw.join(name)).unwrap();
            fs::write(raw.join(name), &bytes[..half(bytes.len())]).unwrap();
        }
    };
    let short = refusal("mosi", &["unaligned_50.pkl"], cut("unaligned_50.pkl", |n| n / 2));
    assert!(short.contains("unaligned_50.pkl` is not used: its pickle ends too early"), "{short}");
    let pointer = refusal("mosi", &["unaligned_50.pkl"], |raw| {
        fs::write(raw.join("unaligned_50.pkl"), "version https://git-lfs.github.com/spec/v1\n").unwrap();
    });
    assert!(pointer.contains("git lfs pull"), "{pointer}");
    let two = refusal("mosi", &["unaligned_50.pkl", "mosi_data.pkl"], |_| {});
    assert!(two.contains("several exports") && two.contains("--from FILE"), "{two}");
    let short = refusal("mosi", &SEQUENCES, cut("CMU_MOSI_COVAREP.csd", |n| n / 3));
    assert!(short.contains("CMU_MOSI_COVAREP.csd` is truncated"), "{short}");
    let wrong = refusal("mosi", &["unaligned_50.pkl"], |raw| {
        fs::rename(raw.join("unaligned_50.pkl"), raw.join("COVAREP.csd")).unwrap();
    });
    assert!(wrong.contains("COVAREP.csd` is not an HDF5 file"), "{wrong}");
    let unlabelled = refusal("mosi", &SEQUENCES[..2], |_| {});
    assert!(unlabelled.contains("holds no labels"), "{unlabelled}");
    let unmapped = refusal("nyuv2", &["nyu_depth_v2_labeled.mat", "splits.mat"], |_| {});
    assert!(unmapped.contains("no classMapping40.mat"), "{unmapped}");
    let short = refusal("nyuv2", &NYU, cut("nyu_depth_v2_labeled.mat", |n| n - 500));
    assert!(short.contains("nyu_depth_v2_labeled.mat` is truncated"), "{short}");
    let nothing = refusal("nyuv2", &["splits.mat"], |_| {});
    assert!(nothing.contains("Expected"), "{nothing}");
}

const NYU: [&str; 3] = ["nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"];

#[test]
fn the_labelled_file_of_nyuv2_becomes_pictures() {
    let root = folder("nyuv2");
    raw(&root, &NYU);
    let summary = run(&job("nyuv2", &root)).unwrap();
    assert_eq!((summary.clips, summary.classes, summary.unit), (10, 40, "scenes"));
    assert_eq!(summary.splits, [6, 2, 2], "{}", summary.split);
    assert_eq!(cells(&root, "problems.csv", &["id", "found"]), ["0004 no-depth"]);
    // [n, 3, width, height], counted up: the picture 0001 at row 1, column 2.
    let picture = Bitmap::read(&root.join("set/rgb/0001.png")).unwrap();
    assert_eq!((picture.width, picture.height), (6, 4));
    let depth = Levels::read(&root.join("set/depth/0003.png")).unwrap();
    assert_eq!((depth.bits, depth.width, depth.values[0], depth.values[6]), (16, 6, 1235, 9999));
    assert_eq!(Levels::read(&root.join("set/depth/0004.png")).unwrap().values[0], 0);
    let labels = Levels::read(&root.join("set/label40/0001.png")).unwrap();
    // The first column of the file is 0, 1, 2, 3, the second 4, ..: by the mapping none, 40, 1, 2 and 2.
    let column = |x: usize| (0..4).map(|y| labels.values[y * 6 + x]).collect::<Vec<_>>();
    assert_eq!((column(0), column(1)), (vec![255, 39, 0, 1], vec![1, 38, 37, 2]));
    assert_eq!(cells(&root, "index.csv", &["id", "split", "group"])[9], "0010 test room_0004");
    assert_eq!(cells(&root, "classes.csv", &["id", "name"])[0], "0 class 1");
    // Both pictures of a room are in one split.
    let rooms = cells(&root, "index.csv", &["group", "split"]);
    assert!(rooms.chunks(2).all(|pair| pair[0] == pair[1]), "{rooms:?}");
    assert_eq!(opens(&root), [6, 2]);
    assert_eq!(sums(&root), 36);
    assert_eq!(run(&job("nyuv2", &root)).unwrap().known, 10);
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn folders_of_pictures_are_taken_over() {
    let root = folder("folders");
    raw(&root, &NYU);
    run(&job("nyuv2", &root)).unwrap();
    // What was made, laid out as it is passed on.
    let (made, raw) = (root.join("set"), root.join("raw"));
    fs::remove_dir_all(&raw).unwrap();
    for (from, to) in [("rgb", "image"), ("depth", "depth"), ("label40", "label")] {
        fs::create_dir_all(raw.join(to)).unwrap();
        for number in 1..=10 {
            let name = format!("{number:04}.png");
            fs::copy(made.join(from).join(&name), raw.join(to).join(&name)).unwrap();
        }
    }
    let list = |numbers: std::ops::Range<usize>| numbers.map(|n| format!("{n:04}\n")).collect::<String>();
    fs::write(raw.join("train.txt"), list(1..8)).unwrap();
    fs::write(raw.join("test.txt"), list(8..11) + "0099\n").unwrap();
    fs::remove_dir_all(&made).unwrap();
    fs::remove_file(raw.join("depth/0002.png")).unwrap();
    fs::write(raw.join("depth/0003.png"), "version https://git-lfs.github.com/spec/v1\n").unwrap();
    fs::copy(raw.join("label/0004.png"), raw.join("depth/0004.png")).unwrap();
    let summary = run(&job("nyuv2", &root)).unwrap();
    assert_eq!((summary.clips, summary.splits[2]), (8, 3));
    assert_eq!(
        cells(&root, "problems.csv", &["id", "found", "kept"]),
        ["0002 unreadable no", "0003 not-media no", "0004 few-bits yes", "0099 missing no"]
    );
    assert_eq!(Levels::read(&made.join("label40/0001.png")).unwrap().values[1], 1, "255 occurs: as they are");
    assert_eq!(Levels::read(&made.join("depth/0001.png")).unwrap().values[0], 1235);
    assert_eq!(summary.splits.iter().sum::<usize>(), 8);
    // Counted from 1, with 0 for none: said, because the largest class does not occur.
    fs::write(
        raw.join("classes.csv"),
        (0..41).fold("id,name\n".to_owned(), |t, n| t + &format!("{n},c{n}\n")),
    )
    .unwrap();
    fs::remove_dir_all(&made).unwrap();
    let mut said = job("nyuv2", &root);
    said.settings.void = Some(0);
    let error = run(&said).unwrap_err().to_string();
    assert!(error.contains("none of the 8 scenes"), "{error}");
    fs::remove_dir_all(&root).unwrap();
}
