/// When an appended entry counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the disk has it: it survives the loss of power.
    Strict,
    /// When the kernel has it: it survives the end of the process, and the loss of power at most
    /// 100 ms later.
    Relaxed,
}
