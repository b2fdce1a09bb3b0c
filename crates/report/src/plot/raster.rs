//! Shapes as pixels, for programs that take pictures and no SVG.
//!
//! A figure has lines, flat areas, discs and short texts, so this is all that
//! is drawn; a full SVG renderer with its fonts would outweigh the crate.

use font8x8::{BASIC_FONTS, BOX_FONTS, GREEK_FONTS, LATIN_FONTS, MISC_FONTS, UnicodeFonts};

use super::style::SERIES;
use super::svg::{Anchor, Path, Shape};

/// Pixels of the picture for one of the figure.
const SCALE: f64 = 2.0;

/// Red, green and blue, 0 to 255.
type Colour = [f64; 3];

const PAPER: Colour = [255.0; 3];
const INK: Colour = [28.0, 33.0, 40.0];
const SOFT: Colour = [87.0, 96.0, 106.0];
const RULE: Colour = [213.0, 219.0, 225.0];
/// The light series colours of the style sheet; a test holds the two together.
pub(super) const SERIES_COLOURS: [u32; SERIES] = [
    0x0a_5cc2, 0xb0_4a06, 0x10_713e, 0x7a_3bb5, 0xbd_1f39, 0x08_707e, 0x6d_5f00, 0x44_4b55, 0xd5_05b6,
    0x7d_0a0a, 0x08_3b81, 0xaa_07fb,
];

/// A picture that is being drawn.
pub(super) struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

impl Raster {
    /// White paper of a figure's size.
    pub fn new(width: usize, height: usize) -> Self {
        let (width, height) = (scaled(width), scaled(height));
        Self { width, height, pixels: vec![PAPER; width * height] }
    }

    /// Draws a shape, moved down by `below`.
    pub fn draw(&mut self, shape: &Shape, below: f64) {
        let place = |[x, y]: [f64; 2]| [SCALE * x, SCALE * (y + below)];
        match shape {
            Shape::Text { at, upwards, anchor, class, text } => {
                self.text(place(*at), *upwards, *anchor, class, text);
            }
            Shape::Disc { at, radius, series } => self.disc(place(*at), SCALE * radius, of_series(*series)),
            Shape::Path(path) => {
                let pieces: Vec<Vec<[f64; 2]>> = corners(&path.d)
                    .into_iter()
                    .map(|piece| piece.into_iter().map(place).collect())
                    .collect();
                self.path(path, &pieces);
            }
        }
    }

