//! HDF5 as h5py writes it (`data/make.py`), and damaged.

use std::io::Cursor;

use counterpoint_batch::npy::{NpyArray, Values};
use counterpoint_formats::FormatError;
use counterpoint_formats::hdf5::{Address, Hdf5};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn values(name: &str, path: &str) -> Result<NpyArray, FormatError> {
    let mut file = Hdf5::open(Cursor::new(file(name)))?;
    let at = file.find(file.root(), path)?;
    let set = file.dataset(at)?;
    file.values(&set)
}

fn message(name: &str, path: &str) -> String {
    values(name, path).unwrap_err().to_string()
}

#[test]
fn values_are_those_that_were_written() {
    let numbers: Vec<i64> = (0..105).collect();
    let array = |shape: &[usize], values: Values| Ok(NpyArray { shape: shape.to_vec(), values });
    assert_eq!(values("old.h5", "packed"), array(&[7, 5, 3], Values::Whole(numbers)));
    assert_eq!(values("old.h5", "plain"), array(&[10], Values::Double((0..10).map(f64::from).collect())));
    assert_eq!(values("old.h5", "big"), array(&[3], Values::Real(vec![0.0, 1.0, 2.0])));
    assert_eq!(values("old.h5", "texts"), Ok(NpyArray::texts(&["abc", "de"])));
    assert_eq!(values("old.h5", "SEQ/data/vid07/features"), array(&[2, 2], Values::Real(vec![7.0; 4])));
    assert_eq!(values("links.h5", "a"), array(&[3], Values::Whole(vec![0, 1, 2])));
}

#[test]
fn references_lead_to_objects_and_rows_are_read_alone() {
    let mut file = Hdf5::open(Cursor::new(file("old.h5"))).unwrap();
    let at = file.find(file.root(), "reference").unwrap();
    let set = file.dataset(at).unwrap();
    let Values::Whole(references) = file.values(&set).unwrap().values else { panic!("whole numbers") };
    let target = file.dataset(Address(references[0] as u64)).unwrap();
    assert_eq!(file.values(&target).unwrap().real().unwrap(), [0.0, 1.0, 2.0]);
    let at = file.find(file.root(), "packed").unwrap();
    let packed = file.dataset(at).unwrap();
    assert_eq!((packed.shape.as_slice(), packed.step()), (&[7, 5, 3][..], 2));
    let rows = file.rows(&packed, 3..7).unwrap();
    assert_eq!(rows, NpyArray { shape: vec![4, 5, 3], values: Values::Whole((45..105).collect()) });
    assert!(file.rows(&packed, 6..8).unwrap_err().to_string().contains("[7, 5, 3]"));
    let group = file.find(file.root(), "SEQ/data").unwrap();
    let names: Vec<String> = file.members(group).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, (0..10).map(|n| format!("vid{n:02}")).collect::<Vec<_>>());
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    assert!(message("old.h5", "flags").contains("an enumeration"));
    assert!(message("old.h5", "unwritten").contains("never written"));
    assert!(message("old.h5", "SEQ").contains("something else than a data set"));
    assert!(message("old.h5", "none").contains("no `none`; there are: SEQ, big"));
    assert!(message("dense.h5", "1").contains("dense form"));
    assert!(message("plain.mat", "a").contains("not an HDF5 file"));
    let whole = file("old.h5");
    let error = Hdf5::open(Cursor::new(&whole[..whole.len() / 2])).unwrap_err().to_string();
    assert!(error.contains("truncated"), "{error}");
}

/// Reads all that there is.
fn all(bytes: &[u8]) -> usize {
    let Ok(mut file) = Hdf5::open(Cursor::new(bytes)) else { return 0 };
    let (mut todo, mut read) = (vec![(file.root(), 0)], 0);
    while let Some((at, depth)) = todo.pop() {
        if let Ok(members) = file.members(at) {
            // A damaged group may hold itself.
            todo.extend(members.into_iter().filter(|_| depth < 4).take(30).map(|(_, at)| (at, depth + 1)));
        } else if let Ok(set) = file.dataset(at) {
            read += usize::from(file.values(&set).is_ok());
        }
    }
    read
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let whole = file("old.h5");
    assert_eq!(all(&whole), 15);
    for length in (0..whole.len()).step_by(611) {
        assert_eq!(all(&whole[..length]), 0, "{length} bytes");
    }
    for at in (512..whole.len()).step_by(31) {
        for value in [0, 1, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            all(&changed);
        }
    }
}
