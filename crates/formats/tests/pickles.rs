//! Pickles as Python writes them (`data/make.py`), and pickles as nobody writes them.

use std::io::Cursor;

use counterpoint_batch::npy::{NpyArray, Values};
use counterpoint_formats::pickle::{Pickle, PickleError};

fn file(protocol: usize) -> Vec<u8> {
    let path = format!("{}/tests/data/protocol{protocol}.pkl", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    Pickle::read(&mut Cursor::new(bytes)).unwrap_err().to_string()
}

#[test]
fn arrays_of_every_protocol_are_those_of_numpy() {
    for protocol in [2, 4, 5] {
        let mut file = Cursor::new(file(protocol));
        let pickle = Pickle::read(&mut file).unwrap();
        let mut values = |key: &str| pickle.values(&mut file, pickle.entry(pickle.root(), key).unwrap());
        let array = |shape: &[usize], values: Values| Ok(NpyArray { shape: shape.to_vec(), values });
        let real = Values::Real(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(values("f4"), array(&[2, 3], real), "protocol {protocol}");
        let double = Values::Double(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(values("columns"), array(&[2, 3], double));
        assert_eq!(values("i2"), array(&[2], Values::Whole(vec![1, -2])));
        assert_eq!(values("wide"), Ok(NpyArray::texts(&["ab", "é"])));
        assert_eq!(values("bytes"), Ok(NpyArray::texts(&["x", "yz"])));
        assert_eq!(values("objects"), Ok(NpyArray::texts(&["one", "two"])));
        assert_eq!(values("scalar"), array(&[], Values::Real(vec![1.5])));
        assert_eq!(values("list"), array(&[3], Values::Whole(vec![1, 2, 3])));
        assert_eq!(values("mixed"), array(&[2], Values::Double(vec![0.5, 2.0])));
        assert_eq!(values("empty"), array(&[0, 4], Values::Double(Vec::new())));
        assert!(values("complex").unwrap_err().to_string().contains("type `<c16`"));
    }
}

#[test]
fn rows_are_read_alone() {
    let bytes = file(4);
    let mut file = Cursor::new(bytes);
    let pickle = Pickle::read(&mut file).unwrap();
    let large = pickle.entry(pickle.root(), "large").unwrap();
    assert!(pickle.by_rows(large));
    let expected: Vec<i64> = (60_000..60_003).map(|n| n % 251).collect();
    let rows = pickle.rows(&mut file, large, 60_000..60_003).unwrap();
    assert_eq!(rows, NpyArray { shape: vec![3], values: Values::Whole(expected) });
    assert!(pickle.rows(&mut file, large, 69_999..70_001).unwrap_err().to_string().contains("[70000]"));
    let columns = pickle.entry(pickle.root(), "columns").unwrap();
    assert!(!pickle.by_rows(columns));
    let rows = pickle.rows(&mut file, columns, 1..2).unwrap();
    assert_eq!(rows, NpyArray { shape: vec![1, 3], values: Values::Double(vec![3.0, 4.0, 5.0]) });
}

#[test]
fn calls_are_refused_by_name() {
    // os.system("true") and builtins.eval, in both ways of naming them.
    let error = Pickle::read(&mut Cursor::new(b"cos\nsystem\n(X\x04\x00\x00\x00truetR.")).unwrap_err();
    assert_eq!(error, PickleError::Refused("os.system".into()));
    assert!(
        refusal(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93)R.").contains("`builtins.eval`, which is refused")
    );
    assert!(refusal(b"(lp0\n.").contains("instruction 0x70"), "protocol 0");
    assert!(refusal(b"\x80\x05\x97.").contains("outside the file"));
}

#[test]
fn bombs_take_neither_memory_nor_time_nor_the_stack() {
    // A million lists in one another.
    let mut nested = vec![b']'; 1_000_000];
    nested.extend(vec![b'a'; 999_999]);
    nested.push(b'.');
    Pickle::read(&mut Cursor::new(nested)).unwrap();
    // A list of a thousand entries, copied ten thousand times.
    let mut copies = b"(".to_vec();
    copies.extend([b'N'; 1000]);
    copies.extend(b"lq\x00cbuiltins\nlist\nq\x01");
    (0..10_000).for_each(|_| copies.extend(b"h\x01h\x00\x85R"));
    copies.push(b'.');
    assert!(refusal(&copies).contains("again and again"));
    // A text of 2^40 bytes, and bytes of 2^63.
    assert!(refusal(b"\x8d\x00\x00\x00\x00\x00\x01\x00\x00.").contains("ends too early"));
    assert!(refusal(b"\x8e\x00\x00\x00\x00\x00\x00\x00\x80.").contains("ends too early"));
    // A name of 64 KiB that is asked for again and again.
    let mut names = b"X\x00\x00\x01\x00".to_vec();
    names.extend(vec![b'a'; 1 << 16]);
    names.extend(b"q\x00h\x00\x93.");
    assert!(refusal(&names).contains("not a short text"));
    // An array of 10^12 numbers that holds four bytes.
    let huge = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R\
                 (K\x01J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R\x89U\x04abcdtb.";
    let mut file = Cursor::new(huge.as_slice());
    let pickle = Pickle::read(&mut file).unwrap();
    let error = pickle.values(&mut file, pickle.root()).unwrap_err().to_string();
    assert!(error.contains("4 bytes"), "{error}");
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    for protocol in [2, 5] {
        let whole = file(protocol);
        for length in 0..whole.len() {
            assert!(
                Pickle::read(&mut Cursor::new(&whole[..length])).is_err(),
                "{length} bytes of {protocol}"
            );
        }
        for at in 0..whole.len() {
            for value in [0, 0x28, 0x52, 0x62, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let mut file = Cursor::new(changed);
                if let Ok(pickle) = Pickle::read(&mut file) {
                    for number in 0..pickle.objects().count() {
                        let _ = pickle.values(&mut file, number);
                        let _ = pickle.rows(&mut file, number, 0..1);
                    }
                }
            }
        }
    }
}
