//! Still pictures: PNG and JPEG, as 8-bit grey or RGB.

use std::io::Cursor;
use std::path::Path;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::kind::{self, Family};
use super::levels::{LARGEST, Levels, damaged_png};
use crate::error::{DataError, read};

/// 8-bit pixels, row-major, channels last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    /// Pixels in a row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `height * width * channels` values.
    pub pixels: Vec<u8>,
}

impl Bitmap {
    /// Pixels with their size.
    ///
    /// # Errors
    /// If a side is zero, there are not 1 or 3 channels, or the number of
    /// values is not the product of the three.
    pub fn new(width: usize, height: usize, channels: usize, pixels: Vec<u8>) -> Result<Self, DataError> {
        if width == 0
            || height == 0
            || !matches!(channels, 1 | 3)
            || pixels.len() != width * height * channels
        {
            return Err(DataError::shape(format!(
                "a picture of {height} x {width} with {channels} channels does not fit {} values; \
                 expected sides of at least 1 and 1 or 3 channels",
                pixels.len()
            )));
        }
        Ok(Self { width, height, channels, pixels })
    }

    /// Reads a PNG or JPEG file; an alpha channel is dropped, 16 bits become 8.
    ///
    /// # Errors
    /// If the file is absent, of another format or damaged.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::decode(&read(path)?).map_err(|e| e.at(format_args!("`{}`", path.display())))
    }

    /// Decodes the content of a PNG or JPEG file, see [`Bitmap::read`].
    ///
    /// # Errors
    /// As [`Bitmap::read`]; the message does not know the file's name.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => png(bytes),
            [0xFF, 0xD8, ..] => jpeg(bytes),
            _ => Err(kind::refuse(bytes, Family::Picture)),
        }
    }

    /// The content of a PNG file of it.
    ///
    /// # Errors
    /// If a side does not fit a PNG file.
    pub fn to_png(&self) -> Result<Vec<u8>, DataError> {
        let side = |side: usize| {
            u32::try_from(side).map_err(|cause| DataError::shape("the picture is too large").because(cause))
        };
        let failed = |cause| DataError::shape("the picture cannot be written as PNG").because(cause);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side(self.width)?, side(self.height)?);
        encoder.set_color(if self.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }

    /// The same picture with 1 or 3 channels.
    ///
    /// Grey is repeated; colour becomes luma by ITU-R 601 in 16-bit fixed
    /// point, as Pillow does.
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Self {
        let pixels = match (self.channels, channels) {
            (1, 3) => self.pixels.iter().flat_map(|&p| [p, p, p]).collect(),
            (3, 1) => self.pixels.chunks_exact(3).map(luma).collect(),
            _ => return self,
        };
        Self { channels, pixels, ..self }
    }

    /// The window at (`left`, `top`); it must lie inside, or it is cut at the border.
    #[must_use]
    pub fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let (left, top) = (left.min(self.width - 1), top.min(self.height - 1));
        let (width, height) = (width.clamp(1, self.width - left), height.clamp(1, self.height - top));
        let mut pixels = Vec::with_capacity(width * height * self.channels);
        for row in top..top + height {
            let start = (row * self.width + left) * self.channels;
            pixels.extend_from_slice(&self.pixels[start..start + width * self.channels]);
        }
        Self { width, height, channels: self.channels, pixels }
    }
}

fn luma(rgb: &[u8]) -> u8 {
    let weighted = u32::from(rgb[0]) * 19595 + u32::from(rgb[1]) * 38470 + u32::from(rgb[2]) * 7471;
    ((weighted + 0x8000) >> 16) as u8
}

fn png(bytes: &[u8]) -> Result<Bitmap, DataError> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(damaged_png)?;
    let Some(size) = reader.output_buffer_size().filter(|size| *size <= LARGEST) else {
        return Err(DataError::format("the PNG picture is too large to decode"));
    };
    let deep = reader.info().bit_depth == png::BitDepth::Sixteen;
    let mut buffer = vec![0; size];
    let info = reader.next_frame(&mut buffer).map_err(damaged_png)?;
    buffer.truncate(info.buffer_size());
    // Small numbers in 16 bits are black as brightness.
    if deep
        && buffer.iter().all(|&p| p == 0)
        && !Levels::decode(bytes).is_ok_and(|l| l.find(|v| v == 0).is_none())
    {
        return Err(DataError::format(
            "has 16 bits, but no value reaches 256 of 65535, so as brightness it would be black; scale it to 8 bits",
        ));
    }
    let (channels, pixels) = match info.color_type {
        png::ColorType::Grayscale => (1, buffer),
        png::ColorType::GrayscaleAlpha => (1, buffer.chunks_exact(2).map(|p| p[0]).collect()),
        png::ColorType::Rgba => (3, buffer.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()),
        _ => (3, buffer),
    };
    Bitmap::new(info.width as usize, info.height as usize, channels, pixels)
}

