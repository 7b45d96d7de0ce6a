use std::fs;

/// What the system tells about a process, from outside.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

/// Clock ticks of a second, which Linux has fixed for what it tells programs.
const TICKS: u64 = 100;

impl Process {
    /// The process with this id.
    #[must_use]
    pub const fn of(id: u32) -> Self {
        Self(id)
    }

    /// Its id.
    #[must_use]
    pub const fn id(self) -> u32 {
        self.0
    }

    /// KiB of memory that are its own and resident now; 0 when it is gone.
    #[must_use]
    pub fn resident(self) -> u64 {
        self.status("VmRSS:")
    }

    /// KiB that were resident at most.
    #[must_use]
    pub fn peak(self) -> u64 {
        self.status("VmHWM:")
    }

    /// Counts what is resident at most from now on.
    pub fn forget_peak(self) {
        // Where the system does not let us, what was before is counted too.
        let _ = fs::write(format!("/proc/{}/clear_refs", self.0), "5");
    }

    fn status(self, field: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Milliseconds of a core that it has used.
    #[must_use]
    pub fn used(self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        // The name in brackets may hold spaces; everything counts from behind it.
        let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let fields = rest.split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|text| text.parse::<u64>().ok()).sum();
        ticks * 1_000 / TICKS
    }

    /// How many descriptors it has open.
    #[must_use]
    pub fn descriptors(self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.0));
        open.map_or(0, Iterator::count)
    }
}
