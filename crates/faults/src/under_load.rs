use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Report, descriptors, drain, memory, misbehaviour, overload, rotation, slow};

/// Every campaign, by its name.
pub const NAMES: [&str; 8] = [
    "overload",
    "slow",
    "descriptors",
    "memory",
    "drain",
    "drain-tls",
    "misbehaviour",
    "rotation",
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
        "drain" | "drain-tls" => {
            let secure = name == "drain-tls";
            let wanted = drain::Drain {
                binary,
                upgrades: of(if secure { 2 } else { 5 }, 20),
                every: seconds(3, 3),
                rate: if long { 900 } else { 200 },
                secure,
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
        "rotation" => rotation::rotation(&replacing(binary, long)).await,
        _ => return None,
    })
}

fn replacing(binary: PathBuf, long: bool) -> rotation::Rotation {
    let of = |short, all| if long { all } else { short };
    rotation::Rotation {
        binary,
        calls: of(200, 100_000),
        rotations: of(4, 20),
        every: Duration::from_secs(if long { 5 } else { 2 }),
        within: Duration::from_secs(if long { 240 } else { 10 }),
    }
}
