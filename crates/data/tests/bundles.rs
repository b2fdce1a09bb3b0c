//! Files that are one sample by their names: in a folder for each class, and in tar archives.

mod support;

use std::fs;
use std::path::Path;

use counterpoint_batch::Target;
use counterpoint_data::doctor::{Checkup, Sketch};
use counterpoint_data::{Check, DataConfig, DataError, Progress, Splits};
use support::{Folder, write_png, write_wav};

const MODALITIES: &str = "[modality.sound]\nkind = \"audio\"\nrate = 8000\nsamples = 800\nn_fft = 64\nhop = 100\n\
    bins_per_group = 4\nframes = 8\n[modality.face]\nkind = \"image\"\nsize = [6, 8]\n\
    [modality.word]\nkind = \"text\"\ntokens = \"bytes\"\nlength = 8\n\
    [modality.age]\nkind = \"numeric\"\n[modality.city]\nkind = \"category\"\n";

fn open(folder: &Folder, root: &str, keys: &str) -> Result<Splits, DataError> {
    DataConfig::from_toml(&format!("root = \"{root}\"\n{keys}\n{MODALITIES}"))?.open(&folder.0)
}

/// `set/train/dog/0.wav`, `.png`, `.json` and so on, for two classes in three splits.
fn tree(folder: &Folder) {
    for (part, count) in [("train", 3), ("val", 1), ("test", 1)] {
        for (class, label) in ["cat", "dog"].iter().enumerate() {
            let below = folder.file(&format!("set/{part}/{label}"));
            fs::create_dir_all(&below).unwrap();
            for i in 0..count {
                let seed = i * 2 + class + part.len() * 10;
                write_wav(&below.join(format!("{i}.wav")), 700 + seed, 0.3);
                write_png(&below.join(format!("{i}.png")), 8, 6, seed as u32);
                fs::write(below.join(format!("{i}.txt")), format!("{label} {seed}")).unwrap();
                let json = format!(
                    "{{\"age\": {}, \"city\": \"{}\", \"group\": \"{part}{i}\"}}",
                    seed,
                    ["Rome", "Bonn"][i % 2]
                );
                fs::write(below.join(format!("{i}.json")), json).unwrap();
            }
            fs::write(below.join("read-me.md"), "nothing").unwrap();
        }
    }
}

#[test]
fn a_folder_is_a_class_and_a_name_a_sample() {
    let folder = Folder::new("folders");
    tree(&folder);
    let splits = open(&folder, "set", "name = \"folders\"").unwrap();
    assert_eq!(splits.classes, ["cat", "dog"]);
    assert_eq!(splits.train.ids().take(2).collect::<Vec<_>>(), ["train/cat/0", "train/cat/1"]);
    assert_eq!((splits.train.len(), splits.val.len(), splits.test.len()), (6, 2, 2));
    assert_eq!(splits.train.present_counts(), [6; 5]);
    let names: Vec<_> = splits.modalities().iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["age", "city", "face", "sound", "word"]);
    let sample = splits.train.sample(3, None).unwrap();
    assert_eq!(sample.target, Target::Class(1));
    assert_eq!(
        sample.inputs[4].as_ref().unwrap().values()[..3],
        [101.0, 112.0, 104.0],
        "d o g, one more each"
    );
    assert_eq!(splits.train.groups().next(), Some(Some("train0")));
    splits.check(Check::Full, 2).unwrap();
    // Without splits above the classes they are drawn at random.
    let message = open(&folder, "set/train", "name = \"folders\"").unwrap_err().to_string();
    assert!(
        message.contains("has no folders train, val and test") && message.contains("`stratify` = true"),
        "{message}"
    );
    let random =
        open(&folder, "set/train", "name = \"folders\"\nstratify = true\nfractions = [0.4, 0.3, 0.3]")
            .unwrap();
    assert_eq!((random.train.class_counts(), random.test.len()), (vec![1, 1], 2));
}

