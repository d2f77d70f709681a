//! The `octro` binary.
fn main() {}
