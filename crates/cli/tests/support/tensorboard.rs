//! Reading event files, written apart from the program's own code.

use std::path::Path;

/// Tags and values of the scalars, and tags of the pictures, of a run's event
/// file, its records checked by their own checksums.
pub fn events(folder: &Path) -> (Vec<(String, f32)>, Vec<String>) {
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    assert!(file.file_name().to_string_lossy().starts_with("events.out.tfevents."));
    let bytes = std::fs::read(file.path()).unwrap();
    let (mut scalars, mut pictures, mut rest) = (Vec::new(), Vec::new(), &bytes[..]);
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        assert_eq!(rest[8..12], masked(&rest[..8]));
        let event = &rest[12..12 + length];
        assert_eq!(rest[12 + length..16 + length], masked(event));
        for (_, value) in fields(event).into_iter().filter(|(field, _)| *field == 5) {
            // A summary holds values; a value a tag, and a number or a picture.
            for (_, value) in fields(value) {
                let parts = fields(value);
                let tag = String::from_utf8(parts[0].1.to_vec()).unwrap();
                match parts[1] {
                    (2, value) => scalars.push((tag, f32::from_le_bytes(value.try_into().unwrap()))),
                    _ => pictures.push(tag),
                }
            }
        }
        rest = &rest[16 + length..];
    }
    (scalars, pictures)
}

/// Fields of a protobuf message with their bytes.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut all = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                0
            }
            1 => 8,
            5 => 4,
            _ => varint(&mut message) as usize,
        };
        all.push((key >> 3, &message[..length]));
        message = &message[length..];
    }
    all
}

/// CRC-32C of TensorBoard's records, written apart from the program's own.
fn masked(bytes: &[u8]) -> [u8; 4] {
    let crc = !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    });
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
