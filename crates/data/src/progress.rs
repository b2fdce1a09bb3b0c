//! How far the reading of a data set is.

use std::fmt;
use std::sync::Arc;

/// Is told how far reading is: what is counted, how many are done, and of how
/// many. It is called often, from several threads.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Tell>>);

type Tell = dyn Fn(&str, usize, usize) + Send + Sync;

impl Progress {
    /// Calls `tell(what, done, total)`.
    pub fn new(tell: impl Fn(&str, usize, usize) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(crate) fn tell(&self, what: &str, done: usize, total: usize) {
        if let Some(tell) = &self.0 {
            tell(what, done, total);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({})", if self.0.is_some() { "told" } else { "silent" })
    }
}