fn jpeg(bytes: &[u8]) -> Result<Bitmap, DataError> {
    let damaged = |cause: zune_jpeg::errors::DecodeErrors| {
        DataError::format("the JPEG picture is damaged; copy or convert it again").because(cause.to_string())
    };
    // Strict mode, because the default fills the missing part of a cut-off file with grey.
    let options = DecoderOptions::default().set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let channels = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => 1,
        _ => 3,
    };
    let output = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(output));
    let pixels = decoder.decode().map_err(damaged)?;
    let Some((width, height)) = decoder.dimensions() else {
        return Err(DataError::format("the JPEG picture has no size"));
    };
    Bitmap::new(width, height, channels, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(width: u32, height: u32, color: png::ColorType, pixels: &[u8]) -> Vec<u8> {
        encode_deep(width, height, color, png::BitDepth::Eight, pixels)
    }

    fn encode_deep(
        width: u32,
        height: u32,
        color: png::ColorType,
        depth: png::BitDepth,
        pixels: &[u8],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        bytes
    }

    #[test]
    fn alpha_is_dropped_and_grey_stays_grey() {
        let rgba = Bitmap::decode(&encode(2, 1, png::ColorType::Rgba, &[1, 2, 3, 0, 4, 5, 6, 255])).unwrap();
        assert_eq!((rgba.channels, rgba.pixels), (3, vec![1, 2, 3, 4, 5, 6]));
        let grey = Bitmap::decode(&encode(1, 2, png::ColorType::GrayscaleAlpha, &[7, 0, 9, 1])).unwrap();
        assert_eq!((grey.channels, grey.width, grey.height, grey.pixels), (1, 1, 2, vec![7, 9]));
    }

    #[test]
    fn a_written_picture_reads_as_it_was() {
        for picture in [Bitmap::new(2, 1, 3, vec![1, 2, 3, 4, 5, 6]), Bitmap::new(1, 3, 1, vec![0, 255, 7])] {
            let picture = picture.unwrap();
            assert_eq!(Bitmap::decode(&picture.to_png().unwrap()).unwrap(), picture);
        }
    }

    #[test]
    fn luma_is_that_of_pillow() {
        // Image.new("RGB", (4, 1)) with these pixels, .convert("L") in Pillow.
        let rgb = Bitmap::new(4, 1, 3, vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 77]).unwrap();
        assert_eq!(rgb.clone().with_channels(1).pixels, [76, 150, 29, 129]);
        assert_eq!(rgb.crop(3, 0, 9, 9).pixels, [10, 200, 77]);
    }

    #[test]
    fn sixteen_bits_lose_their_lower_half_but_not_all() {
        let grey = |pixels: &[u8]| {
            Bitmap::decode(&encode_deep(2, 1, png::ColorType::Grayscale, png::BitDepth::Sixteen, pixels))
        };
        assert_eq!(grey(&[3, 200, 0, 255]).unwrap().pixels, [3, 0]);
        assert_eq!(grey(&[0; 4]).unwrap().pixels, [0, 0]);
        assert!(grey(&[0, 1, 0, 255]).unwrap_err().to_string().contains("would be black"));
    }

    #[test]
    fn damaged_pictures_are_errors() {
        let whole = encode(20, 20, png::ColorType::Grayscale, &[9; 400]);
        assert!(Bitmap::decode(&whole[..40]).unwrap_err().to_string().contains("PNG picture is damaged"));
        assert!(
            Bitmap::decode(b"GIF89a")
                .unwrap_err()
                .to_string()
                .contains("is a GIF picture, expected PNG or JPEG")
        );
        assert!(Bitmap::decode(&[]).is_err());
        assert!(
            Bitmap::decode(&[0xFF, 0xD8, 0xFF, 0xE0, 0])
                .unwrap_err()
                .to_string()
                .contains("JPEG picture is damaged")
        );
        assert!(Bitmap::new(2, 2, 1, vec![0; 3]).is_err());
    }
}
