//! The protobuf message `Event` (tensorflow/core/util/event.proto), as far as
//! scalars and pictures need it.

/// A value of a tag.
pub(super) struct Scalar {
    pub tag: String,
    pub value: f64,
    /// What it is, shown beside the curve; may be empty.
    pub about: String,
}

/// What an event says.
pub(super) enum What<'a> {
    /// First of every file.
    Version,
    /// Later events of earlier files are void from this step on.
    Restart,
    /// Values by tag.
    Scalars(&'a [Scalar]),
    /// A picture under a tag, as a PNG file.
    Image(&'a str, &'a [u8]),
}

/// The bytes of an event.
pub(super) fn encode(wall_time: f64, step: i64, what: &What<'_>) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, 1, FIXED64); // wall_time
    event.extend(wall_time.to_le_bytes());
    if step != 0 {
        key(&mut event, 2, VARINT); // step; zero is the default and is not written
        varint(&mut event, step as u64);
    }
    match what {
        What::Version => bytes(&mut event, 3, b"brain.Event:2"), // file_version
        What::Restart => bytes(&mut event, 7, &[8, 1]),          // session_log { status: START }
        What::Scalars(scalars) => {
            let mut summary = Vec::new();
            for Scalar { tag, value, about } in *scalars {
                let mut one = Vec::new();
                bytes(&mut one, 1, tag.as_bytes()); // tag
                key(&mut one, 2, FIXED32); // simple_value
                one.extend((*value as f32).to_le_bytes());
                if !about.is_empty() {
                    let mut metadata = Vec::new();
                    bytes(&mut metadata, 1, b"\x0a\x07scalars"); // plugin_data { plugin_name }
                    bytes(&mut metadata, 3, about.as_bytes()); // summary_description
                    bytes(&mut one, 9, &metadata); // metadata
                }
                bytes(&mut summary, 1, &one); // value
            }
            bytes(&mut event, 5, &summary); // summary
        }
        What::Image(tag, png) => {
            let mut image = Vec::new();
            let [width, height] = size(png);
            for (field, value) in [(1, height), (2, width), (3, 3)] {
                key(&mut image, field, VARINT); // height, width, colorspace (3: RGB)
                varint(&mut image, value.into());
            }
            bytes(&mut image, 4, png); // encoded_image_string
            let mut one = Vec::new();
            bytes(&mut one, 1, tag.as_bytes()); // tag
            bytes(&mut one, 4, &image); // image
            let mut summary = Vec::new();
            bytes(&mut summary, 1, &one); // value
            bytes(&mut event, 5, &summary); // summary
        }
    }
    event
}

/// Width and height that a PNG file states in its header; 0 if there is none.
fn size(png: &[u8]) -> [u32; 2] {
    [16, 20].map(|at| {
        let bytes = png.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    })
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    key(out, field, BYTES);
    varint(out, content.len() as u64);
    out.extend(content);
}

/// Seven bits at a time, the lowest first; a set top bit says that more follow.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