#[test]
fn two_pictures_of_a_sample_are_told_apart_by_their_modalities() {
    let folder = Folder::new("folders");
    for (class, part) in [("a", "train"), ("b", "train"), ("a", "val"), ("b", "test")] {
        let below = folder.file(&format!("set/{part}/{class}"));
        fs::create_dir_all(&below).unwrap();
        write_png(&below.join("v1.0.left.png"), 4, 4, 1);
        write_png(&below.join("v1.0.right.jpeg"), 4, 4, 2);
    }
    let open = |extra: &str| {
        let side =
            |name: &str| format!("[modality.{name}]\nkind = \"image\"\nsize = 4\nnormalise = \"none\"\n");
        let keys = format!("name = \"folders\"\nroot = \"set\"\n{}{}{extra}", side("left"), side("right"));
        DataConfig::from_toml(&keys).unwrap().open(&folder.0)
    };
    let splits = open("").unwrap();
    assert_eq!(splits.train.ids().collect::<Vec<_>>(), ["train/a/v1.0", "train/b/v1.0"]);
    let sample = splits.train.sample(0, None).unwrap();
    assert_ne!(sample.inputs[0], sample.inputs[1]);
    write_png(&folder.file("set/val/a/v1.0.left.jpg"), 4, 4, 3);
    let message = open("").unwrap_err().to_string();
    assert!(message.contains("are both of modality `left`; remove one"), "{message}");
    fs::remove_file(folder.file("set/val/a/v1.0.left.jpg")).unwrap();
    let film = open("[modality.film]\nkind = \"video\"\nsize = 4\n").unwrap_err().to_string();
    assert!(film.contains("modality `film`: there is no film") && film.contains("frame_width"), "{film}");
}

/// An archive of files in order.
fn pack(path: &Path, files: &[(&str, &[u8])]) {
    let mut tar = tar::Builder::new(fs::File::create(path).unwrap());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Names that the builder refuses are what is tested.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.finish().unwrap();
}

const TEXTS: &str =
    "name = \"shards\"\nroot = \"ROOT\"\n[modality.word]\nkind = \"text\"\ntokens = \"bytes\"\nlength = 4\n";

fn texts(folder: &Folder, root: &str) -> Result<Splits, DataError> {
    DataConfig::from_toml(&TEXTS.replace("ROOT", root)).unwrap().open(&folder.0)
}

#[test]
fn archives_of_others_are_read_in_place() {
    let folder = Folder::new("shards");
    pack(
        &folder.file("train-000.tar"),
        &[("a/x.txt", b"how"), ("a/x.cls", b"1\n"), ("b.txt", b"no"), ("b.cls", b"0")],
    );
    pack(&folder.file("train-001.tar"), &[("a.cls", b"0"), ("a.other.jpg", b"?"), ("a.txt", b"nice")]);
    pack(&folder.file("val-000.tar"), &[("a.txt", b"v"), ("a.cls", b"1")]);
    pack(&folder.file("test-000.tar"), &[("a.txt", b"t"), ("a.cls", b"1")]);
    for root in [".", "{train-{000..001},val-000,test-000}.tar"] {
        if root != "." {
            // Braces inside braces are no pattern that anybody writes.
            assert!(texts(&folder, root).is_err());
            continue;
        }
        let splits = texts(&folder, root).unwrap();
        assert_eq!(splits.train.ids().collect::<Vec<_>>(), ["train-000/a/x", "train-000/b", "train-001/a"]);
        assert_eq!(splits.train.labels().collect::<Vec<_>>(), [1, 0, 0]);
        let text =
            |i: usize| splits.train.sample(i, None).unwrap().inputs.remove(0).unwrap().values().to_vec();
        assert_eq!((text(1), text(2).len()), (vec![111.0, 112.0], 4));
    }
    let splits = texts(&folder, "{train,val,test}-000.tar").unwrap();
    assert_eq!((splits.train.len(), splits.val.len()), (2, 1));
    let missing = texts(&folder, "train-{000..004}.tar").unwrap_err().to_string();
    assert!(missing.contains("train-002.tar` does not exist"), "{missing}");
    let one = texts(&folder, "train-000.tar").unwrap_err().to_string();
    assert!(one.contains("the val split is empty"), "{one}");
    // What changes while it is used is not read as something else.
    let splits = texts(&folder, ".").unwrap();
    fs::write(folder.file("val-000.tar"), [0; 512]).unwrap();
    let gone = splits.val.sample(0, None).unwrap_err().to_string();
    assert!(gone.contains("`a.txt` in") && gone.contains("has changed since"), "{gone}");
}

