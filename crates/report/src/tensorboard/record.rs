//! The TFRecord frame: length, checksum, bytes, checksum.

/// CRC-32C (Castagnoli), reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize])
}

/// The checksum as stored: rotated and shifted, so that a record that holds
/// checksums does not upset its own.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// The bytes of a record around `data`.
pub(super) fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_crc32c() {
        // Check value of the Rocksoft catalogue, and RFC 3720 B.4 (32 zeros).
        assert_eq!(super::crc(b"123456789"), 0xe306_9283);
        assert_eq!(super::crc(&[0; 32]), 0x8a91_36aa);
    }
}
