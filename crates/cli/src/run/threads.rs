//! How many threads compute.

use rayon::{ThreadPoolBuilder, current_num_threads};

use crate::exit::{Code, Failure};

/// From here on this process computes with `count` threads; 0 leaves it as it is.
///
/// # Errors
/// If it computes with another number already.
pub fn choose(count: usize) -> Result<(), Failure> {
    if count > 0 && ThreadPoolBuilder::new().num_threads(count).build_global().is_err() {
        let running = current_num_threads();
        if running != count {
            return Err(Failure::new(
                Code::Config,
                format!("train.threads = {count}: this process computes with {running} threads already"),
            ));
        }
    }
    Ok(())
}
