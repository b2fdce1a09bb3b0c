//! Event files, byte for byte.
//!
//! GOLDEN was written by this crate and read back by TensorBoard 2.21.0
//! (`tensorboard.backend.event_processing`): the checksums were checked by
//! `tf_record_iterator`, and the parsed events re-serialised by TensorBoard's
//! own protobuf classes gave the same bytes.

use std::collections::BTreeMap;

use counterpoint_report::{
    record::{Confusion, Epoch},
    tensorboard::EventFile,
};

const GOLDEN: &str = "\
    1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110920000000000\
    00002747ac500900004040fc54d94110ac022a83010a140a0d6c6561726e696e675f7261746515cdcc4c3d0a0e0a\
    077365636f6e6473150000c03f0a190a1276616c2f61636375726163792f66757365641508ac7c3f0a1b0a147661\
    6c2f61636375726163792f6772c3b6c39f65150000c07f0a110a0a6c6f73732f6675736564150000807f0a100a09\
    677261645f6e6f726d15000000c01d97ee61100000000000000095fbfe180900008040fc54d94110ac023a020801\
    a4523644e2000000000000007a659982090000c040fc54d94110ad022ad3010ad0010ac801787878787878787878\
    78787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878\
    78787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878\
    78787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878\
    78787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878\
    78787878787878150000807fdcc27644";

fn written() -> Vec<u8> {
    let mut file = EventFile::new(Vec::new(), 1_700_000_000.5).unwrap();
    let row = |x| BTreeMap::from([("accuracy".to_owned(), x)]);
    let epoch = Epoch {
        epoch: 300,
        seconds: 1.5,
        learning_rate: 0.05,
        val: BTreeMap::from([("fused".to_owned(), row(0.987)), ("größe".to_owned(), row(f64::NAN))]),
        losses: BTreeMap::from([("fused".to_owned(), f64::INFINITY)]),
        grad_norm: Some(-2.0),
        ..Epoch::default()
    };
    file.epoch(1_700_000_001.0, &epoch).unwrap();
    file.restart(1_700_000_002.0, 300).unwrap();
    file.scalars(1_700_000_003.0, 301, &[("x".repeat(200), 1e300)]).unwrap();
    file.scalars(1_700_000_003.0, 302, &[]).unwrap();
    file.into_inner()
}

#[test]
fn the_bytes_are_those_tensorboard_read() {
    let bytes = written();
    if let Ok(folder) = std::env::var("COUNTERPOINT_PICTURES") {
        let name = EventFile::<Vec<u8>>::name(1_700_000_000.5);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{name}"), &bytes).unwrap();
    }
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, GOLDEN);
}

#[test]
fn what_a_strategy_says_has_tags_of_its_own() {
    let rho = BTreeMap::from([("rho".to_owned(), 1.5)]);
    let epoch = Epoch { epoch: 2, strategy: [("audio".to_owned(), rho)].into(), ..Epoch::default() };
    let mut file = EventFile::new(Vec::new(), 0.0).unwrap();
    file.epoch(1.0, &epoch).unwrap();
    let tag = b"strategy/rho/audio";
    assert!(file.into_inner().windows(tag.len()).any(|w| w == tag));
}

#[test]
fn a_confusion_matrix_is_a_small_picture_of_shares() {
    let mut file = EventFile::new(Vec::new(), 0.0).unwrap();
    let head = file_length(&mut file);
    // Half of class 0 is said to be 1; of class 2 there is no sample.
    let counts = Confusion::from(vec![vec![2, 2, 0], vec![0, 5, 0], vec![0, 0, 0]]);
    file.confusion(1.0, 7, "fused", &counts).unwrap();
    let bytes = file.into_inner();
    // The record: length and its checksum (12 bytes), the event, a checksum.
    let event = &bytes[head + 12..bytes.len() - 4];
    // Event: wall_time (9 bytes), step (2), summary; inside the tag, then the image with its sides.
    assert_eq!(event[9..11], [16, 7]);
    let tag = b"\x0a\x0fconfusion/fused";
    assert!(event.windows(tag.len()).any(|w| w == tag));
    let start = event.windows(4).position(|w| w == b"\x89PNG").unwrap();
    // 8, height, 16, width, 24, RGB: the sides of the picture itself.
    assert!(event[..start].windows(6).any(|w| w == [8, 72, 16, 72, 24, 3]));
    let decoder = png::Decoder::new(std::io::Cursor::new(&event[start..]));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (72, 72));
    // The middle of the cell of a true and a predicted class.
    let at = |truth: usize, said: usize| -> [u8; 3] {
        let place = 3 * ((24 * truth + 12) * 72 + 24 * said + 12);
        pixels[place..place + 3].try_into().unwrap()
    };
    assert_eq!([at(1, 1), at(1, 0), at(2, 2)], [[10, 92, 194], [255; 3], [225; 3]]);
    assert!(at(0, 0) == at(0, 1) && at(0, 0) == [133, 174, 225], "{:?}", at(0, 0));
    // More classes than can be seen are left out.
    let mut file = EventFile::new(Vec::new(), 0.0).unwrap();
    let head = file_length(&mut file);
    file.confusion(1.0, 7, "fused", &Confusion::new(513, [([0, 512], 1)].into())).unwrap();
    assert_eq!(file.into_inner().len(), head);
}

/// Bytes that a file has so far.
fn file_length(file: &mut EventFile<Vec<u8>>) -> usize {
    std::mem::replace(file, EventFile::new(Vec::new(), 0.0).unwrap()).into_inner().len()
}

#[test]
fn a_full_disk_is_an_error() {
    let mut small = [0_u8; 50];
    let mut file = EventFile::new(&mut small[..], 0.0).unwrap();
    assert!(file.scalars(0.0, 1, &[("a".into(), 1.0)]).is_err());
}
