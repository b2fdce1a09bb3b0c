//! What a recording holds, by its packets and not only by what its header says.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;

use super::tools::{Input, Tools, stream};

/// What is believed of the description of a file.
const LIMIT: u64 = 1 << 30;
const ENTRIES: &str = "format=format_name,duration:stream=index,codec_type,duration,nb_frames:stream_disposition=attached_pic:\
                       packet=stream_index,pts_time,dts_time,duration_time";

/// Formats whose length is in no header.
const GUESSED: [&str; 9] = ["mp3", "aac", "ac3", "amr", "h264", "hevc", "m4v", "mpegvideo", "mpeg"];

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probe {
    /// Its first sound.
    pub sound: Option<Track>,
    /// Its first moving picture.
    pub picture: Option<Track>,
    /// Seconds from the first packet of all to the end of the last one.
    pub seconds: f64,
    /// Seconds that its header says, where it does.
    pub announced: Option<f64>,
}

/// One stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Track {
    /// Which one of its kind in the file.
    pub number: usize,
    /// Packets: of a picture its frames.
    pub packets: usize,
    /// Seconds that the packets last.
    pub seconds: f64,
}

/// A file that ends before the time that it should have, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Short {
    /// What should be there.
    pub expected: f64,
    /// What is there.
    pub found: f64,
}

/// Reads all packets of a file without decoding them.
///
/// # Errors
/// If it cannot be opened as sound or film: what the program says.
pub fn probe(tools: &Tools, input: Input<'_>) -> Result<Probe, String> {
    let mut command = tools.ffprobe(input);
    command.args(["-show_entries", ENTRIES]);
    let read = |out: &mut std::process::ChildStdout| {
        let mut text = Vec::new();
        out.take(LIMIT).read_to_end(&mut text)?;
        Ok(text)
    };
    let (text, ended) = stream(command, input.path, read).map_err(|e| e.to_string())?;
    let text = text.map_err(|e| e.to_string())?;
    if !ended.success {
        return Err(ended.complaint.unwrap_or_else(|| "ffprobe failed without a message".into()));
    }
    let value: Value = serde_json::from_slice(&text)
        .map_err(|e| format!("the description that ffprobe gives is not JSON: {e}"))?;
    Ok(read_out(&value))
}

/// A number that is written as text.
fn number(value: &Value) -> Option<f64> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .or_else(|| value.as_f64())
        .filter(|n: &f64| n.is_finite())
}

fn read_out(value: &Value) -> Probe {
    /// Packets, first time, last end, and the sum of durations.
    #[derive(Clone, Copy)]
    struct Span {
        packets: usize,
        begin: f64,
        last: f64,
        end: f64,
    }
    let mut spans: BTreeMap<u64, Span> = BTreeMap::new();
    for packet in value["packets"].as_array().into_iter().flatten() {
        let Some(index) = packet["stream_index"].as_u64() else { continue };
        let span = spans.entry(index).or_insert(Span {
            packets: 0,
            begin: f64::INFINITY,
            last: f64::NEG_INFINITY,
            end: f64::NEG_INFINITY,
        });
        span.packets += 1;
        let Some(time) = number(&packet["pts_time"]).or_else(|| number(&packet["dts_time"])) else {
            continue;
        };
        span.begin = span.begin.min(time);
        span.last = span.last.max(time);
        span.end = span.end.max(time + number(&packet["duration_time"]).unwrap_or(0.0));
    }
    for span in spans.values_mut() {
        // Packets without a duration last as long as those before on average.
        if span.end <= span.last && span.packets > 1 {
            span.end = span.last + (span.last - span.begin) / (span.packets - 1) as f64;
        }
    }
    let mut probe = Probe::default();
    let mut numbers = (0, 0);
    // Formats without a header have their length guessed from the rate of bits.
    let guessed = value["format"]["format_name"].as_str().is_some_and(|name| GUESSED.contains(&name));
    let mut announced = number(&value["format"]["duration"]).filter(|_| !guessed);
    for stream in value["streams"].as_array().into_iter().flatten() {
        let attached = stream["disposition"]["attached_pic"].as_i64() == Some(1);
        let (slot, place) = match stream["codec_type"].as_str() {
            Some("audio") => (&mut probe.sound, &mut numbers.0),
            Some("video") => (&mut probe.picture, &mut numbers.1),
            _ => continue,
        };
        let at = *place;
        *place += 1;
        let span = stream["index"].as_u64().and_then(|index| spans.get(&index));
        // The cover of an album is not a film, and a stream without packets is nothing.
        let (Some(span), false, true) = (span, attached, slot.is_none()) else { continue };
        let seconds = (span.end - span.begin).max(0.0);
        *slot = Some(Track {
            number: at,
            packets: span.packets,
            seconds: if seconds.is_finite() { seconds } else { 0.0 },
        });
        let own = number(&stream["duration"]).filter(|_| !guessed);
        announced = [announced, own].into_iter().flatten().reduce(f64::max);
    }
    let begin = spans.values().map(|s| s.begin).fold(f64::INFINITY, f64::min);
    let end = spans.values().map(|s| s.end).fold(f64::NEG_INFINITY, f64::max);
    probe.seconds = if begin.is_finite() && end.is_finite() { (end - begin).max(0.0) } else { 0.0 };
    probe.announced = announced;
    probe
}

