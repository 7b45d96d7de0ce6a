//! What processes cost: CPU time by thread, memory, and what else ran on the same core.

use std::{collections::BTreeMap, fs, io, path::Path};

use rustix::{
    process::Pid,
    thread::{CpuSet, sched_setaffinity},
};

/// Nanoseconds of CPU by thread name, of a process and everything that it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent(BTreeMap<String, u64>);

impl Spent {
    /// What the process and its descendants have spent until now.
    pub(crate) fn of(root: u32) -> io::Result<Self> {
        let mut spent = Self::default();
        for process in family(root)? {
            for task in fs::read_dir(format!("/proc/{process}/task"))? {
                let task = task?.path();
                // A thread may end while it is looked at.
                let (Ok(name), Ok(stat)) = (read(&task, "comm"), read(&task, "schedstat")) else {
                    continue;
                };
                *spent.0.entry(name.trim_end().to_owned()).or_default() += on_cpu(&stat)?;
            }
        }
        Ok(spent)
    }

    /// What was spent between `earlier` and now, by thread name.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let spent = |(name, nanos): (&String, &u64)| {
            let before = earlier.0.get(name).copied().unwrap_or_default();
            (name.clone(), nanos.saturating_sub(before))
        };
        Self(self.0.iter().map(spent).collect())
    }

    #[cfg(test)]
    pub(crate) fn told(threads: &[(&str, u64)]) -> Self {
        let owned = |&(name, nanos): &(&str, u64)| (name.to_owned(), nanos);
        Self(threads.iter().map(owned).collect())
    }

    /// The sum over threads whose name is chosen.
    pub(crate) fn sum(&self, chosen: impl Fn(&str) -> bool) -> u64 {
        let chosen = self.0.iter().filter(|(name, _)| chosen(name));
        chosen.map(|(_, nanos)| nanos).sum()
    }

    /// Names and nanoseconds, the largest first.
    pub(crate) fn by_name(&self) -> Vec<(&str, u64)> {
        let mut names: Vec<_> = self.0.iter().map(|(name, &n)| (name.as_str(), n)).collect();
        names.sort_by_key(|&(_, nanos)| std::cmp::Reverse(nanos));
        names
    }
}

fn read(folder: &Path, name: &str) -> io::Result<String> {
    fs::read_to_string(folder.join(name))
}

/// The first figure of `schedstat`: nanoseconds that the thread ran.
fn on_cpu(schedstat: &str) -> io::Result<u64> {
    let first = schedstat.split_whitespace().next();
    first
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| io::Error::other(format!("`{schedstat}` is no schedstat")))
}

/// A process and its descendants.
fn family(root: u32) -> io::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Gone meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else {
            continue;
        };
        parents.extend(parent(&stat).map(|parent| (process, parent)));
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&member) = family.get(next) {
        let children = parents.iter().filter(|(_, parent)| *parent == member);
        family.extend(children.map(|(process, _)| *process));
        next += 1;
    }
    Ok(family)
}

/// The fourth field of `/proc/PID/stat`; the second, a name, may hold spaces and parentheses.
fn parent(stat: &str) -> Option<u32> {
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
}

/// Bytes of memory that the process and its descendants hold.
pub(crate) fn resident(root: u32) -> io::Result<u64> {
    let mut bytes = 0;
    for process in family(root)? {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        bytes += kib.unwrap_or_default() * 1_024;
    }
    Ok(bytes)
}

/// Nanoseconds that a core has been busy, whoever with.
pub(crate) fn busy(core: usize) -> io::Result<u64> {
    busy_of(&fs::read_to_string("/proc/stat")?, core)
}

/// Ticks of `/proc/stat` are hundredths of a second.
const TICK_NANOS: u64 = 10_000_000;

fn busy_of(stat: &str, core: usize) -> io::Result<u64> {
    let name = format!("cpu{core} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name));
    let line = line.ok_or_else(|| io::Error::other(format!("there is no core {core}")))?;
    let fields: Vec<u64> = line.split_whitespace().flat_map(str::parse).collect();
    // User, nice, system, idle, iowait, irq, softirq, steal.
    let sum: u64 = fields.iter().take(8).sum();
    let rest: u64 = fields.iter().skip(3).take(2).sum();
    Ok((sum - rest) * TICK_NANOS)
}

/// Keeps this thread, and those it begins from now on, on one core.
pub(crate) fn stay_on(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None::<Pid>, &cores)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{process, time::Duration};

    use super::*;
    use crate::gate::now;

    #[test]
    fn figures_of_the_kernel_are_read() {
        assert_eq!(on_cpu("18351510 1981662 186\n").unwrap(), 18_351_510);
        assert!(on_cpu("").is_err());
        assert_eq!(parent("42 (a) b (c) S 7 42 42 0"), Some(7));
        let stat = "cpu  9 9 9\ncpu0 10 1 20 500 70 2 3 4 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(busy_of(stat, 0).unwrap(), 40 * TICK_NANOS);
        assert_eq!(busy_of(stat, 1).unwrap(), 6 * TICK_NANOS);
        assert!(busy_of(stat, 2).is_err());
    }

    #[test]
    fn work_of_a_thread_stands_under_its_name() {
        let before = Spent::of(process::id()).unwrap();
        let worked = std::thread::Builder::new()
            .name("settlement".to_owned())
            .spawn(move || {
                let until = now() + Duration::from_millis(50);
                while now() < until {}
                Spent::of(process::id()).unwrap()
            })
            .unwrap();
        let spent = worked.join().unwrap().since(&before);
        let settled = spent.sum(|name| name == "settlement");
        assert!((1_000_000..2_000_000_000).contains(&settled), "{spent:?}");
        assert!(spent.sum(|_| true) >= settled);
        assert_eq!(spent.sum(|name| name == "nobody"), 0);
    }

    #[test]
    fn children_belong_to_the_family() {
        let mut child = process::Command::new("sleep").arg("5").spawn().unwrap();
        let found = family(process::id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&child.id()), "{found:?}");
    }
}