#[test]
fn what_no_archive_of_samples_has_is_refused_by_name() {
    let folder = Folder::new("shards");
    let message = |files: &[(&str, &[u8])]| {
        pack(&folder.file("train-0.tar"), files);
        texts(&folder, "train-0.tar").unwrap_err().to_string()
    };
    assert!(message(&[("../a.txt", b"x")]).contains("the name `../a.txt` leads out of the archive"));
    assert!(message(&[("/etc/a.txt", b"x")]).contains("the name `/etc/a.txt` leads out"));
    assert!(message(&[("a.txt", b"x"), ("a.txt", b"y")]).contains("`a.txt` occurs twice"));
    assert!(
        message(&[("a.txt", b"x")]).contains("sample `a` of")
            && message(&[("a.txt", b"x")]).contains("has no label")
    );
    assert!(message(&[]).contains("holds no file"));
    assert!(message(&[("a.json", b"[1]"), ("a.txt", b"x")]).contains("expected a JSON object"));
    assert!(message(&[("a.json", b"{"), ("a.txt", b"x")]).contains("is no JSON"));
    assert!(message(&[("a.cls", b"\xff"), ("a.txt", b"x")]).contains("is no text in UTF-8"));
    let split: [(&str, &[u8]); 2] = [("a.json", b"{\"label\": 1, \"split\": \"some\"}"), ("a.txt", b"x")];
    assert!(message(&split).contains("split `some` must be train, val or test"));
    pack(&folder.file("data-0.tar"), &[("a.cls", b"1"), ("a.txt", b"x")]);
    let part = texts(&folder, "data-0.tar").unwrap_err().to_string();
    assert!(part.contains("data-0.tar` begins with none of train, val and test"), "{part}");
    let whole = fs::read(folder.file("data-0.tar")).unwrap();
    fs::write(folder.file("train-0.tar"), &whole[..700]).unwrap();
    let cut = texts(&folder, "train-0.tar").unwrap_err().to_string();
    assert!(cut.contains("train-0.tar`") && cut.contains("truncated"), "{cut}");
    fs::write(folder.file("train-0.tar"), b"\x1f\x8b\x08").unwrap();
    assert!(texts(&folder, "train-0.tar").unwrap_err().to_string().contains("unpack it with gunzip"));
    fs::write(folder.file("train-0.tar"), b"hello").unwrap();
    assert!(texts(&folder, "train-0.tar").unwrap_err().to_string().contains("no tar archive"));
    fs::create_dir(folder.file("none")).unwrap();
    assert!(texts(&folder, "none").unwrap_err().to_string().contains("holds no .tar archive"));
    let mut tar = tar::Builder::new(fs::File::create(folder.file("train-0.tar")).unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "a.txt", "/etc/passwd").unwrap();
    tar.into_inner().unwrap();
    let link = texts(&folder, "train-0.tar").unwrap_err().to_string();
    assert!(link.contains("`a.txt` is a link, expected files only"), "{link}");
}

