//! The allocator asks for huge pages wherever they fit; the system gives them if it may.

use config::Memory;

/// Lets the system give huge pages, or not. What a predecessor or the system's own set-up
/// has said about this process is overruled.
#[cfg(target_os = "linux")]
pub(crate) fn choose_pages(memory: &Memory) {
    let chosen = rustix::thread::disable_transparent_huge_pages(!memory.huge_pages);
    if let Err(problem) = chosen {
        tracing::warn!(%problem, "the size of memory's pages is the system's choice");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn choose_pages(_: &Memory) {}
