use accounts::{
    risk::{Assessment, Found, Line, Room},
    vetting::{Approval, Decider, Doubt, Refusal, Review, Vetting},
};
use primitives::{Name, Timestamp};
use serde::{Deserialize, Serialize};

/// A vetting as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum VettingDocument {
    /// A person has to decide.
    InReview {
        /// The level applied for; the highest that fits if none.
        wanted: Option<Name>,
        /// `unknown`, `too_risky`, `above_automatic` or `risk_rose`.
        why: Vec<DoubtWord>,
        /// The account as it was judged.
        assessment: AssessmentDocument,
    },
    /// The developer stands on a level.
    Approved {
        /// The level.
        level: Name,
        /// Who gave it.
        decided: DeciderDocument,
        /// The account as it was judged.
        assessment: AssessmentDocument,
    },
    /// The developer was refused.
    Refused {
        /// Who refused.
        decided: DeciderDocument,
        /// The account as it was judged.
        assessment: AssessmentDocument,
    },
    /// The developer took the application back.
    Withdrawn,
}

/// Why a person has to decide, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtWord {
    /// The account does not say something that the model asks.
    Unknown,
    /// The points allow less than was applied for.
    TooRisky,
    /// The level is one that a person gives.
    AboveAutomatic,
    /// The points allow less than was given before.
    RiskRose,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeciderDocument {
    /// Who, as in the event log; none when it was the model alone.
    pub by: Option<String>,
    /// What they said about it.
    pub note: String,
}

/// An account held against a risk model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessmentDocument {
    /// The sum, 0 or more.
    pub points: i64,
    /// What each signal did.
    pub signals: Vec<LineDocument>,
    /// What each level asks, the lowest first.
    pub levels: Vec<RoomDocument>,
    /// How many of the lowest levels the points allow.
    pub fits: usize,
}

/// What a signal did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDocument {
    /// The signal.
    pub signal: Name,
    /// `yes`, `no`, `missing` or `unknown`.
    pub found: FoundWord,
    /// The points that it gave.
    pub points: i64,
}

/// What a signal found, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundWord {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The account does not say; the model has points for that.
    Missing,
    /// The account does not say; a person has to look.
    Unknown,
}

/// What a level asks of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomDocument {
    /// The level.
    pub level: Name,
    /// The riskiest capability that it opens.
    pub riskiest: Option<Name>,
    /// The account's points and the capability's risk together.
    pub sum: i64,
    /// Whether that is tolerated.
    pub tolerated: bool,
}

impl VettingDocument {
    /// The word of the state in which a developer stands on a level that vetting gave.
    pub const APPROVED: &str = "approved";
    /// Every word of a state.
    pub const STATES: [&str; 4] = ["in_review", Self::APPROVED, "refused", "withdrawn"];

    /// A vetting as it is kept.
    #[must_use]
    pub fn of(vetting: &Vetting) -> Self {
        match vetting {
            Vetting::InReview(review) => Self::InReview {
                wanted: review.wanted.clone(),
                why: review.why.iter().map(|doubt| doubt_word(*doubt)).collect(),
                assessment: AssessmentDocument::of(&review.assessment),
            },
            Vetting::Approved(approval) => Self::Approved {
                level: approval.level.clone(),
                decided: DeciderDocument::of(&approval.by),
                assessment: AssessmentDocument::of(&approval.assessment),
            },
            Vetting::Refused(refusal) => Self::Refused {
                decided: DeciderDocument::of(&refusal.by),
                assessment: AssessmentDocument::of(&refusal.assessment),
            },
            Vetting::Withdrawn => Self::Withdrawn,
        }
    }

    /// The vetting that was kept so; when it is due stands beside it.
    #[must_use]
    pub fn read(self, due_at: Option<Timestamp>) -> Vetting {
        match self {
            Self::InReview {
                wanted,
                why,
                assessment,
            } => Vetting::InReview(Review {
                wanted,
                why: why.into_iter().map(doubt).collect(),
                assessment: assessment.read(),
            }),
            Self::Approved {
                level,
                decided,
                assessment,
            } => Vetting::Approved(Approval {
                level,
                by: decided.read(),
                due_at,
                assessment: assessment.read(),
            }),
            Self::Refused {
                decided,
                assessment,
            } => Vetting::Refused(Refusal {
                by: decided.read(),
                assessment: assessment.read(),
            }),
            Self::Withdrawn => Vetting::Withdrawn,
        }
    }

    /// The word of the state.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self {
            Self::InReview { .. } => "in_review",
            Self::Approved { .. } => Self::APPROVED,
            Self::Refused { .. } => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl DeciderDocument {
    fn of(by: &Decider) -> Self {
        match by {
            Decider::Model => Self {
                by: None,
                note: String::new(),
            },
            Decider::Person { actor, note } => Self {
                by: Some(actor.clone()),
                note: note.clone(),
            },
        }
    }

    fn read(self) -> Decider {
        match self.by {
            None => Decider::Model,
            Some(actor) => Decider::Person {
                actor,
                note: self.note,
            },
        }
    }
}

impl AssessmentDocument {
    /// An assessment as it is kept.
    #[must_use]
    pub fn of(assessment: &Assessment) -> Self {
        let signal = |line: &Line| LineDocument {
            signal: line.signal.clone(),
            found: found_word(line.found),
            points: line.points,
        };
        let level = |room: &Room| RoomDocument {
            level: room.level.clone(),
            riskiest: room.riskiest.clone(),
            sum: room.sum,
            tolerated: room.tolerated,
        };
        Self {
            points: assessment.points,
            signals: assessment.lines.iter().map(signal).collect(),
            levels: assessment.rooms.iter().map(level).collect(),
            fits: assessment.fits,
        }
    }

    fn read(self) -> Assessment {
        let line = |line: LineDocument| Line {
            signal: line.signal,
            found: found(line.found),
            points: line.points,
        };
        let room = |room: RoomDocument| Room {
            level: room.level,
            riskiest: room.riskiest,
            sum: room.sum,
            tolerated: room.tolerated,
        };
        Assessment {
            points: self.points,
            lines: self.signals.into_iter().map(line).collect(),
            rooms: self.levels.into_iter().map(room).collect(),
            fits: self.fits,
        }
    }
}

/// Both ways of a word for a state of ours, each a total match.
macro_rules! words {
    ($of:ident, $read:ident, $rule:ident, $word:ident: $($name:ident)+) => {
        const fn $of(one: $rule) -> $word {
            match one {
                $($rule::$name => $word::$name,)+
            }
        }

        const fn $read(word: $word) -> $rule {
            match word {
                $($word::$name => $rule::$name,)+
            }
        }
    };
}

words!(doubt_word, doubt, Doubt, DoubtWord: Unknown TooRisky AboveAutomatic RiskRose);
words!(found_word, found, Found, FoundWord: Yes No Missing Unknown);
