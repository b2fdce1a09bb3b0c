//! What processes tell each other, as bytes.

/// A message that is written.
#[derive(Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn count(&mut self, count: usize) {
        self.0.extend((count as u64).to_le_bytes());
    }

    pub fn number(&mut self, number: f64) {
        self.0.extend(number.to_le_bytes());
    }

    pub fn counts(&mut self, counts: &[usize]) {
        self.count(counts.len());
        counts.iter().for_each(|&count| self.count(count));
    }

    pub fn floats(&mut self, values: &[f32]) {
        self.count(values.len());
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    pub fn text(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }
}

/// A message that is read: the same things in the same order.
///
/// # Panics
/// All of its functions do where a message ends too early. Only another program writes one.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        assert!(
            length <= self.0.len(),
            "a rank said less than expected: all ranks must run the same program"
        );
        let (now, rest) = self.0.split_at(length);
        self.0 = rest;
        now
    }

    fn eight(&mut self) -> [u8; 8] {
        self.take(8).try_into().expect("eight were taken")
    }

    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    pub fn count(&mut self) -> usize {
        u64::from_le_bytes(self.eight()) as usize
    }

    pub fn number(&mut self) -> f64 {
        f64::from_le_bytes(self.eight())
    }

    pub fn counts(&mut self) -> Vec<usize> {
        (0..self.count()).map(|_| self.count()).collect()
    }

    pub fn floats(&mut self) -> Vec<f32> {
        let count = self.count();
        let bytes = self.take(4 * count).as_chunks().0;
        bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.raw()).into_owned()
    }

    pub fn raw(&mut self) -> &'a [u8] {
        let length = self.count();
        self.take(length)
    }
}
