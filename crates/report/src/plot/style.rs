//! Colours and type of the figures.

/// Series colours before they repeat; each has a dash of its own.
pub(super) const SERIES: usize = 12;

/// Stroke dashes, so that series differ without colour.
pub(super) const DASHES: [&str; SERIES] = [
    "",
    "7 3",
    "2 3",
    "9 3 2 3",
    "5 2 1 2 1 2",
    "12 4",
    "1 2",
    "4 4",
    "14 3 4 3",
    "10 2 2 2 2 2",
    "3 1",
    "6 6",
];

/// The variables, shared by figures and pages. Series colours have a contrast
/// of at least 4.5 to the paper, light or dark.
pub(crate) const COLOURS: &str = "\
{--paper:#fff;--ink:#1c2128;--soft:#57606a;--rule:#d5dbe1;--panel:#f5f7f9;\
--s0:#0a5cc2;--s1:#b04a06;--s2:#10713e;--s3:#7a3bb5;--s4:#bd1f39;--s5:#08707e;--s6:#6d5f00;--s7:#444b55;\
--s8:#d505b6;--s9:#7d0a0a;--s10:#083b81;--s11:#aa07fb}";

/// As [`COLOURS`], on dark paper.
pub(crate) const COLOURS_DARK: &str = "\
{--paper:#14181d;--ink:#e4e8ec;--soft:#a2acb6;--rule:#363d46;--panel:#1c2127;\
--s0:#6cb0ff;--s1:#ffa657;--s2:#5fd38a;--s3:#c79bff;--s4:#ff8f8f;--s5:#56d4dd;--s6:#e0c740;--s7:#aab4c0;\
--s8:#f20eb7;--s9:#ffdbd4;--s10:#157ffd;--s11:#a759fe}";

/// Rules of a figure. They hang on `.cp`, so a page with many figures needs
/// them once.
pub(crate) const RULES: &str = "\
.cp{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;max-width:100%;height:auto}\
.cp text{fill:var(--ink)}.cp .soft{fill:var(--soft)}.cp .tiny{font-size:10px}.cp .head{font-weight:600;font-size:13px}\
.cp .inv{fill:var(--paper)}.cp .num{font-variant-numeric:tabular-nums}\
.cp .grid{stroke:var(--rule);fill:none}.cp .axis{stroke:var(--soft);fill:none}\
.cp .mark{stroke:var(--soft);stroke-dasharray:3 3;fill:none}\
.cp .curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:butt}\
.cp .band{stroke:none;fill-opacity:.16}.cp .whisker{stroke-width:1.6;fill:none}.cp .bar{fill-opacity:.55}\
.cp .c0{--c:var(--s0)}.cp .c1{--c:var(--s1)}.cp .c2{--c:var(--s2)}.cp .c3{--c:var(--s3)}\
.cp .c4{--c:var(--s4)}.cp .c5{--c:var(--s5)}.cp .c6{--c:var(--s6)}.cp .c7{--c:var(--s7)}\
.cp .c8{--c:var(--s8)}.cp .c9{--c:var(--s9)}.cp .c10{--c:var(--s10)}.cp .c11{--c:var(--s11)}\
.cp .line{stroke:var(--c)}.cp .fill{fill:var(--c)}";

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue of a variable, 0 to 1 and linear.
    fn linear(sheet: &str, name: &str) -> [f64; 3] {
        let (_, rest) = sheet.split_once(&format!("--{name}:#")).unwrap();
        let digits = rest.split([';', '}']).next().unwrap();
        let channel = |i: usize| {
            let digits =
                if digits.len() == 3 { digits[i..=i].repeat(2) } else { digits[2 * i..2 * i + 2].into() };
            let value = f64::from(u8::from_str_radix(&digits, 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        [channel(0), channel(1), channel(2)]
    }

    /// Relative luminance of WCAG 2.
    fn luminance([r, g, b]: [f64; 3]) -> f64 {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Ottosson's Oklab: equal distances look equally large.
    fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }

    #[test]
    fn twelve_methods_can_be_told_apart_on_light_and_dark_paper() {
        for sheet in [COLOURS, COLOURS_DARK] {
            let paper = luminance(linear(sheet, "paper"));
            let colours: Vec<[f64; 3]> = (0..12).map(|i| linear(sheet, &format!("s{i}"))).collect();
            for (i, colour) in colours.iter().enumerate() {
                let (ink, paper) = (luminance(*colour) + 0.05, paper + 0.05);
                assert!(ink.max(paper) / ink.min(paper) >= 4.5, "series {i}");
                for (j, other) in colours.iter().enumerate().take(i) {
                    let [a, b] = [*colour, *other].map(oklab);
                    let gap = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                    // About four times what is just noticed side by side (0.02).
                    assert!(gap > 0.08, "series {i} and {j}: {gap}");
                }
            }
        }
        let dashes: std::collections::BTreeSet<&str> = DASHES.into_iter().collect();
        assert_eq!(dashes.len(), SERIES);
    }
}
