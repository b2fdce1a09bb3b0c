//! Strategies inside the training loop: what they measure and change between
//! epochs, samples that lack modalities, exact resumption, limits, refusals.

mod config;
mod epoch_tools;
mod gaps;
mod limits;
mod native;
mod order;
mod own_parts;
mod ranks;
mod readout;
mod run;
mod training;
