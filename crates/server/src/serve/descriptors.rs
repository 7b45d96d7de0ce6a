//! How many descriptors the process may have, held against what its settings ask for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For listeners, the store, the journal, and what a hand-over opens beside them.
const RESERVE: u64 = 256;

/// Takes as many descriptors as the system grants, and tells when `connections` callers, each
/// with its connection to an upstream, would need more.
pub(crate) fn make_room(connections: u32) {
    raise();
    if let Some(shortage) = shortage(getrlimit(Resource::Nofile).current, connections) {
        tracing::warn!("{shortage}");
    }
}

/// The limit that is in force may be low for the sake of old programs; the hard one is meant.
fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(problem) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%problem, "the limit of open files cannot be raised");
    }
}

fn shortage(granted: Option<u64>, connections: u32) -> Option<String> {
    let granted = granted?;
    let needed = u64::from(connections)
        .saturating_mul(2)
        .saturating_add(RESERVE);
    if granted >= needed {
        return None;
    }
    let fitting = granted.saturating_sub(RESERVE) / 2;
    Some(format!(
        "`limits.connections` = {connections} may need {needed} descriptors, and this process may \
         have {granted}: raise the hard limit (`LimitNOFILE=` of systemd, `ulimit -Hn`), or set \
         `limits.connections` to {} or less",
        fitting.max(1)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_taken() {
        let limit = getrlimit(Resource::Nofile);
        let lower = Rlimit {
            current: limit.maximum.map(|most| most - 1),
            ..limit
        };
        setrlimit(Resource::Nofile, lower).unwrap();
        make_room(1);
        assert_eq!(getrlimit(Resource::Nofile).current, limit.maximum);
    }

    #[test]
    fn too_few_descriptors_are_told_with_the_mend() {
        assert_eq!(shortage(None, u32::MAX), None);
        assert_eq!(shortage(Some(8_448), 4_096), None);
        let told = shortage(Some(8_447), 4_096).unwrap();
        assert!(
            told.contains("8448") && told.contains("to 4095 or less"),
            "{told}"
        );
        let told = shortage(Some(64), 4_096).unwrap();
        assert!(told.contains("to 1 or less"), "{told}");
    }
}
