//! A call held against what its app usually does, once it is known who calls (P-33).

use std::sync::Arc;

use accounts::anomalies::{self, Action, Hit};
use decision::{Account, Catalogue, Developer, Likeness, Unusual};
use http::header::USER_AGENT;
use journal::{Manner, RecordedAnomaly};
use primitives::Symbol;
use snapshot::Snapshot;

use crate::{Arrival, Identified, case::Case, habits::Coming};

/// What judging left with a call.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How it was made; `None` where no rule looks at it.
    pub(crate) manner: Option<Manner>,
    /// What refuses it.
    pub(crate) refused: Option<Arc<Unusual>>,
    /// The developer as the call is decided, when the app stands lower.
    pub(crate) developer: Option<Arc<Account>>,
}

impl Case {
    /// Holds the call against what its app usually does. The provider's own traffic is not judged.
    pub(crate) fn judge(
        &mut self,
        arrival: &Arrival<'_>,
        (snapshot, api): (&Snapshot, Symbol),
        caller: &Identified<'_>,
    ) {
        let rules = &snapshot.setup().anomaly_rules;
        if rules.is_empty() || caller.app.provider {
            return;
        }
        let parts = self.admission.parts();
        let sent = arrival.request.headers.get(USER_AGENT);
        let technology = anomalies::technology(sent.and_then(|sent| sent.to_str().ok()));
        let country = parts.places.country(self.address);
        let judged = parts.habits.judge(
            rules,
            Coming {
                whose: (caller.app.id, caller.mode()),
                api,
                at: self.at,
                technology: &technology,
                country,
            },
        );
        let lower = judged.lower;
        let refusing = judged
            .hits
            .iter()
            .find(|hit| hit.rule.action == Action::Refuse);
        self.found = Found {
            refused: refusing.map(|hit| Arc::new(unusual(hit))),
            developer: lower.and_then(|lower| {
                let lower = lowered(snapshot.catalogue(), caller.developer, lower.levels);
                lower.map(Arc::new)
            }),
            manner: Some(Manner {
                technology,
                country,
                anomalies: judged
                    .hits
                    .iter()
                    .map(|hit| RecordedAnomaly {
                        until: lower
                            .filter(|_| matches!(hit.rule.action, Action::StepDown { .. }))
                            .map(|lower| lower.until),
                        ..recorded(hit)
                    })
                    .collect(),
                levels_down: lower.map_or(0, |lower| lower.levels),
            }),
        };
    }

    /// How it compares with what its app usually does, for the gate.
    pub(crate) const fn likeness(found: Option<&Unusual>, is_judged: bool) -> Likeness<'_> {
        match found {
            Some(why) => Likeness::Refused(why),
            None if is_judged => Likeness::Usual,
            None => Likeness::NotJudged,
        }
    }
}

fn unusual(hit: &Hit<'_>) -> Unusual {
    Unusual {
        rule: hit.rule.name.clone(),
        value: hit.found.clone(),
        threshold: hit.wanted.clone(),
    }
}

fn recorded(hit: &Hit<'_>) -> RecordedAnomaly {
    RecordedAnomaly {
        rule: hit.rule.name.to_string(),
        signal: hit.value.signal().as_str().to_owned(),
        value: hit.value.to_string(),
        action: hit.rule.action.as_str().to_owned(),
        found: hit.found.clone(),
        wanted: hit.wanted.clone(),
        until: None,
    }
}

/// The developer so many levels lower on every ladder, never below the lowest; `None` when that
/// is where he stands.
pub(crate) fn lowered(catalogue: &Catalogue, account: &Account, levels: u32) -> Option<Account> {
    let developer = account.developer.as_deref()?;
    let down = usize::try_from(levels).unwrap_or(usize::MAX);
    let lower = |&(on, level): &(Symbol, Symbol)| {
        let ladder = catalogue.ladders.get(on)?;
        let rank = ladder.rank(level)?.saturating_sub(down);
        Some((on, ladder.levels.get(rank)?.symbol))
    };
    // A level that its ladder does not have opens nothing anyway.
    let levels: Vec<_> = developer
        .levels
        .iter()
        .map(|held| lower(held).unwrap_or(*held))
        .collect();
    (levels != developer.levels).then(|| Account {
        developer: Some(Arc::new(Developer {
            levels,
            ..developer.clone()
        })),
        ..account.clone()
    })
}
