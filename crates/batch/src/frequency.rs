//! How frequent the classes of label maps are.

use crate::ClassMap;

/// Counts pixels of classes over label maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFrequency {
    /// Pixels of each class.
    of: Vec<u64>,
    /// All pixels, void ones too, of the maps that contain the class.
    among: Vec<u64>,
}

impl ClassFrequency {
    /// No map yet.
    pub fn new(classes: usize) -> Self {
        Self { of: vec![0; classes], among: vec![0; classes] }
    }

    /// Counts a map; pixels beyond the classes are void.
    pub fn add(&mut self, map: &ClassMap) {
        let mut counts = [0_u64; 256];
        map.pixels.iter().for_each(|&class| counts[usize::from(class)] += 1);
        for ((of, among), count) in self.of.iter_mut().zip(&mut self.among).zip(counts) {
            *of += count;
            *among += if count > 0 { map.pixels.len() as u64 } else { 0 };
        }
    }

    /// For each class its share of the pixels of those maps that contain it; 0 if none does.
    pub fn shares(&self) -> Vec<f64> {
        let share = |(&of, &among): (&u64, &u64)| if among > 0 { of as f64 / among as f64 } else { 0.0 };
        self.of.iter().zip(&self.among).map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_maps_that_contain_a_class_count_for_it() {
        let mut frequency = ClassFrequency::new(3);
        for pixels in [vec![0, 0, 1, 255], vec![0, 0, 0, 0]] {
            frequency.add(&ClassMap { height: 2, width: 2, pixels });
        }
        assert_eq!(frequency.shares(), [6.0 / 8.0, 1.0 / 4.0, 0.0]);
    }
}
