//! Models whose streams meet before they end, and models of sequences.

mod cube;
mod init;
mod refusal;
mod staged;
