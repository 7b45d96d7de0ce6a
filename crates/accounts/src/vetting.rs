//! From an application to a level: states, and what moves them.

use primitives::{Name, Timestamp};

use crate::risk::{Assessment, Model};

#[cfg(test)]
mod tests;

/// Where the vetting of a developer on a ladder stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vetting {
    /// A person has to decide.
    InReview(Review),
    /// The developer stands on a level.
    Approved(Approval),
    /// The developer was refused.
    Refused(Refusal),
    /// The developer took the application back.
    Withdrawn,
}

/// Why a person has to decide, and about what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The level applied for; the highest there is when none was named.
    pub wanted: Option<Name>,
    /// Why.
    pub why: Vec<Doubt>,
    /// The account as it was judged.
    pub assessment: Assessment,
}

/// A level that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The level.
    pub level: Name,
    /// Who gave it.
    pub by: Decider,
    /// When it is to be looked at again.
    pub due_at: Option<Timestamp>,
    /// The account as it was judged.
    pub assessment: Assessment,
}

/// An application that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who refused it.
    pub by: Decider,
    /// The account as it was judged.
    pub assessment: Assessment,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The risk model alone.
    Model,
    /// A person, with what they said about it.
    Person {
        /// Who, as in the event log.
        actor: String,
        /// What they said.
        note: String,
    },
}

/// Why a person has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The account does not say something that the model asks.
    Unknown,
    /// The points allow less than was applied for.
    TooRisky,
    /// The level is one that a person gives.
    AboveAutomatic,
    /// The points rose, and allow less than was given before.
    RiskRose,
}

/// What becomes of the developer's level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// It stays.
    Stays,
    /// It is this one.
    Is(Name),
    /// It is taken away: the lowest is left.
    Lowest,
}

/// A move: the state after it, and what becomes of the level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The state after it.
    pub vetting: Vetting,
    /// What becomes of the level.
    pub level: Level,
}

/// Why a move is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Immovable {
    /// A person is looking at an application already.
    #[error("an application is in review already; withdraw it, or wait for its decision")]
    AlreadyInReview,
    /// Nothing waits for a decision.
    #[error("no application is in review")]
    NotInReview,
    /// There is no level to look at again.
    #[error("no level was given by vetting yet; apply for one")]
    NotApproved,
    /// The ladder does not have the level.
    #[error("the ladder has no level `{0}`")]
    LevelUnknown(Name),
}

/// What surrounds a move.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The model of the ladder.
    pub model: &'a Model,
    /// The developer's level now; the lowest if none.
    pub level: Option<&'a Name>,
    /// The time.
    pub now: Timestamp,
}

impl Vetting {
    /// Applies for a level, or for the highest that the points allow.
    ///
    /// # Errors
    /// When an application is in review, or the ladder does not have the level.
    pub fn apply(
        before: Option<&Self>,
        wanted: Option<Name>,
        assessment: Assessment,
        around: Around<'_>,
    ) -> Result<Moved, Immovable> {
        if matches!(before, Some(Self::InReview(_))) {
            return Err(Immovable::AlreadyInReview);
        }
        let asked = match &wanted {
            Some(level) => Some(rank(around.model, level)?),
            None => None,
        };
        if is_hopeless(around.model, &assessment) {
            let vetting = Self::Refused(Refusal {
                by: Decider::Model,
                assessment,
            });
            let level = Level::Stays;
            return Ok(Moved { vetting, level });
        }
        let why = doubts(around.model, &assessment, asked);
        let target = asked.or_else(|| assessment.highest());
        let level = target.and_then(|rank| around.model.level(rank));
        match level {
            Some(level) if why.is_empty() => {
                let level = level.clone();
                let becomes = around.raised_to(&level);
                let vetting = around.approval(level, Decider::Model, assessment);
                Ok(Moved {
                    vetting,
                    level: becomes,
                })
            }
            _ => Ok(Moved {
                vetting: Self::InReview(Review {
                    wanted,
                    why,
                    assessment,
                }),
                level: Level::Stays,
            }),
        }
    }

    /// Gives a level after review: any level of the ladder, below or above what was applied for.
    ///
    /// # Errors
    /// When nothing is in review, or the ladder does not have the level.
    pub fn approve(self, level: Name, by: Decider, around: Around<'_>) -> Result<Moved, Immovable> {
        let Self::InReview(review) = self else {
            return Err(Immovable::NotInReview);
        };
        rank(around.model, &level)?;
        Ok(Moved {
            vetting: around.approval(level.clone(), by, review.assessment),
            level: Level::Is(level),
        })
    }

    /// Refuses after review. The developer keeps the level there was before.
    ///
    /// # Errors
    /// When nothing is in review.
    pub fn refuse(self, by: Decider) -> Result<Moved, Immovable> {
        let Self::InReview(review) = self else {
            return Err(Immovable::NotInReview);
        };
        let assessment = review.assessment;
        Ok(Moved {
            vetting: Self::Refused(Refusal { by, assessment }),
            level: Level::Stays,
        })
    }