#[test]
fn a_set_is_packed_and_read_again() {
    let folder = Folder::new("pack");
    tree(&folder);
    let config = DataConfig::from_toml(&format!("name = \"folders\"\nroot = \"set\"\n{MODALITIES}")).unwrap();
    let packed = config.pack(&folder.0, &folder.file("tars"), 20_000, &Progress::default()).unwrap();
    assert_eq!(packed.samples, 10);
    assert!(packed.shards.len() > 3, "{packed:?}");
    let bytes: u64 = packed.shards.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!(bytes, packed.bytes);
    let of = |splits: &Splits| splits.contents().unwrap().clone();
    let before = open(&folder, "set", "name = \"folders\"").unwrap();
    let after = open(&folder, "tars", "name = \"shards\"").unwrap();
    assert_eq!(of(&before).changes(&of(&after)), []);
    assert_eq!(before.classes, after.classes);
    for index in [0, 4] {
        assert_eq!(before.train.sample(index, None).unwrap(), after.train.sample(index, None).unwrap());
    }
    after.check(Check::Full, 2).unwrap();
    assert_eq!(after.leaks_decoded(1).unwrap().duplicates, before.leaks_decoded(1).unwrap().duplicates);
    // What is looked at and shown is the same as of the files.
    let tars = DataConfig::from_toml(&format!("name = \"shards\"\nroot = \"tars\"\n{MODALITIES}")).unwrap();
    let [files, tars] =
        [config.clone(), tars].map(|c| c.examine(&folder.0, 2, &Progress::default()).unwrap());
    assert!(tars.findings.iter().all(|finding| !finding.fault.fatal()), "{:?}", tars.findings);
    assert_eq!(tars.figures, files.figures);
    let faults = |of: &Checkup| of.findings.iter().map(|f| f.fault.clone()).collect::<Vec<_>>();
    assert_eq!(faults(&tars), faults(&files));
    for (packed, entry) in tars.entries.iter().zip(&files.entries) {
        let shown = files.sketches(entry);
        assert_eq!(
            shown.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["city", "face", "sound", "word"]
        );
        assert!(matches!(&shown[3].1, Sketch::Text(text) if !text.is_empty()), "{shown:?}");
        assert_eq!(tars.sketches(packed), shown, "{}", entry.id);
    }
    // The same samples are the same bytes, and nothing is written over.
    config.pack(&folder.0, &folder.file("again"), 20_000, &Progress::default()).unwrap();
    for path in &packed.shards {
        let other = folder.file("again").join(path.file_name().unwrap());
        assert!(fs::read(path).unwrap() == fs::read(other).unwrap());
    }
    let full =
        config.pack(&folder.0, &folder.file("tars"), 20_000, &Progress::default()).unwrap_err().to_string();
    assert!(full.contains("tars` is not empty; name a new one"), "{full}");
    // A file that is damaged inside an archive is named with it.
    let bytes = fs::read(&packed.shards[0]).unwrap();
    let at = bytes.windows(4).position(|four| four == b"\x89PNG").unwrap();
    let mut wrong = bytes.clone();
    wrong[at..at + 4].copy_from_slice(b"GIF8");
    fs::write(&packed.shards[0], &wrong).unwrap();
    let damaged = open(&folder, "tars", "name = \"shards\"")
        .and_then(|splits| splits.check(Check::Full, 1))
        .unwrap_err();
    assert!(
        damaged.to_string().contains("face.png` in `") && damaged.to_string().contains("GIF"),
        "{damaged}"
    );
}

#[test]
fn films_are_packed_frame_by_frame() {
    let folder = Folder::new("pack");
    let mut lines = vec!["id,split,label,film".to_owned()];
    for (i, part) in ["train", "train", "val", "test"].iter().enumerate() {
        fs::create_dir_all(folder.file(&format!("f{i}"))).unwrap();
        (0..11).for_each(|k| write_png(&folder.file(&format!("f{i}/{k}.png")), 4, 4, (k + i * 20) as u32));
        lines.push(format!("s.{i},{part},{},f{i}", i % 2));
    }
    fs::write(folder.file("list.csv"), lines.join("\n")).unwrap();
    let keys = "[modality.film]\nkind = \"video\"\nsize = 4\nframes = 4\n";
    let open = |name: &str, root: &str| {
        DataConfig::from_toml(&format!("name = \"{name}\"\nroot = \"{root}\"\n{keys}")).unwrap()
    };
    open("manifest", "list.csv").pack(&folder.0, &folder.file("tars"), 1, &Progress::default()).unwrap();
    let before = open("manifest", "list.csv").open(&folder.0).unwrap();
    let after = open("shards", "tars").open(&folder.0).unwrap();
    assert_eq!(before.train.sample(1, None).unwrap(), after.train.sample(1, None).unwrap());
    assert_eq!(before.leaks_decoded(1).unwrap(), after.leaks_decoded(1).unwrap());
}
