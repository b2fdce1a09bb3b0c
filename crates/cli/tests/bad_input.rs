//! Bad input gets a message that helps, a documented exit code, and loses nothing.

mod support;

use support::Toy;

#[test]
fn broken_recordings_are_named() {
    for (content, what) in [(&b""[..], "empty"), (b"this is no sound at all", "not a wav"), (b"RIFF", "cut")]
    {
        let toy = Toy::new();
        std::fs::write(toy.dir.join("5.wav"), content).unwrap();
        let said = toy.train(&[]);
        assert_eq!(said.code, 4, "{what}: {}", said.err);
        assert!(said.err.contains("5.wav"), "{what}: {}", said.err);
    }
    let toy = Toy::new();
    let whole = toy.bytes("5.wav");
    std::fs::write(toy.dir.join("5.wav"), &whole[..whole.len() / 2]).unwrap();
    toy.train(&[]).fails(4, &["5.wav"]);
}

#[test]
fn unusual_but_sound_recordings_are_used() {
    let toy = Toy::new();
    let spec = |channels, bits| hound::WavSpec {
        channels,
        sample_rate: 8000,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    for (file, channels, bits, samples) in
        [("0.wav", 2, 16, 8000), ("1.wav", 1, 24, 4000), ("4.wav", 1, 16, 1)]
    {
        let mut writer = hound::WavWriter::create(toy.dir.join(file), spec(channels, bits)).unwrap();
        for t in 0..samples {
            writer.write_sample((t * 37 % 200) * if bits == 24 { 20_000 } else { 100 }).unwrap();
        }
        writer.finalize().unwrap();
    }
    toy.train(&[]).succeeds();
}

#[test]
fn a_parameter_that_no_loss_reaches_is_named_before_training() {
    let toy = Toy::new();
    let said = toy.train(&["--set", "model.unimodal_heads=true"]);
    said.fails(3, &["`unimodal_head.audio.weight` and 3 more would never learn", "no loss of this strategy"]);
    // The word of earlier versions is read.
    toy.train(&["--dry-run", "--set", "model.solo_heads=true"]).fails(3, &["`unimodal_head.audio.weight`"]);
}

#[test]
fn divergence_stops_and_keeps_the_last_good_checkpoint() {
    let toy = Toy::new();
    toy.train(&["--set", "optimizer.lr=1e30"]).fails(5, &["is NaN", "epoch", "lower optimizer.lr"]);
    let log = String::from_utf8(toy.bytes("run/metrics.jsonl")).unwrap();
    assert!(log.lines().last().unwrap().contains("NaN"), "the record says why: {log}");
    if toy.dir.join("run/checkpoints/last.safetensors").exists() {
        counterpoint::train::Checkpoint::read(&toy.dir.join("run/checkpoints/last.safetensors")).unwrap();
    }
}

#[test]
fn unusable_checkpoints_say_what_is_wrong() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let path = toy.dir.join("run/checkpoints/last.safetensors");
    let good = std::fs::read(&path).unwrap();

    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    toy.run(&["evaluate", "run"]).fails(7, &["last.safetensors", "truncated"]);

    let newer = replace(&good, br#"\"format\":1"#, br#"\"format\":9"#);
    std::fs::write(&path, newer).unwrap();
    toy.run(&["evaluate", "run"]).fails(7, &["format 9", "reads up to 1"]);

    std::fs::write(&path, b"").unwrap();
    toy.train(&["--resume"]).fails(7, &["last.safetensors"]);

    let other = Toy::new();
    other.train(&["--set", "model.encoder.channels=[4, 6]"]).succeeds();
    std::fs::copy(other.dir.join("run/checkpoints/last.safetensors"), &path).unwrap();
    toy.run(&["evaluate", "run"]).fails(7, &["does not match the model", "shape"]);
    assert!(
        !toy.dir.join("run/test_accesses.jsonl").exists(),
        "an access that failed before the seal does not count"
    );
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|w| w == from).expect("the header holds it");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[cfg(target_os = "linux")]
#[test]
fn folders_that_cannot_be_written_are_named() {
    let toy = Toy::new();
    toy.run(&["train", "toy.toml", "--out", "/proc/counterpoint"])
        .fails(7, &["cannot create run folder /proc/counterpoint"]);
    toy.write("file", "");
    toy.run(&["train", "toy.toml", "--out", "file/run"]).fails(7, &["file/run"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_the_checkpoint_before() {
    // A limit on the size of written files stands in for the full disk: the
    // write fails in the middle of a checkpoint.
    let toy = Toy::new();
    toy.train(&["--set", "train.epochs=2"]).succeeds();
    let size = toy.bytes("run/checkpoints/best.safetensors").len() / 512;
    let script = format!(
        "trap '' XFSZ; ulimit -f {size}; exec {} train toy.toml --out full --set train.epochs=2",
        env!("CARGO_BIN_EXE_counterpoint")
    );
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(&toy.dir).output().unwrap();
    support::said(output).fails(7, &["cannot write", "safetensors"]);
    assert!(!toy.dir.join("full/checkpoints/last.safetensors.partial").exists(), "no half file is left");
    toy.run(&["train", "--resume", "--out", "full"]).succeeds();
    assert_eq!(toy.bytes("full/checkpoints/last.safetensors"), toy.bytes("run/checkpoints/last.safetensors"));
}

#[test]
fn a_run_of_one_modality_with_layers_of_a_fusion_is_of_an_older_version_and_says_so() {
    let toy = Toy::new();
    let unimodal = ["strategy.name=unimodal", "strategy.modality=audio", "model.fusion.name=gated"];
    let set: Vec<&str> = unimodal.iter().flat_map(|set| ["--set", set]).collect();
    toy.train(&set).succeeds();
    toy.run(&["evaluate", "run"]).succeeds();
    let path = toy.dir.join("run/checkpoints/best.safetensors");
    let older = replace(&std::fs::read(&path).unwrap(), br#""head.weight""#, br#""fusion.gate""#);
    std::fs::write(&path, older).unwrap();
    toy.run(&["evaluate", "run"])
        .fails(7, &["does not match the model", "`fusion.gate`", "an encoder and a head", "train it again"]);
}