    /// Takes an application back.
    ///
    /// # Errors
    /// When nothing is in review.
    pub fn withdraw(self) -> Result<Moved, Immovable> {
        match self {
            Self::InReview(_) => Ok(Moved {
                vetting: Self::Withdrawn,
                level: Level::Stays,
            }),
            _ => Err(Immovable::NotInReview),
        }
    }

    /// Looks at a level again. More risk than before narrows at once: to what the points allow,
    /// with a person to decide about the rest. Nothing is raised here; that is applied for.
    ///
    /// # Errors
    /// When no level was given.
    pub fn look_again(
        self,
        assessment: Assessment,
        around: Around<'_>,
    ) -> Result<Moved, Immovable> {
        let Self::Approved(approval) = self else {
            return Err(Immovable::NotApproved);
        };
        if is_hopeless(around.model, &assessment) {
            let vetting = Self::Refused(Refusal {
                by: Decider::Model,
                assessment,
            });
            let level = Level::Lowest;
            return Ok(Moved { vetting, level });
        }
        let given = around.model.rank(&approval.level);
        // What a person gave in spite of what was unknown and of the points stays, unless more is
        // unknown or the points rose.
        let before = &approval.assessment;
        let was_seen =
            |signal| approval.by != Decider::Model && before.unknown().any(|seen| seen == signal);
        let is_known = assessment.unknown().all(was_seen);
        let rose = assessment.points > before.points;
        let too_much = given.is_none_or(|given| !assessment.allows(given));
        if is_known && !(too_much && (rose || approval.by == Decider::Model)) {
            let vetting = around.approval(approval.level, approval.by, assessment);
            let level = Level::Stays;
            return Ok(Moved { vetting, level });
        }
        let mut why = Vec::new();
        if !is_known {
            why.push(Doubt::Unknown);
        }
        let mut level = Level::Stays;
        if too_much {
            why.push(Doubt::RiskRose);
            level = around.lowered_to(assessment.highest());
        }
        let vetting = Self::InReview(Review {
            wanted: Some(approval.level),
            why,
            assessment,
        });
        Ok(Moved { vetting, level })
    }

    /// The same, to be looked at again when it was to be before, if that is sooner.
    #[must_use]
    pub fn due_no_later(self, before: Option<Timestamp>) -> Self {
        let Self::Approved(approval) = self else {
            return self;
        };
        let due_at = approval
            .due_at
            .map(|due_at| before.map_or(due_at, |before| before.min(due_at)));
        Self::Approved(Approval { due_at, ..approval })
    }

    /// When it is to be looked at again.
    #[must_use]
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self {
            Self::Approved(approval) => approval.due_at,
            Self::InReview(_) | Self::Refused(_) | Self::Withdrawn => None,
        }
    }
}

impl Around<'_> {
    fn approval(self, level: Name, by: Decider, assessment: Assessment) -> Vetting {
        const DAY_SECONDS: i64 = 24 * 3_600;
        let days = self.model.again_after_days;
        Vetting::Approved(Approval {
            level,
            by,
            due_at: days.map(|days| self.now.plus_seconds(i64::from(days) * DAY_SECONDS)),
            assessment,
        })
    }

    /// The level, unless the developer stands as high already: an application never narrows.
    fn raised_to(self, level: &Name) -> Level {
        let stands = self.level.and_then(|level| self.model.rank(level));
        if stands >= self.model.rank(level) {
            Level::Stays
        } else {
            Level::Is(level.clone())
        }
    }

    /// The highest that is allowed, unless the developer stands no higher.
    fn lowered_to(self, highest: Option<usize>) -> Level {
        let stands = self.level.and_then(|level| self.model.rank(level));
        if stands <= highest {
            return Level::Stays;
        }
        let level = highest.and_then(|rank| self.model.level(rank));
        level.map_or(Level::Lowest, |level| Level::Is(level.clone()))
    }
}

fn rank(model: &Model, level: &Name) -> Result<usize, Immovable> {
    let rank = model.rank(level);
    rank.ok_or_else(|| Immovable::LevelUnknown(level.clone()))
}

fn is_hopeless(model: &Model, assessment: &Assessment) -> bool {
    model
        .refuse_above
        .is_some_and(|most| assessment.points > most)
}

/// Why a person has to decide about the level of this rank, or the highest that fits.
fn doubts(model: &Model, assessment: &Assessment, asked: Option<usize>) -> Vec<Doubt> {
    let mut why = Vec::new();
    if assessment.unknown().next().is_some() {
        why.push(Doubt::Unknown);
    }
    match asked.or_else(|| assessment.highest()) {
        None => why.push(Doubt::TooRisky),
        Some(rank) => {
            if !assessment.allows(rank) {
                why.push(Doubt::TooRisky);
            }
            if rank >= model.automatic {
                why.push(Doubt::AboveAutomatic);
            }
        }
    }
    why
}
