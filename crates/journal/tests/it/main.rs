//! The journal on disks of its own.

#[cfg(test)]
mod room;
