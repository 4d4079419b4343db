//! From arguments to composition to exit code.

fn main() {}
