//! Users' own files: what works, and what each mistake says.

mod support;

use std::fs;

use counterpoint_batch::{BatchSource, Target};
use counterpoint_data::{
    Check, DataConfig, DataError, ErrorKind, Loader, LoaderOptions, Preparation, Progress, Splits,
};
use support::{Folder, write_png, write_wav};

const KEYS: &str = "name = \"manifest\"\nroot = \"clips.csv\"\nbatch_size = 2\n\
    [modality.sound]\nkind = \"audio\"\nrate = 8000\nsamples = 800\nn_fft = 64\nhop = 100\nbins_per_group = 4\nframes = 8\n\
    [modality.face]\nkind = \"image\"\nsize = [6, 8]\n";

const LINES: [&str; 7] = [
    "id,split,label,group,sound,face",
    "a,train,yes,ann,a.wav,a.png",
    "b,train,no,ann,b.wav,",
    "c,train,yes,bob,,a.png",
    "d,val,no,cy,c.wav,b.png",
    "e,test,yes,dee,a.wav,a.png",
    "f,test,no,dee,b.wav,b.png",
];

/// A folder with three recordings, two pictures and the list.
fn folder() -> Folder {
    let folder = Folder::new("manifest");
    for (name, samples) in [("a.wav", 700), ("b.wav", 900), ("c.wav", 1)] {
        write_wav(&folder.file(name), samples, 0.3);
    }
    write_png(&folder.file("a.png"), 8, 6, 1);
    write_png(&folder.file("b.png"), 11, 9, 2);
    list(&folder, &LINES);
    folder
}

fn list(folder: &Folder, lines: &[&str]) {
    fs::write(folder.file("clips.csv"), format!("\u{feff}{}\n", lines.join("\n"))).unwrap();
}

fn open(folder: &Folder, keys: &str) -> Result<Splits, DataError> {
    DataConfig::from_toml(keys)?.open(&folder.0)
}

