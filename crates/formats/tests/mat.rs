//! MATLAB's files of level 5 as SciPy writes them (`data/make.py`), and damaged.

use counterpoint_batch::npy::{NpyArray, Values};
use counterpoint_formats::mat::{Value, read};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn variables_are_those_that_were_written() {
    for name in ["plain.mat", "packed.mat"] {
        let variables = read(&file(name)).unwrap();
        let get = |name: &str| variables.iter().find(|(of, _)| of == name).map(|(_, value)| value).unwrap();
        let numbers = |shape: &[usize], values: &[f64]| {
            Value::Numbers(NpyArray { shape: shape.to_vec(), values: Values::Double(values.to_vec()) })
        };
        assert_eq!(get("trainNdxs"), &numbers(&[3, 1], &[1.0, 3.0, 5.0]));
        assert_eq!(get("matrix"), &numbers(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        assert_eq!(
            get("className"),
            &Value::Cell(vec![Value::Text("wall".into()), Value::Text("größe".into())])
        );
        assert_eq!(get("complex"), &Value::Other("complex numbers"));
        assert_eq!(get("record"), &Value::Other("a structure"));
    }
}

#[test]
fn other_files_and_damage_are_errors_and_never_a_panic() {
    let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert!(message(b"version https://git-lfs").contains("not a MATLAB file"));
    assert!(message(&file("old.h5")).contains("not a MATLAB file"));
    let mut later = file("plain.mat");
    later[125] = 2;
    assert!(message(&later).contains("version 7.3"));
    for name in ["plain.mat", "packed.mat"] {
        let whole = file(name);
        let ends = (129..whole.len()).filter(|&length| read(&whole[..length]).is_err()).count();
        // A file that ends behind a variable is one with fewer of them.
        assert!(ends + 80 > whole.len() - 129, "{ends} of {}", whole.len());
        for at in 128..whole.len() {
            for value in [0, 1, 14, 15, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = read(&changed);
            }
        }
    }
}
