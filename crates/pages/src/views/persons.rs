use accounts::persons::{Duties, Role, Standing};
use flows::Person;
use primitives::{SignInId, Timestamp};
use serde::Serialize;
use store::{Passkey, SignIn, SignInKind};

use crate::when::When;

/// Somebody who signs in.
#[derive(Serialize)]
pub(crate) struct PersonRow {
    id: String,
    email: String,
    name: String,
    href: String,
    standing: &'static str,
    tone: &'static str,
    roles: Vec<&'static str>,
    units: Vec<String>,
    codes: bool,
    /// Whether they belong to a developer account.
    developer: bool,
    since: When,
}

impl PersonRow {
    pub(crate) fn of(person: &Person, now: Timestamp) -> Self {
        let id = person.kept.id.to_string();
        Self {
            href: format!("/console/persons/{id}"),
            id,
            email: person.kept.email.clone(),
            name: person.kept.name.clone(),
            standing: person.standing.as_str(),
            tone: match person.standing {
                Standing::Active => "good",
                Standing::Invited => "warn",
                Standing::Disabled => "bad",
            },
            roles: person
                .duties
                .roles
                .iter()
                .map(|role| role.as_str())
                .collect(),
            units: person
                .duties
                .units
                .iter()
                .map(ToString::to_string)
                .collect(),
            developer: person.duties.developer.is_some(),
            codes: person.kept.code_seed.is_some(),
            since: When::of(person.kept.created_at, now),
        }
    }
}

/// A role to be ticked.
#[derive(Serialize)]
pub(crate) struct RoleChoice {
    word: &'static str,
    purpose: &'static str,
    held: bool,
}

impl RoleChoice {
    pub(crate) fn all(duties: &Duties) -> Vec<Self> {
        let choice = |role: Role| Self {
            word: role.as_str(),
            purpose: role.purpose(),
            held: duties.roles.contains(&role),
        };
        Role::ALL.into_iter().map(choice).collect()
    }
}

/// A passkey of one's own.
#[derive(Serialize)]
pub(crate) struct PasskeyRow {
    id: String,
    name: String,
    /// Whether a copy of it is kept elsewhere, by its own word.
    backed_up: bool,
    added: When,
    used: Option<When>,
}

impl PasskeyRow {
    pub(crate) fn all(passkeys: &[Passkey], now: Timestamp) -> Vec<Self> {
        let row = |one: &Passkey| Self {
            id: one.id.to_string(),
            name: one.name.clone(),
            backed_up: one.backed_up,
            added: When::of(one.created_at, now),
            used: one.used_at.map(|at| When::of(at, now)),
        };
        passkeys.iter().map(row).collect()
    }
}

/// A browser or program that is signed in.
#[derive(Serialize)]
pub(crate) struct SignInRow {
    id: String,
    label: String,
    kind: &'static str,
    this: bool,
    began: When,
    ends: When,
}

impl SignInRow {
    pub(crate) fn all(sign_ins: &[SignIn], own: Option<SignInId>, now: Timestamp) -> Vec<Self> {
        let row = |one: &SignIn| Self {
            id: one.id.to_string(),
            label: one.label.clone(),
            kind: match one.kind {
                SignInKind::Browser => "browser",
                SignInKind::Token => "access token",
            },
            this: own == Some(one.id),
            began: When::of(one.created_at, now),
            ends: When::of(one.expires_at, now),
        };
        sign_ins.iter().map(row).collect()
    }
}
