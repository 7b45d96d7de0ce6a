/// When an appended entry counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the disk has it: it survives the loss of power.
    Strict,
    /// When the writer has taken it over; it is in the file within 100 ms.
    Relaxed,
}
