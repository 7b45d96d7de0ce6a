use std::{path::Path, time::Duration};

use crate::{Report, descriptors, drain, memory, misbehaviour, overload, slow};

/// Every campaign, by its name.
pub const NAMES: [&str; 6] = [
    "overload",
    "slow",
    "descriptors",
    "memory",
    "drain",
    "misbehaviour",
];

/// How much of a campaign is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// At most half a minute, on any build.
    Short,
    /// A minute or more, on a release build.
    Long,
}

/// Runs the campaign `name`; `None` when there is none of that name.
///
/// # Panics
/// When a node does not start.
pub async fn run(name: &str, binary: &Path, tier: Tier) -> Option<Report> {
    let long = tier == Tier::Long;
    let binary = binary.to_owned();
    let of = |short: usize, all: usize| if long { all } else { short };
    let seconds = |short, all| Duration::from_secs(if long { all } else { short });
    Some(match name {
        "overload" => {
            let wanted = overload::Overload {
                binary,
                workers: of(16, 20),
                service: Duration::from_millis(if long { 40 } else { 150 }),
                times: if long { vec![2, 4, 8] } else { vec![4] },
                lasts: seconds(6, 30),
                release: long,
            };
            overload::overload(&wanted).await
        }
        "slow" => {
            let wanted = slow::Slow {
                binary,
                connections: of(300, 5_000),
                honest: if long { 100 } else { 20 },
                release: long,
            };
            slow::slow(&wanted).await
        }
        "descriptors" => {
            let wanted = descriptors::Descriptors {
                binary,
                connections: of(2_000, 20_000),
                at_once: of(2_000, 10_000),
            };
            descriptors::descriptors(&wanted).await
        }
        "memory" => {
            let wanted = memory::Memory {
                binary,
                lasts: seconds(8, 60),
                callers: of(64, 256),
            };
            memory::memory(&wanted).await
        }
        "drain" => {
            let wanted = drain::Drain {
                binary,
                upgrades: of(5, 20),
                every: seconds(3, 3),
                rate: if long { 900 } else { 200 },
            };
            drain::drain(&wanted).await
        }
        "misbehaviour" => {
            let wanted = misbehaviour::Misbehaviour {
                binary,
                calls: of(800, 20_000),
                callers: of(16, 64),
            };
            misbehaviour::misbehaviour(&wanted).await
        }
        _ => return None,
    })
}
