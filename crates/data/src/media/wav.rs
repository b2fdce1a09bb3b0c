//! Mono sound of 16 bits as a WAV file.

/// The header of a WAV file in front of so many bytes of samples; `None` if they are too many for one.
pub fn header(rate: u32, bytes: usize) -> Option<[u8; 44]> {
    let data = u32::try_from(bytes).ok().filter(|n| *n <= u32::MAX - 36)?;
    let mut header = [0; 44];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(data + 36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * 2).to_le_bytes(),
        &2_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
    ];
    let mut at = 0;
    for field in fields {
        header[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    }
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_what_it_says() {
        let mut file = header(16_000, 4).unwrap().to_vec();
        file.extend([0, 0x40, 0, 0xC0]);
        let wave = crate::decode::Wave::decode(&file).unwrap();
        assert_eq!((wave.rate, wave.samples), (16_000, vec![0.5, -0.5]));
        assert_eq!(header(16_000, usize::MAX), None);
    }
}
