//! Types of elements.

use counterpoint_batch::npy::Element;

use crate::bytes::Bytes;
use crate::error::FormatError;

/// The kind of an element, and whether it is big-endian.
pub fn element(message: &[u8]) -> Result<(Element, bool), FormatError> {
    let mut bytes = Bytes(message);
    let class = bytes.byte()? & 15;
    let bits = bytes.number(3)?;
    let size = bytes.word()?;
    let plain = matches!(size, 1 | 2 | 4 | 8);
    let big_endian = bits & 1 != 0;
    match class {
        // Numbers that do not fill their bytes would need their padding cut off.
        0 if plain && Bytes(bytes.0).word()? == size << 19 => {
            let signed = bits & 8 != 0;
            Ok((if signed { Element::Signed(size) } else { Element::Unsigned(size) }, big_endian))
        }
        1 if plain && size > 1 && bits & 0x40 == 0 => Ok((Element::Float(size), big_endian)),
        3 if size > 0 => Ok((Element::Narrow(size), false)),
        7 if size == 8 && bits & 15 == 0 => Ok((Element::Unsigned(8), false)),
        _ => {
            let what = match class {
                0 => "whole numbers of an unusual width",
                1 => "fractions of an unusual width",
                6 => "compound values",
                8 => "values of an enumeration",
                9 if bits & 15 == 1 => "texts of variable length",
                9 => "lists of variable length",
                _ => "values of an unusual type",
            };
            Err(format!("holds {what}, expected numbers or texts of fixed length").into())
        }
    }
}
