//! The metrics file: what is written comes back, whatever happened in between.

use std::{collections::BTreeMap, fs, path::PathBuf};

use counterpoint_report::record::{Appender, End, Epoch, Event, Log, Start, Test, Warning};

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("counterpoint-report-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self) -> PathBuf {
        self.0.join("metrics.jsonl")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn epoch(number: usize) -> Epoch {
    let scores =
        BTreeMap::from([("accuracy".to_owned(), 0.1 + 0.2), ("cross_entropy".to_owned(), f64::INFINITY)]);
    Epoch {
        epoch: number,
        seconds: 1.0 / 3.0,
        val: BTreeMap::from([("fused".to_owned(), scores.clone()), ("audio".to_owned(), scores)]),
        losses: BTreeMap::from([("fused".to_owned(), f64::NEG_INFINITY)]),
        grad_norm: Some(5e-324),
        ..Epoch::default()
    }
}

#[test]
fn every_event_comes_back_bit_for_bit() {
    let folder = Folder::new("roundtrip");
    let test = Test {
        split: "test".into(),
        confusion: BTreeMap::from([("fused".into(), vec![vec![3, 1], vec![0, 4]].into())]),
        class_iou: BTreeMap::from([("fused".into(), BTreeMap::from([("floor".to_owned(), 0.25)]))]),
        ..Test::default()
    };
    let events: Vec<Event> = vec![
        Start { name: "a\nb\u{2028}\"".into(), seed: Some(u64::MAX), ..Start::default() }.into(),
        epoch(1).into(),
        Warning { epoch: Some(1), ..Warning::default() }.into(),
        test.into(),
        End { reason: "finished".into(), ..End::default() }.into(),
    ];
    let mut out = Appender::open(folder.file()).unwrap();
    for event in &events {
        out.append(event.clone()).unwrap();
    }
    let log = Log::read(folder.file()).unwrap();
    assert_eq!(log.events, events);
    assert_eq!((log.torn, log.damaged.len(), log.unknown.len()), (false, 0, 0));
    assert_eq!(fs::read_to_string(folder.file()).unwrap().lines().count(), 5);
}

#[test]
fn nan_is_null_and_reads_as_nan() {
    let written =
        Event::from(Epoch { seconds: f64::NAN, grad_norm: Some(f64::NAN), ..Epoch::default() }).to_line();
    assert!(written.contains(r#""seconds":null"#) && !written.contains("NaN"), "{written}");
    let by_others = r#"{"event":"epoch","seconds":null,"val":{"fused":{"accuracy":null}},"learning_rate":1}"#;
    let earlier = r#"{"event":"epoch","val":{"fused":{"r2":"NaN"}}}"#;
    let log = Log::from_reader(format!("{written}\n{by_others}\n{earlier}\n").as_bytes()).unwrap();
    let Event::Epoch(ours) = &log.events[0] else { panic!() };
    assert!(ours.seconds.is_nan() && ours.grad_norm.is_none());
    let Event::Epoch(theirs) = &log.events[1] else { panic!() };
    assert!(theirs.seconds.is_nan() && theirs.val["fused"]["accuracy"].is_nan());
    assert_eq!(theirs.learning_rate, 1.0);
    assert_eq!(theirs.grad_norm, None);
    let Event::Epoch(old) = &log.events[2] else { panic!() };
    assert!(old.val["fused"]["r2"].is_nan());
}

#[test]
fn events_and_fields_of_a_newer_version_are_skipped_and_named() {
    let text = "{\"event\":\"hologram\",\"epoch\":2}\n{\"event\":\"end\",\"reason\":\"x\",\"karma\":[1]}\n\n";
    let log = Log::from_reader(text.as_bytes()).unwrap();
    assert_eq!(log.unknown, [(1, "hologram".to_owned())]);
    assert_eq!(log.end().unwrap().reason, "x");
}

#[test]
fn a_cut_at_any_byte_loses_at_most_the_last_line() {
    let folder = Folder::new("cut");
    let mut out = Appender::open(folder.file()).unwrap();
    (1..=3).for_each(|n| out.append(epoch(n)).unwrap());
    let bytes = fs::read(folder.file()).unwrap();
    let line = bytes.len() / 3;
    for cut in 0..bytes.len() {
        fs::write(folder.file(), &bytes[..cut]).unwrap();
        let log = Log::read(folder.file()).unwrap();
        // The line break alone may be missing: the line is whole without it.
        assert_eq!(log.epochs().len(), (cut + 1) / line, "cut at {cut}");
        assert!(log.damaged.is_empty());
        // An appender goes on with whole lines.
        Appender::open(folder.file()).unwrap().append(epoch(9)).unwrap();
        let log = Log::read(folder.file()).unwrap();
        assert!(!log.torn && log.damaged.is_empty(), "cut at {cut}");
        assert_eq!(log.epochs().len(), (cut + 1) / line + 1);
    }
}

#[test]
fn zeros_left_by_a_power_loss_are_cut_off() {
    let folder = Folder::new("zeros");
    let mut bytes = Event::from(epoch(1)).to_line().into_bytes();
    bytes.push(b'\n');
    bytes.extend([0; 4096]);
    fs::write(folder.file(), bytes).unwrap();
    assert!(Log::read(folder.file()).unwrap().torn);
    Appender::open(folder.file()).unwrap().append(epoch(2)).unwrap();
    assert_eq!(Log::read(folder.file()).unwrap().epochs().len(), 2);
}

#[test]
fn damage_in_the_middle_is_named_and_hides_nothing_else() {
    let text = format!(
        "{}\nnot json\n{{\"event\":7}}\n\u{fffd}\n[]\n{{\"event\":\"epoch\",\"epoch\":-1}}\n{}\n",
        Event::from(epoch(1)).to_line(),
        "[".repeat(10_000)
    );
    let log = Log::from_reader(text.as_bytes()).unwrap();
    assert_eq!(log.epochs().len(), 1);
    assert_eq!(log.damaged.iter().map(|d| d.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
}

#[test]
fn resuming_forgets_later_epochs_but_no_look_at_the_test_split() {
    let folder = Folder::new("resume");
    let mut out = Appender::open(folder.file()).unwrap();
    out.append(Start::default()).unwrap();
    for n in 1..=4 {
        out.append(epoch(n)).unwrap();
        out.append(Warning { epoch: Some(n), ..Warning::default() }).unwrap();
    }
    out.append(Test { epoch: 4, ..Test::default() }).unwrap();
    out.append(End::default()).unwrap();
    let mut text = fs::read_to_string(folder.file()).unwrap();
    text.push_str("{\"event\":\"hologram\",\"epoch\":3}\n{\"event\":\"hologram\"}\n{\"event\":\"epo");
    fs::write(folder.file(), text).unwrap();

    let mut out = Appender::resume(folder.file(), 2).unwrap();
    out.append(epoch(3)).unwrap();
    let log = Log::read(folder.file()).unwrap();
    assert_eq!(log.epochs().iter().map(|e| e.epoch).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(log.warnings().count(), 2);
    assert_eq!(log.tests().count(), 1);
    assert_eq!((log.end(), log.unknown.len(), log.torn), (None, 1, false));
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn resuming_without_a_file_starts_one() {
    let folder = Folder::new("fresh");
    Appender::resume(folder.file(), 5).unwrap().append(Start::default()).unwrap();
    assert!(Log::read(folder.file()).unwrap().start().is_some());
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let error = Log::read("no/such/metrics.jsonl").unwrap_err();
    assert!(error.to_string().starts_with("cannot read no/such/metrics.jsonl: "), "{error}");
}
