//! What loading holds in memory. One test, because all of a process share the allocator that counts.

mod support;

use std::fs::File;
use std::io::Write;

use counterpoint_batch::BatchSource;
use counterpoint_data::{DataConfig, Loader, LoaderOptions};
use counterpoint_kernels::{Amounts, Recycler};
use support::{Folder, write_png};

/// Counts blocks of 64 KiB and more, which is all that grows with recordings and pictures.
#[global_allocator]
static MEMORY: Recycler = Recycler::new();

const MIB: usize = 1 << 20;
const PICTURES: usize = 100;

/// How much more was in use at one time, and how many blocks were fetched from the system, while `f` ran.
fn during(f: impl FnOnce()) -> (usize, usize) {
    let before = MEMORY.amounts();
    f();
    let Amounts { peak, fetched, .. } = MEMORY.amounts();
    (peak - before.peak, fetched - before.fetched)
}

/// 20 minutes at 16 kHz, 16 bits, mono: a header, and silence that takes no room on the disk.
fn long_recording(folder: &Folder) {
    let bytes = 20 * 60 * 16_000 * 2u32;
    let mut header = b"RIFF".to_vec();
    header.extend((36 + bytes).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend([16_000u32, 32_000].iter().flat_map(|n| n.to_le_bytes()));
    header.extend(b"\x02\0\x10\0data");
    header.extend(bytes.to_le_bytes());
    let mut file = File::create(folder.file("long.wav")).unwrap();
    file.write_all(&header).unwrap();
    file.set_len(44 + u64::from(bytes)).unwrap();
}

fn list(folder: &Folder, name: &str, modality: &str, file: impl Fn(usize) -> String, train: usize) {
    let mut csv = format!("id,split,label,{modality}\n");
    for i in 0..train + 2 {
        let split = ["val", "test"].get(i.wrapping_sub(train)).unwrap_or(&"train");
        csv += &format!("{i},{split},{},{}\n", ["a", "b"][i % 2], file(i));
    }
    std::fs::write(folder.file(name), csv).unwrap();
}

fn loader(folder: &Folder, keys: &str, workers: usize) -> Loader {
    let config =
        DataConfig::from_toml(&format!("name = \"manifest\"\nbatch_size = 4\nprefetch = 2\n{keys}")).unwrap();
    let splits = config.open(&folder.0).unwrap();
    Loader::new(splits.train, LoaderOptions { workers, ..LoaderOptions::train(&config.common, 3) }).unwrap()
}

fn pass(loader: &Loader, epoch: usize) {
    loader.epoch(epoch, 0).for_each(|batch| assert_eq!(batch.unwrap().len(), 4));
}

#[test]
fn memory_does_not_grow_with_recordings_sets_or_epochs() {
    let folder = Folder::new("memory");
    long_recording(&folder);
    list(&folder, "long.csv", "sound", |_| "long.wav".into(), 4);
    let sound = "root = \"long.csv\"\ncache_mb = 0\n[modality.sound]\nkind = \"audio\"\nalign = \"centre\"\nnormalise = \"none\"\n";
    let (more, _) = during(|| pass(&loader(&folder, sound, 0), 0));
    // One second at 16 kHz; the whole would be 73 MiB.
    assert!(more < 2 * MIB, "a window of a recording of 20 minutes took {more} bytes");

    // 13 MB of pixels for a budget of 1 MiB.
    (0..PICTURES).for_each(|i| write_png(&folder.file(&format!("{i}.png")), 360, 360, i as u32));
    list(&folder, "faces.csv", "face", |i| format!("{}.png", i % PICTURES), PICTURES);
    let faces = |cache: usize| {
        format!(
            "root = \"faces.csv\"\naugment = true\ncache_mb = {cache}\n[modality.face]\nkind = \"image\"\nsize = 64\n\
             normalise = \"none\"\n"
        )
    };
    let small = loader(&folder, &faces(1), 2);
    let (more, _) = during(|| (0..2).for_each(|epoch| pass(&small, epoch)));
    assert!(more < 4 * MIB, "a set that is ten times the budget took {more} bytes");

    // The measure sees what is held: with room for all of it, most is.
    let large = loader(&folder, &faces(64), 2);
    let (more, _) = during(|| pass(&large, 0));
    assert!(more > 8 * MIB, "all pictures are kept, but only {more} bytes were counted");

    // With nothing else going on, an epoch uses the blocks of those before it. As many may wait as were in use at
    // most, so this comes after what took the most.
    drop((small, large));
    let alone = loader(&folder, &faces(1), 0);
    (0..2).for_each(|epoch| pass(&alone, epoch));
    let (_, fetched) = during(|| pass(&alone, 2));
    assert_eq!(fetched, 0, "blocks were asked of the system in the third epoch");
}