    /// The picture as a PNG file.
    pub fn to_png(&self) -> Vec<u8> {
        let bytes: Vec<u8> = self.pixels.iter().flatten().map(|v| v.round() as u8).collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // Writing into memory fails for a picture without pixels only.
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&bytes));
        if written.is_err() {
            file.clear();
        }
        file
    }

    fn path(&mut self, path: &Path, pieces: &[Vec<[f64; 2]>]) {
        let has = |class: &str| path.class.split(' ').any(|c| c == class);
        let colour = match path.series {
            Some(series) => of_series(series),
            None if has("grid") => RULE,
            None => SOFT,
        };
        if has("fill") {
            let strength = path.opacity.unwrap_or(if has("band") {
                0.16
            } else if has("bar") {
                0.55
            } else {
                1.0
            });
            self.fill(pieces, colour, strength);
            return;
        }
        let dash = if has("mark") { "3 3" } else { path.dash };
        let dash: Vec<f64> =
            dash.split_whitespace().filter_map(|d| d.parse::<f64>().ok()).map(|d| SCALE * d).collect();
        let wide = SCALE
            * if has("curve") {
                1.8
            } else if has("whisker") {
                1.6
            } else {
                1.0
            };
        for piece in pieces {
            for [from, to] in strokes(piece, &dash) {
                self.stroke(from, to, wide, colour);
            }
        }
    }

    /// A straight line with soft edges.
    fn stroke(&mut self, from: [f64; 2], to: [f64; 2], wide: f64, colour: Colour) {
        let along = [to[0] - from[0], to[1] - from[1]];
        let square = (along[0] * along[0] + along[1] * along[1]).max(1e-12);
        let reach = wide / 2.0 + 1.0;
        let low = [from[0].min(to[0]) - reach, from[1].min(to[1]) - reach];
        let high = [from[0].max(to[0]) + reach, from[1].max(to[1]) + reach];
        self.cover(low, high, colour, |[x, y]| {
            let t = ((x - from[0]) * along[0] + (y - from[1]) * along[1]) / square;
            let t = t.clamp(0.0, 1.0);
            let distance = (x - from[0] - t * along[0]).hypot(y - from[1] - t * along[1]);
            (wide / 2.0 + 0.5 - distance).clamp(0.0, 1.0)
        });
    }

    fn disc(&mut self, at: [f64; 2], radius: f64, colour: Colour) {
        let reach = radius + 1.0;
        self.cover([at[0] - reach, at[1] - reach], [at[0] + reach, at[1] + reach], colour, |[x, y]| {
            (radius + 0.5 - (x - at[0]).hypot(y - at[1])).clamp(0.0, 1.0)
        });
    }

    /// Areas, by the even-odd rule; four lines of samples a pixel.
    fn fill(&mut self, pieces: &[Vec<[f64; 2]>], colour: Colour, strength: f64) {
        const LINES: usize = 4;
        let ys = || pieces.iter().flatten().map(|p| p[1]);
        let (low, high) = (ys().fold(f64::INFINITY, f64::min), ys().fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            return;
        }
        for row in (low.floor().max(0.0) as usize)..(high.ceil().max(0.0) as usize).min(self.height) {
            let mut cover = vec![0.0; self.width];
            for line in 0..LINES {
                let y = row as f64 + (line as f64 + 0.5) / LINES as f64;
                let mut cuts: Vec<f64> = Vec::new();
                for piece in pieces {
                    for (a, b) in piece.iter().zip(piece.iter().cycle().skip(1)) {
                        if (a[1] <= y) != (b[1] <= y) {
                            cuts.push(a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]));
                        }
                    }
                }
                cuts.sort_by(f64::total_cmp);
                for ends in cuts.chunks_exact(2) {
                    let [first, last] =
                        [ends[0].floor(), ends[1].ceil()].map(|x| (x.max(0.0) as usize).min(self.width));
                    for (x, share) in cover.iter_mut().enumerate().take(last).skip(first) {
                        let inside = (ends[1].min(x as f64 + 1.0) - ends[0].max(x as f64)).max(0.0);
                        *share += inside / LINES as f64;
                    }
                }
            }
            for (x, share) in cover.into_iter().enumerate().filter(|(_, share)| *share > 0.0) {
                self.blend(x, row, colour, share.min(1.0) * strength);
            }
        }
    }

    /// A text in a bitmap font whose dots are boxes of any size.
    fn text(&mut self, at: [f64; 2], upwards: bool, anchor: Anchor, class: &str, text: &str) {
        let has = |name: &str| class.split(' ').any(|c| c == name);
        let colour = if has("soft") {
            SOFT
        } else if has("inv") {
            PAPER
        } else {
            INK
        };
        // The layout counts on 6.9 pixels a letter.
        let [wide, high] = if has("tiny") { [0.7, 0.9] } else { [0.85, 1.1] }.map(|size| SCALE * size);
        let advance = 8.0 * wide;
        let count = text.chars().count() as f64;
        let start = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -0.5 * count * advance,
            Anchor::End => -count * advance,
        };
        for (i, letter) in text.chars().enumerate() {
            for (row, bits) in glyph(letter).into_iter().enumerate() {
                for column in (0..8).filter(|column| bits >> column & 1 == 1) {
                    let x = start + i as f64 * advance + f64::from(column) * wide;
                    // The seventh of the eight rows stands on the base line.
                    let y = (row as f64 - 7.0) * high;
                    let (corner, size) = match upwards {
                        true => ([at[0] + y, at[1] - x - wide], [high, wide]),
                        false => ([at[0] + x, at[1] + y], [wide, high]),
                    };
                    self.dot(corner, size, colour);
                }
            }
        }
    }

    fn dot(&mut self, corner: [f64; 2], size: [f64; 2], colour: Colour) {
        let end = [corner[0] + size[0], corner[1] + size[1]];
        self.cover(corner, end, colour, |centre| {
            let part = |axis: usize| {
                (end[axis].min(centre[axis] + 0.5) - corner[axis].max(centre[axis] - 0.5)).clamp(0.0, 1.0)
            };
            part(0) * part(1)
        });
    }

    /// Blends a colour into a box of pixels, as much as `share` says of a
    /// pixel's centre.
    fn cover(&mut self, low: [f64; 2], high: [f64; 2], colour: Colour, share: impl Fn([f64; 2]) -> f64) {
        let range = |axis: usize, most: usize| {
            (low[axis].floor().max(0.0) as usize)..(high[axis].ceil().max(0.0) as usize).min(most)
        };
        for y in range(1, self.height) {
            for x in range(0, self.width) {
                let share = share([x as f64 + 0.5, y as f64 + 0.5]);
                if share > 0.0 {
                    self.blend(x, y, colour, share);
                }
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, colour: Colour, share: f64) {
        let pixel = &mut self.pixels[y * self.width + x];
        pixel.iter_mut().zip(colour).for_each(|(old, new)| *old += share * (new - *old));
    }
}

fn scaled(length: usize) -> usize {
    // Figures are far smaller; the bound keeps a broken one from taking all memory.
    (length as f64 * SCALE).clamp(1.0, 8000.0) as usize
}

fn of_series(series: usize) -> Colour {
    let colour = SERIES_COLOURS[series % SERIES];
    [16, 8, 0].map(|shift| f64::from(colour >> shift & 255))
}

/// Eight rows of a letter, the lowest bit leftmost; a box for what the font lacks.
fn glyph(letter: char) -> [u8; 8] {
    let fonts: [&dyn Fn(char) -> Option<[u8; 8]>; 5] = [
        &|c| BASIC_FONTS.get(c),
        &|c| LATIN_FONTS.get(c),
        &|c| GREEK_FONTS.get(c),
        &|c| BOX_FONTS.get(c),
        &|c| MISC_FONTS.get(c),
    ];
    let found = fonts.iter().find_map(|font| font(letter));
    found.unwrap_or(match letter {
        '…' => [0, 0, 0, 0, 0, 0, 0b0101_0101, 0],
        '−' => BASIC_FONTS.get('-').unwrap_or_default(),
        _ => [0x7e, 0x42, 0x42, 0x42, 0x42, 0x42, 0x7e, 0],
    })
}

/// The corners of each piece of a path of `M`, `L`, `h`, `v` and `z`.
fn corners(d: &str) -> Vec<Vec<[f64; 2]>> {
    let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut rest = d;
    while let Some(command) = rest.chars().next() {
        let body = &rest[command.len_utf8()..];
        let end = body.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(body.len());
        let numbers: Vec<f64> = body[..end].split(' ').filter_map(|n| n.parse().ok()).collect();
        rest = &body[end..];
        let here = pieces.last().and_then(|piece| piece.last()).copied().unwrap_or_default();
        match (command, numbers.as_slice()) {
            ('M', &[x, y]) => pieces.push(vec![[x, y]]),
            ('L', &[x, y]) => pieces.last_mut().into_iter().for_each(|piece| piece.push([x, y])),
            ('h', &[x]) => pieces.last_mut().into_iter().for_each(|piece| piece.push([here[0] + x, here[1]])),
            ('v', &[y]) => pieces.last_mut().into_iter().for_each(|piece| piece.push([here[0], here[1] + y])),
            // Back to where the piece began.
            _ => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(piece[0]);
                }
            }
        }
    }
    pieces
}

