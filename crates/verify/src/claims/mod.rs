//! What each sort of claim asks for, beyond what holds for every proof.

pub(crate) mod entry;
pub(crate) mod interval;
pub(crate) mod interval_words;
pub(crate) mod resource;
