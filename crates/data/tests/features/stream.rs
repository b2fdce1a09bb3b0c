//! Arrays that stay on the disc.

use std::fs;

use crate::arrays::{TEXT, floats, folder, message, open};
use crate::support::write_npy;

#[test]
fn streamed_arrays_are_the_same_as_in_memory() {
    let folder = folder(&TEXT);
    // Times far from 0 in 64 bits, with a gap and one that is infinite.
    let offsets = [0.0, 0.25, f64::NAN, 1.0, f64::INFINITY, 3.0, 1.0, 2.0, 4.0, 5.0, 6.0, 8.0];
    let times: Vec<u8> = offsets.iter().flat_map(|v| (1.7e9 + v).to_le_bytes()).collect();
    write_npy(&folder.file("time.npy"), "<f8", "(6, 2)", &times);
    for nan in ["zero", "mean", "drop"] {
        let keys = format!("modalities = [\"time\", \"text\", \"sound\"]\nnan = \"{nan}\"\n");
        let memory = open(&folder, &keys).unwrap();
        let disc = open(&folder, &format!("{keys}stream = true")).unwrap();
        assert_eq!(memory.preparations, disc.preparations, "{nan}");
        assert_eq!(memory.notes, disc.notes);
        assert_eq!(memory.fingerprint().unwrap(), disc.fingerprint().unwrap());
        for index in 0..memory.train.len() {
            assert_eq!(memory.train.sample(index, None).unwrap(), disc.train.sample(index, None).unwrap());
        }
    }
    let errors =
        ["", "stream = true"].map(|key| message(&folder, &format!("modalities = [\"time\"]\n{key}")));
    assert_eq!(errors[0], errors[1]);
}

#[test]
fn files_that_cannot_be_streamed_are_refused() {
    let folder = folder(&TEXT);
    let keys = "modalities = [\"text\"]\nstream = true\n";
    let splits = open(&folder, keys).unwrap();
    let whole = fs::read(folder.file("text.npy")).unwrap();
    fs::write(folder.file("text.npy"), &whole[..whole.len() - 4]).unwrap();
    let read = splits.test.open("what is gone").unwrap().sample(0, None).unwrap_err().to_string();
    assert!(read.contains("text.npy` is shorter than when it was opened"), "{read}");
    let cut = message(&folder, keys);
    assert!(cut.contains("text.npy`: has") && cut.contains("truncated or damaged"), "{cut}");
    write_npy(&folder.file("text.npy"), "<U1", "(6, 3)", &[0; 72]);
    assert!(message(&folder, keys).contains("text.npy`: holds texts, expected numbers"));
    let header = "{'descr': '<f4', 'fortran_order': True, 'shape': (6, 3), }\n";
    let head = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    fs::write(folder.file("text.npy"), [head, floats(&TEXT)].concat()).unwrap();
    assert!(message(&folder, keys).contains("is column-major"));
    assert!(open(&folder, &keys.replace("stream = true", "")).is_ok(), "in memory it is read");
}
