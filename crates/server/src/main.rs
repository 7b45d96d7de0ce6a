//! The binary portreeve.

fn main() {}
