//! What the use-cases refuse, as problems: one place.

use flows::{
    ApplyRefused, ChangeRefused, ConfirmRefused, KeyRefused, OwnAppRefused, PersonRefused,
    RegisterRefused, RemoveRefused, Unable, VettingRefused,
};
use http_kit::{EntityTag, FieldProblem, Precondition, Problem, codes};
use store::{FailureKind, StoreFailure};

use crate::names::unknown;

/// A use-case could not be carried out.
pub(crate) fn unable(failure: Unable) -> Problem {
    match failure {
        Unable::Busy => Problem::of(&codes::UNAVAILABLE).because(failure.to_string()),
        Unable::Crowded => Problem::of(&codes::CONFLICT),
        Unable::Store(failure) => failed(failure),
        other => Problem::internal(&other),
    }
}

/// The store failed.
#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
pub(crate) fn failed(failure: StoreFailure) -> Problem {
    let code = match failure.kind {
        FailureKind::Full => &codes::STORAGE_FULL,
        FailureKind::Away => &codes::STORE_AWAY,
        FailureKind::Other => &codes::INTERNAL,
    };
    Problem::caused(code, &failure)
}

/// A key was not issued, replaced or revoked.
pub(crate) fn key_refused(refused: KeyRefused) -> Problem {
    match refused {
        KeyRefused::Unable(failure) => unable(failure),
        KeyRefused::AppUnknown(_) | KeyRefused::KeyUnknown { .. } => {
            Problem::of(&codes::RESOURCE_UNKNOWN).because(refused.to_string())
        }
        KeyRefused::ProfileUnknown(_)
        | KeyRefused::Ended(_)
        | KeyRefused::Overlap(_)
        | KeyRefused::CertificateMissing
        | KeyRefused::CertificateTaken(_)
        | KeyRefused::NothingToReplace(_)
        | KeyRefused::TooMany
        | KeyRefused::ExpiresInThePast => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

/// A secret was not removed.
pub(crate) fn secret_refused(refused: RemoveRefused) -> Problem {
    match refused {
        RemoveRefused::Unable(failure) => unable(failure),
        RemoveRefused::Unknown(name) => unknown("secret", name.as_str()),
        RemoveRefused::InUse { .. } => {
            Problem::of(&codes::SECRET_IN_USE).because(refused.to_string())
        }
    }
}

/// An entry was not changed.
pub(crate) fn change_refused(refused: ChangeRefused) -> Problem {
    match refused {
        ChangeRefused::Unable(failure) => unable(failure),
        ChangeRefused::Unknown { kind, name } => unknown(kind.as_str(), name.as_str()),
        ChangeRefused::Unexpected { found } => {
            let found = found.map(|version| EntityTag::of(version.0));
            Precondition::failed(found.as_ref())
        }
        ChangeRefused::Toggle(why) => Problem::of(&codes::CHANGE_REFUSED).because(why.to_string()),
        ChangeRefused::Wrong(problems) => {
            let refused = Problem::of(&codes::CHANGE_REFUSED);
            with_places(refused, &problems, |problem| Some(pointer(&problem.field)))
        }
    }
}

/// A vetting did not move.
pub(crate) fn vetting_refused(refused: VettingRefused) -> Problem {
    match refused {
        VettingRefused::Change(refused) => change_refused(refused),
        VettingRefused::AccountUnknown(name) => unknown("account", name.as_str()),
        VettingRefused::NeverApplied { .. } => {
            Problem::of(&codes::RESOURCE_UNKNOWN).because(refused.to_string())
        }
        VettingRefused::NoModel(_)
        | VettingRefused::Unverified(_)
        | VettingRefused::Immovable(_) => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

/// A person was not invited or changed.
pub(crate) fn person_refused(refused: PersonRefused) -> Problem {
    match refused {
        PersonRefused::Unable(failure) => unable(failure),
        PersonRefused::Unknown | PersonRefused::PasskeyUnknown => {
            Problem::of(&codes::RESOURCE_UNKNOWN).because(refused.to_string())
        }
        PersonRefused::EmailTaken
        | PersonRefused::Email(_)
        | PersonRefused::Name
        | PersonRefused::Units
        | PersonRefused::OfDeveloper
        | PersonRefused::Oneself
        | PersonRefused::Password(_)
        | PersonRefused::NotShown
        | PersonRefused::Passkey(_)
        | PersonRefused::PasskeyName
        | PersonRefused::PasskeysFull
        | PersonRefused::Token
        | PersonRefused::NotTheCode
        | PersonRefused::NoCodes
        | PersonRefused::TooOften => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

/// A developer's app was not made.
pub(crate) fn own_app_refused(refused: OwnAppRefused) -> Problem {
    match refused {
        OwnAppRefused::Change(refused) => change_refused(refused),
        OwnAppRefused::NoDeveloper | OwnAppRefused::Title | OwnAppRefused::TooMany => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

/// Somebody could not register so.
pub(crate) fn register_refused(refused: RegisterRefused) -> Problem {
    match refused {
        RegisterRefused::Unable(failure) => unable(failure),
        RegisterRefused::Network(_) => Problem::of(&codes::TOO_MANY_FROM_NETWORK),
        RegisterRefused::TooMany => Problem::of(&codes::UNAVAILABLE).because(refused.to_string()),
        RegisterRefused::Closed
        | RegisterRefused::NotInvited
        | RegisterRefused::Email(_)
        | RegisterRefused::Name
        | RegisterRefused::Password(_)
        | RegisterRefused::Terms(_) => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

/// A registration was not confirmed.
pub(crate) fn confirm_refused(refused: ConfirmRefused) -> Problem {
    match refused {
        ConfirmRefused::Change(refused) => change_refused(refused),
        ConfirmRefused::LinkGone | ConfirmRefused::WrongPassword | ConfirmRefused::TooOften => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

/// A state was not put in force.
pub(crate) fn apply_refused(refused: ApplyRefused) -> Problem {
    match refused {
        ApplyRefused::Unable(failure) => unable(failure),
        ApplyRefused::Wrong(problems) => {
            with_places(Problem::of(&codes::STATE_INVALID), &problems, |_| None)
        }
    }
}

/// Every problem with its place; the first also as the detail, for those who read only that.
pub(crate) fn with_places(
    problem: Problem,
    found: &[state::Problem],
    pointer: impl Fn(&state::Problem) -> Option<String>,
) -> Problem {
    let mut problem = match found.first() {
        Some(first) => problem.because(first.to_string()),
        None => problem,
    };
    for one in found {
        problem = problem.at(place(one, pointer(one)));
    }
    problem
}

fn place(problem: &state::Problem, pointer: Option<String>) -> FieldProblem {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let number = |number: u32| (number > 0).then_some(number);
    let in_file = pointer.is_none();
    FieldProblem {
        file: text(&problem.file).filter(|_| in_file),
        line: number(problem.line).filter(|_| in_file),
        column: number(problem.column).filter(|_| in_file),
        field: match &problem.entry {
            Some((kind, name)) if problem.field.is_empty() => Some(format!("{kind} {name}")),
            Some((kind, name)) => Some(format!("{kind} {name}: {}", problem.field)),
            None => text(&problem.field),
        },
        pointer,
        detail: problem.message.clone(),
        mend: text(&problem.mend),
    }
}

/// `operations[2].uses` as a JSON Pointer.
fn pointer(field: &str) -> String {
    let mut pointer = String::new();
    for part in field.split(['.', '[']).filter(|part| !part.is_empty()) {
        pointer.push('/');
        pointer.push_str(
            &part
                .trim_end_matches(']')
                .replace('~', "~0")
                .replace('/', "~1"),
        );
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_becomes_a_pointer() {
        assert_eq!(pointer(""), "");
        assert_eq!(
            pointer("operations[2].uses[0].capability"),
            "/operations/2/uses/0/capability"
        );
        assert_eq!(pointer("levels.a/b"), "/levels/a~1b");
    }
}