impl Probe {
    /// Whether it ends well before its header says: by more than half a second and a twentieth.
    pub fn cut_off(&self) -> Option<Short> {
        let expected = self.announced?;
        let lack = expected - self.seconds;
        (lack > 0.5 && lack > expected / 20.0).then_some(Short { expected, found: self.seconds })
    }

    /// Whether it ends well before the end of a part in milliseconds, by the same measure.
    pub fn lacks(&self, [start, end]: [u32; 2]) -> Option<Short> {
        let [start, end] = [start, end].map(|time| f64::from(time) / 1000.0);
        let (expected, found) = (end - start, (self.seconds.min(end) - start).max(0.0));
        let lack = expected - found;
        (lack > 0.5 && lack > expected / 20.0).then_some(Short { expected, found })
    }

    /// What a part of it in milliseconds holds, with packets spread evenly.
    pub fn part(self, [start, end]: [u32; 2]) -> Self {
        let [start, end] = [start, end].map(|time| f64::from(time) / 1000.0);
        let within = |seconds: f64| (seconds.min(end) - start).max(0.0);
        let track = |track: Track| Track {
            packets: (track.packets as f64 * within(track.seconds) / track.seconds.max(1e-9)).round()
                as usize,
            seconds: within(track.seconds),
            ..track
        };
        Self {
            sound: self.sound.map(track),
            picture: self.picture.map(track),
            seconds: within(self.seconds),
            announced: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lengths_are_those_of_the_packets() {
        let packet = |stream: u64, time: &str, duration: Option<&str>| {
            let mut packet = json!({"stream_index": stream, "pts_time": time});
            if let Some(duration) = duration {
                packet["duration_time"] = duration.into();
            }
            packet
        };
        let value = json!({
            "packets": [
                packet(0, "0.0", None), packet(1, "0.1", Some("0.5")), packet(0, "0.1", None),
                packet(1, "0.6", Some("0.5")), packet(0, "0.2", None), packet(2, "0", None),
            ],
            "streams": [
                {"index": 2, "codec_type": "video", "disposition": {"attached_pic": 1}},
                {"index": 0, "codec_type": "video"},
                {"index": 1, "codec_type": "audio", "duration": "10.0"},
                {"index": 5, "codec_type": "audio"},
            ],
            "format": {"duration": "2.0"},
        });
        let probe = read_out(&value);
        let (sound, picture) = (probe.sound.unwrap(), probe.picture.unwrap());
        assert_eq!((picture.number, picture.packets, sound.number, sound.packets), (1, 3, 0, 2));
        assert!((picture.seconds - 0.3).abs() < 1e-9 && (sound.seconds - 1.0).abs() < 1e-9);
        assert!(matches!(probe.cut_off(), Some(Short { expected, .. }) if expected == 10.0));
        assert_eq!(read_out(&json!({})), Probe::default());
    }
}
