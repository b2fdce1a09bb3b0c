//! Comparison with librosa, SciPy and Pillow; see `reference/README.md`.

mod support;

use counterpoint_data::{AudioFront, Bitmap, Padding, Wave, resample, resize};
use support::{npy, npy_f32, reference};

/// `fill(name, n, scale)` of the reference files: FNV-1a of the name, then SplitMix64.
fn fill(name: &str, count: usize, scale: f64) -> Vec<f64> {
    let hash =
        name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
    (1..=count as u64)
        .map(|i| {
            let mut z = hash.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            (2.0 * (z >> 40) as f64 / f64::from(1 << 24) - 1.0) * scale
        })
        .collect()
}

/// Two tones and noise, three seconds at 22 050 Hz.
fn synthetic() -> Vec<f32> {
    let turn = 2.0 * std::f64::consts::PI;
    fill("audio.noise", 66_150, 0.05)
        .into_iter()
        .enumerate()
        .map(|(i, noise)| {
            let t = i as f64 / 22_050.0;
            (0.4 * (turn * 440.0 * t).sin() + 0.2 * (turn * 3111.0 * t).sin() * (-t).exp() + noise) as f32
        })
        .collect()
}

/// Largest difference where the expected magnitude or power is above 1e-4.
fn worst(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let floor = 1e-4f32.ln();
    got.iter().zip(expected).filter(|(_, e)| **e > floor).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max)
}

#[test]
fn gdl188_is_librosas_spectrogram() {
    let (shape, expected) = npy_f32("stft512_hop353_synthetic.npy");
    assert_eq!(shape, AudioFront::Gdl188.size());
    let got = AudioFront::Gdl188.spectrogram(&synthetic(), 22_050, Padding::Zero).unwrap();
    assert!(worst(&got, &expected) < 1e-3, "{}", worst(&got, &expected));
    let mirrored = AudioFront::Gdl188.spectrogram(&synthetic(), 22_050, Padding::Reflect).unwrap();
    let changed: Vec<usize> = (0..188).filter(|t| got[50 * 188 + t] != mirrored[50 * 188 + t]).collect();
    assert_eq!(changed, [0, 187], "padding reaches the first and the last frame only");
}

#[test]
fn scipy299_is_scipys_spectrogram() {
    let (shape, expected) = npy_f32("scipy512_overlap353_synthetic.npy");
    assert_eq!(shape, AudioFront::Scipy299.size());
    let got = AudioFront::Scipy299.spectrogram(&synthetic()[..48_000], 16_000, Padding::Zero).unwrap();
    // The floor of 1e-7 is well above rounding, so every value counts.
    let worst = got.iter().zip(&expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn resampling_agrees_with_soxr_above_40_decibels() {
    for (wav, npy) in [("6_theo_20.wav", "digit_clip_22050.npy"), ("bbal9a.wav", "grid_clip_22050.npy")] {
        let wave = Wave::read(&reference(wav)).unwrap();
        let (_, expected) = npy_f32(npy);
        let got = resample(&wave.samples, wave.rate, 22_050);
        assert_eq!(got.len(), expected.len(), "{wav}");
        let energy: f64 = expected.iter().map(|v| f64::from(*v).powi(2)).sum();
        let error: f64 = got.iter().zip(&expected).map(|(g, e)| f64::from(g - e).powi(2)).sum();
        let decibels = 10.0 * (energy / error).log10();
        assert!(decibels > 40.0, "{wav}: {decibels:.1} dB");
    }
}

#[test]
fn a_clip_goes_from_file_to_librosas_spectrogram() {
    for (npy, spectrogram) in
        [("digit_clip_22050.npy", "digit_clip_logspec.npy"), ("grid_clip_22050.npy", "grid_clip_logspec.npy")]
    {
        // From librosa's own resampling, so that only the spectrum is compared.
        let (_, clip) = npy_f32(npy);
        let tiled: Vec<f32> = clip.iter().cycle().take(66_150).map(|v| v.clamp(-1.0, 1.0)).collect();
        let got = AudioFront::Gdl188.spectrogram(&tiled, 22_050, Padding::Zero).unwrap();
        let difference = worst(&got, &npy_f32(spectrogram).1);
        assert!(difference < 1e-3, "{spectrogram}: {difference}");
    }
}

#[test]
fn resizing_agrees_with_pillow_to_one_level() {
    let pixels = (0..23 * 37 * 3u64).map(|k| ((k * k * 31 + k * 7) % 251) as u8).collect();
    let picture = Bitmap::new(37, 23, 3, pixels).unwrap();
    for (width, height) in [(11, 9), (50, 30)] {
        let (shape, expected) = npy(&format!("resize_{width}x{height}.npy"));
        assert_eq!(shape, [height, width, 3]);
        assert_eq!(resize(&picture, width, height).pixels, expected, "{width} x {height}");
    }
}

#[test]
fn jpeg_agrees_with_pillow_to_one_level() {
    let picture = Bitmap::read(&reference("grey.jpg")).unwrap();
    let (shape, expected) = npy("grey_jpg.npy");
    assert_eq!(shape, [picture.height, picture.width]);
    assert_eq!(picture.channels, 1);
    assert!(picture.pixels.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 1));
}

/// Largest difference between samples.
fn apart(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max)
}

#[test]
fn wav_encodings_are_those_of_libsndfile() {
    let (shape, all) = npy_f32("wav/libsndfile.npy");
    let mut files: Vec<_> = std::fs::read_dir(reference("wav")).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "wav"));
    files.sort();
    assert_eq!(shape, [files.len(), 120]);
    for (file, expected) in files.iter().zip(all.chunks_exact(120)) {
        let wave = Wave::read(file).unwrap();
        assert_eq!(wave.rate, 8000);
        // The mean of two channels is rounded once more or once less.
        assert!(apart(&wave.samples, expected) < 1e-7, "{file:?}");
    }
}

#[test]
fn compressed_sound_is_that_of_libsndfile() {
    for (ending, limit) in [("flac", 1e-7), ("ogg", 2e-5), ("mp3", 2e-5)] {
        let wave = Wave::read(&reference(&format!("tone.{ending}"))).unwrap();
        let (_, expected) = npy_f32(&format!("tone_{ending}.npy"));
        assert_eq!(wave.rate, 16_000);
        let difference = apart(&wave.samples, &expected);
        assert!(difference < limit, "{ending}: {difference}");
    }
    // Cut off, all but the first packets are missing.
    let whole = std::fs::read(reference("tone.flac")).unwrap();
    let message = Wave::decode(&whole[..whole.len() / 2]).unwrap_err().to_string();
    assert!(message.contains("truncated"), "{message}");
}