/// Kind and message when one line of the list is another.
fn with_line(number: usize, line: &str) -> (ErrorKind, String) {
    let folder = folder();
    let mut lines = LINES;
    lines[number] = line;
    list(&folder, &lines);
    let error = open(&folder, KEYS).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn files_of_any_size_become_arrays_and_gaps_stay_gaps() {
    let folder = folder();
    let splits = open(&folder, KEYS).unwrap();
    assert_eq!(splits.classes, ["no", "yes"]);
    let shapes: Vec<_> = splits.modalities().iter().map(|m| (m.name.as_str(), m.shape.clone())).collect();
    assert_eq!(shapes, [("sound", vec![1, 8, 8]), ("face", vec![1, 6, 8])]);
    assert_eq!(splits.train.present_counts(), [2, 2]);
    assert_eq!(splits.train.groups().collect::<Vec<_>>(), [Some("ann"), Some("ann"), Some("bob")]);
    let deaf = splits.train.sample(2, None).unwrap();
    assert!(deaf.inputs[0].is_none() && deaf.inputs[1].is_some());
    assert_eq!(deaf.target, Target::Class(1));
    // One sample of sound is padded with silence.
    let short = splits.val.sample(0, None).unwrap().inputs.remove(0).unwrap();
    assert!(short.values().iter().all(|v| v.is_finite()));
    let config = DataConfig::from_toml(KEYS).unwrap();
    let loader = Loader::new(splits.train, LoaderOptions::eval(&config.common)).unwrap();
    let first = loader.epoch(0, 0).next().unwrap().unwrap();
    assert_eq!((first.len(), &first.inputs[1].present), (2, &vec![true, false]));
}

#[test]
fn order_and_classes_can_be_chosen() {
    let folder = folder();
    let keys = format!("modalities = [\"face\", \"sound\"]\nclasses = [\"yes\", \"no\"]\n{KEYS}");
    let splits = open(&folder, &keys).unwrap();
    assert_eq!(splits.modalities()[0].name, "face");
    assert_eq!(splits.train.labels().next(), Some(0));
}

#[test]
fn films_are_folders_or_strips() {
    let folder = folder();
    fs::create_dir(folder.file("film")).unwrap();
    for number in [1, 2, 10] {
        write_png(&folder.file(&format!("film/{number}.png")), 4, 4, number);
    }
    write_png(&folder.file("strip.png"), 12, 4, 5);
    let lines =
        ["id,split,label,film", "a,train,0,film", "b,train,1,strip.png", "c,val,0,film", "d,test,1,film"];
    list(&folder, &lines);
    let keys = "name = \"manifest\"\nroot = \"clips.csv\"\n[modality.film]\nkind = \"video\"\nsize = 4\n";
    let message = open(&folder, keys).unwrap_err().to_string();
    assert!(message.contains("so a film strip; set `frame_width`"), "{message}");
    let keys = format!("{keys}frame_width = 4\nnormalise = \"none\"\n");
    let splits = open(&folder, &keys).unwrap();
    assert_eq!(splits.modalities()[0].shape, [1, 3, 4, 4]);
    let film = splits.train.sample(0, None).unwrap().inputs.remove(0).unwrap();
    let last = splits.preparations[0].prepare_file(&folder.file("film")).unwrap();
    assert_eq!(film, last);
    // 10.png is the last frame, though it comes second by alphabet: its first pixel is 10 * 31 mod 256.
    assert_eq!(film.values()[32], 54.0 / 255.0);
    let recording =
        ["id,split,label,film", "a,train,0,film", "b,train,1,a.wav", "c,val,0,film", "d,test,1,film"];
    list(&folder, &recording);
    let message = open(&folder, &keys.replace("frame_width = 4", "")).unwrap_err().to_string();
    assert!(message.contains("a.wav`: is a WAV recording") && message.contains("\"audio\""), "{message}");
}

/// A film of ten frames among what operating systems leave in folders.
#[test]
fn films_show_frames_spread_over_them_and_no_hidden_file() {
    let folder = folder();
    fs::create_dir_all(folder.file("film/thumbs.png")).unwrap();
    for number in 1..=10 {
        write_png(&folder.file(&format!("film/f{number}_a.png")), 4, 4, number);
    }
    fs::write(folder.file("film/._f1_a.png"), b"\0\x05\x16\x07").unwrap();
    fs::write(folder.file("film/Thumbs.db"), b"x").unwrap();
    // Never looked at: the first of ten frames is in no middle of a third.
    fs::write(folder.file("film/f1_a.png"), b"").unwrap();
    list(
        &folder,
        &["id,split,label,film", "a,train,0,film", "b,train,1,film", "c,val,0,film", "d,test,1,film"],
    );
    let keys = "name = \"manifest\"\nroot = \"clips.csv\"\n[modality.film]\nkind = \"video\"\nsize = 4\nnormalise = \"none\"\n";
    let first_pixels = |rule: &str| {
        let splits = open(&folder, &format!("{keys}{rule}")).unwrap();
        let film = splits.val.sample(0, None)?.inputs.remove(0).unwrap();
        Ok::<_, DataError>([0, 16, 32].map(|at| film.values()[at] * 255.0))
    };
    // Middles of thirds of ten: frames 2, 6 and 9, named f2, f6 and f9.
    assert_eq!(first_pixels("").unwrap().map(f32::round), [2.0 * 31.0, 6.0 * 31.0, (9 * 31 % 256) as f32]);
    let error = first_pixels("rule = \"first-sorted\"").unwrap_err().to_string();
    assert!(error.contains("f1_a.png`: is empty"), "{error}");
}

#[test]
fn every_mistake_in_the_list_names_its_line() {
    for (number, line, kind, message) in [
        (4, "d,dev2,no,cy,c.wav,b.png", ErrorKind::Split, "line 5: split `dev2` must be train, val or test"),
        (4, "a,val,no,cy,c.wav,b.png", ErrorKind::Split, "two samples have the id `a`"),
        (4, "d,train,no,cy,c.wav,b.png", ErrorKind::Split, "the val split is empty"),
        (4, ",val,no,cy,c.wav,b.png", ErrorKind::Format, "line 5: `id` is empty"),
        (4, "d,val,no,cy,c.wav", ErrorKind::Format, "line 5 has 5 cells, the header names 6 columns"),
        (4, "d,val,no,cy,,", ErrorKind::Split, "sample `d` has no modality"),
        (2, "b,test,no,ann,b.wav,", ErrorKind::Label, "class `no` has no sample in the train split"),
        (4, "d,val,no,cy,gone.wav,b.png", ErrorKind::Missing, "gone.wav` of sample `d` does not exist"),
        (
            0,
            "id,split,label,group,noise,face",
            ErrorKind::Missing,
            "has no column `sound`, it has: id, split",
        ),
        (0, "id,split,label,face,sound,face", ErrorKind::Format, "column `face` occurs twice"),
    ] {
        let (found, text) = with_line(number, line);
        assert_eq!(found, kind, "{line}: {text}");
        assert!(text.contains(message), "{line}: {text}");
    }
}

#[test]
fn labels_must_be_classes() {
    let folder = folder();
    let error = open(&folder, &format!("classes = [\"yes\", \"nein\"]\n{KEYS}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Label);
    assert!(
        error.to_string().contains("label `no` of sample `b` is not one of the 2 classes (yes, nein)"),
        "{error}"
    );
    let error = open(&folder, &format!("classes = [\"yes\", \"no\", \"perhaps\"]\n{KEYS}")).unwrap_err();
    assert!(error.to_string().contains("class `perhaps` has no sample in the train split"), "{error}");
}

#[test]
fn keys_that_do_not_fit_are_refused_by_name() {
    let folder = folder();
    let message = |keys: &str| open(&folder, keys).unwrap_err().to_string();
    let unlisted = format!("{KEYS}[modality.smell]\nkind = \"audio\"\n");
    assert!(message(&unlisted).contains("has no column `smell`"));
    assert!(message(&KEYS.replace("size = [6, 8]", "")).contains("modality `face`: `size` is missing"));
    assert!(message(&KEYS.replace("\"image\"", "\"hologram\"")).contains("hologram"));
    let misspelt = message(&KEYS.replace("hop = 100", "hopp = 100"));
    assert!(misspelt.contains("`modality.sound.hopp`: unknown field `hopp`"), "{misspelt}");
    assert!(
        message("name = \"manifest\"\nroot = \"clips.csv\"").contains("add a table [data.modality.NAME]")
    );
    assert!(message("name = \"manifest\"").contains("`root` is missing: the CSV file"));
    let folder_root = message(&KEYS.replace("clips.csv", "."));
    assert!(folder_root.contains("holds no manifest.csv; give the CSV file"), "{folder_root}");
    fs::copy(folder.file("clips.csv"), folder.file("manifest.csv")).unwrap();
    assert!(open(&folder, &KEYS.replace("clips.csv", ".")).is_ok(), "a folder stands for its manifest.csv");
    fs::write(folder.file("clips.csv"), "id,split,label,sound,face\n").unwrap();
    assert!(message(KEYS).contains("has no line after its header"));
}

#[test]
fn damaged_files_name_sample_modality_and_file() {
    let folder = folder();
    let whole = fs::read(folder.file("c.wav")).unwrap();
    for (file, bytes, message) in [
        ("c.wav", &b"not a wav"[..], "is of an unknown kind, expected a recording"),
        ("c.wav", &whole[..45], "truncated or damaged: its header announces 1 samples, 0 could be read"),
        ("b.png", &b"\x89PNG\r\n\x1a\n"[..], "the PNG picture is damaged"),
        ("b.png", &[][..], "is empty, expected a PNG or JPEG picture"),
    ] {
        let before = fs::read(folder.file(file)).unwrap();
        fs::write(folder.file(file), bytes).unwrap();
        let splits = open(&folder, KEYS).unwrap();
        let config = DataConfig::from_toml(KEYS).unwrap();
        for workers in [0, 2] {
            let options = LoaderOptions { workers, ..LoaderOptions::eval(&config.common) };
            let loader = Loader::new(splits.val.clone(), options).unwrap();
            let all: Vec<_> = loader.epoch(0, 0).collect();
            let text = all[0].as_ref().unwrap_err().to_string();
            assert!(all.len() == 1 && text.contains(message) && text.contains(file), "{text}");
            assert!(text.starts_with("sample `d`, modality"), "{text}");
        }
        fs::write(folder.file(file), before).unwrap();
    }
}

#[test]
fn a_preparation_refuses_files_of_another_kind_and_damaged_figures() {
    let folder = folder();
    let splits = open(&folder, KEYS).unwrap();
    let [sound, face] = &splits.preparations[..] else { panic!("two modalities") };
    let text = sound.prepare_file(&folder.file("a.png")).unwrap_err().to_string();
    assert!(
        text.starts_with("modality `sound`: `")
            && text.contains("a.png`: is a PNG picture, expected a recording"),
        "{text}"
    );
    let text = face.prepare_file(&folder.file("nothing.png")).unwrap_err().to_string();
    assert!(text.contains("nothing.png` does not exist"), "{text}");
    let saved = serde_json::to_string(sound).unwrap();
    for (from, to) in
        [("\"n_fft\":64", "\"n_fft\":0"), ("\"hop\":100", "\"hop\":0"), ("\"rate\":8000", "\"rate\":0")]
    {
        assert!(saved.contains(from), "{saved}");
        let damaged: Preparation = serde_json::from_str(&saved.replace(from, to)).unwrap();
        assert!(damaged.prepare_file(&folder.file("a.wav")).is_err(), "{to}");
    }
}

#[test]
fn labels_are_numbers_or_sets_if_the_configuration_says_so() {
    let folder = Folder::new("targets");
    for i in 0..4 {
        write_png(&folder.file(&format!("{i}.png")), 8, 8, i);
    }
    let csv = |labels: [&str; 4]| {
        let row = |(i, label): (usize, &str)| {
            format!("{i},{},{label},{i}.png\n", ["train", "train", "val", "test"][i])
        };
        let rows: String = labels.into_iter().enumerate().map(row).collect();
        fs::write(folder.file("list.csv"), format!("id,split,label,face\n{rows}")).unwrap();
    };
    let open = |keys: &str| {
        let text = format!(
            "name = \"manifest\"\nroot = \"list.csv\"\n{keys}\n[modality.face]\nkind = \"image\"\nsize = 8"
        );
        DataConfig::from_toml(&text)?.open(&folder.0)
    };
    csv(["0.5", "-2", "1", "3"]);
    let splits = open("target = \"value\"").unwrap();
    assert_eq!(splits.train.sample(1, None).unwrap().target, Target::Value(-2.0));
    assert!(open("target = \"value\"\nstratify = true").unwrap_err().to_string().contains("are not classes"));
    csv(["loud; fast", "", "fast", "loud"]);
    let splits = open("target = \"labels\"").unwrap();
    assert_eq!(splits.classes, ["fast", "loud"]);
    let flags = |i| splits.train.sample(i, None).unwrap().target;
    assert_eq!((flags(0), flags(1)), (Target::Labels(vec![true, true]), Target::Labels(vec![false, false])));
    assert!(open("target = \"value\"").unwrap_err().to_string().contains("loud; fast"));
}

#[test]
fn reading_tells_how_far_it_is() {
    use std::sync::{Arc, Mutex};
    let folder = folder();
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let progress =
        Progress::new(move |what, done, total| ear.lock().unwrap().push((what.to_owned(), done, total)));
    let splits = DataConfig::from_toml(KEYS).unwrap().open_watched(&folder.0, &progress).unwrap();
    splits.fingerprint().unwrap();
    splits.check(Check::Quick, 1).unwrap();
    let told = told.lock().unwrap();
    let of = |what: &str| told.iter().filter(|(w, ..)| w == what).map(|t| (t.1, t.2)).collect::<Vec<_>>();
    let mut fitted = of("sound samples for mean and deviation");
    fitted.sort_unstable(); // from several threads
    assert_eq!(fitted, [(0, 2), (1, 2)]);
    assert_eq!(of("samples compared by content").len(), 6);
    assert_eq!(of("files checked").len(), 10);
}

/// The same list as spreadsheets and other systems write it.
#[test]
fn lists_of_other_systems_read_alike() {
    let folder = folder();
    let plain = open(&folder, KEYS).unwrap().fingerprint().unwrap();
    fs::create_dir(folder.file("vo\u{ef}ces")).unwrap();
    fs::rename(folder.file("a.wav"), folder.file("vo\u{ef}ces/a.wav")).unwrap();
    let text = LINES.join("\r\n").replace("a.wav", "voi\u{308}ces\\a.wav").replace(',', ";");
    let wide: Vec<u8> = format!("\u{feff}{text}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.file("clips.csv"), wide).unwrap();
    assert_eq!(open(&folder, KEYS).unwrap().fingerprint().unwrap(), plain);
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_refused() {
    let folder = folder();
    fs::remove_file(folder.file("b.wav")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.file("b.wav")).unwrap();
    let message = open(&folder, KEYS).unwrap_err().to_string();
    assert!(message.contains("b.wav` is a device, pipe or socket, expected a file"), "{message}");
}