/// The drawn parts of a line through points, with strokes and gaps in turn.
fn strokes(points: &[[f64; 2]], dash: &[f64]) -> Vec<[[f64; 2]; 2]> {
    let sides = points.windows(2).map(|pair| [pair[0], pair[1]]);
    if dash.is_empty() || dash.iter().sum::<f64>() <= 0.0 {
        return sides.collect();
    }
    let (mut drawn, mut turn, mut left) = (Vec::new(), 0, dash[0]);
    for [from, to] in sides {
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let at = |s: f64| {
            let share = if length > 0.0 { s / length } else { 0.0 };
            [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
        };
        let mut done = 0.0;
        while done < length {
            let step = left.min(length - done);
            if turn % 2 == 0 {
                drawn.push([at(done), at(done + step)]);
            }
            done += step;
            left -= step;
            if left <= 1e-9 {
                turn += 1;
                left = dash[turn % dash.len()];
            }
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::COLOURS;

    #[test]
    fn series_have_the_colours_of_the_style_sheet() {
        for (i, colour) in SERIES_COLOURS.iter().enumerate() {
            assert!(COLOURS.contains(&format!("--s{i}:#{colour:06x}")), "series {i}");
        }
    }

    #[test]
    fn paths_are_read_as_they_are_written() {
        let pieces = corners("M1.0 2.0h3.5v-1.0h-3.5zM0.0 0.0L-2.0 5.0");
        let first = [[1.0, 2.0], [4.5, 2.0], [4.5, 1.0], [1.0, 1.0], [1.0, 2.0]];
        assert_eq!(pieces, [first.to_vec(), vec![[0.0, 0.0], [-2.0, 5.0]]]);
    }

    #[test]
    fn areas_cover_exactly_their_pixels() {
        let mut raster = Raster::new(4, 4);
        // 1.5 by 1 in the figure, from (0.5, 1): pixels 1 to 3 across, 2 and 3 down.
        let path =
            Path { class: "fill", series: Some(0), d: "M0.5 1.0h1.5v1.0h-1.5z".into(), ..Path::default() };
        raster.draw(&Shape::Path(path), 0.0);
        let touched: Vec<usize> = (0..64).filter(|&i| raster.pixels[i] != PAPER).collect();
        assert_eq!(touched, [17, 18, 19, 25, 26, 27]);
        assert_eq!(raster.pixels[17], of_series(0));
    }

    #[test]
    fn dashes_leave_gaps_and_go_around_corners() {
        // 3 drawn, 2 not, along 2 + 6: drawn 0-3 (over the corner) and 5-8.
        let drawn = strokes(&[[0.0, 0.0], [2.0, 0.0], [2.0, 6.0]], &[3.0, 2.0]);
        assert_eq!(drawn, [[[0.0, 0.0], [2.0, 0.0]], [[2.0, 0.0], [2.0, 1.0]], [[2.0, 3.0], [2.0, 6.0]]]);
    }

    #[test]
    fn nothing_drawn_outside_breaks_the_picture() {
        let mut raster = Raster::new(3, 3);
        for at in [[-1e9, 1.0], [1e9, -1e9], [1.0, 1.0]] {
            raster.disc(at, 2.0, INK);
            raster.text(at, true, Anchor::Middle, "tiny", "ü日…");
        }
        raster.fill(&[vec![[-5.0, -5.0], [50.0, -5.0], [50.0, 50.0]]], INK, 0.5);
        raster.fill(&[], INK, 1.0);
        assert!(raster.to_png().starts_with(b"\x89PNG"));
    }
}
