//! Persons who sign in: who they are, and what they may do.

use std::{collections::BTreeSet, fmt, str::FromStr};

use primitives::{AccountId, Name};

#[cfg(test)]
mod tests;

/// What an operator is there for. Somebody with several may do what any of them may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Helps developers: their keys, and what narrows their apps.
    Support,
    /// Vets developers, and sets levels, switches and limits.
    Risk,
    /// Grants the capabilities of business units.
    BusinessUnit,
    /// Everything, persons included.
    Admin,
}

impl Role {
    /// Every role, from the one that may least.
    pub const ALL: [Self; 5] = [
        Self::Viewer,
        Self::Support,
        Self::Risk,
        Self::BusinessUnit,
        Self::Admin,
    ];

    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Risk => "risk",
            Self::BusinessUnit => "business_unit",
            Self::Admin => "admin",
        }
    }

    /// What the role is there for, in a sentence.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Viewer => "Looks at everything but secrets, and changes nothing.",
            Self::Support => "Issues, replaces and revokes keys, and narrows apps.",
            Self::Risk => "Vets developers, and sets their levels, switches and limits.",
            Self::BusinessUnit => "Grants developers the capabilities of the person's units.",
            Self::Admin => "Does everything, persons and state files included.",
        }
    }

    /// The authorization table: one row for a role, one answer for an action.
    const fn may(self, action: Action) -> Width {
        use Action as A;
        use Width::{All, None, Units};
        match (self, action) {
            // Membership opens it, not a role.
            (_, A::Develop) => None,
            (_, A::Own | A::See)
            | (Self::Admin, _)
            | (Self::Support, A::HandleKeys | A::NarrowApps | A::SetConfidential)
            | (
                Self::Risk,
                A::Vet | A::SetDevelopers | A::SwitchDevelopers | A::NarrowApps | A::SendRecords,
            ) => All,
            (Self::BusinessUnit, A::SwitchDevelopers) => Units,
            (Self::Viewer | Self::Support | Self::Risk | Self::BusinessUnit, _) => None,
        }
    }
}

/// How much of an action a role opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    None,
    Units,
    All,
}

/// The text is not the word of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: use `viewer`, `support`, `risk`, `business_unit` or `admin`")]
pub struct NotARole(pub String);

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| NotARole(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is done at a door that only some may pass. Every route has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Things of one's own: one's password, one's sign-ins. Needs no role.
    Own,
    /// Works on the developer account that one belongs to: its apps, their keys, its level.
    Develop,
    /// Looks at what is there.
    See,
    /// Issues, replaces and revokes keys.
    HandleKeys,
    /// Switches capabilities of apps off, and narrows their limits.
    NarrowApps,
    /// Gives levels, and sets limits of developers.
    SetDevelopers,
    /// Switches capabilities of developers; those of a business unit for its own.
    SwitchDevelopers,
    /// Decides about applications for a level.
    Vet,
    /// Changes entries of the state.
    ChangeState,
    /// Sets secrets that upstreams are called with.
    SetSecrets,
    /// Sends records about developers.
    SendRecords,
    /// Sets and removes what accounts entrust.
    SetConfidential,
    /// Has what an account entrusts shown in full.
    RevealConfidential,
    /// Invites persons, changes their roles, shuts them out.
    HandlePersons,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::Own,
        Self::Develop,
        Self::See,
        Self::HandleKeys,
        Self::NarrowApps,
        Self::SetDevelopers,
        Self::SwitchDevelopers,
        Self::Vet,
        Self::ChangeState,
        Self::SetSecrets,
        Self::SendRecords,
        Self::SetConfidential,
        Self::RevealConfidential,
        Self::HandlePersons,
    ];

    /// The action in words, as a refusal says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "manage one's own sign-in",
            Self::Develop => "work on a developer account",
            Self::See => "look",
            Self::HandleKeys => "handle keys",
            Self::NarrowApps => "narrow apps",
            Self::SetDevelopers => "set levels and limits of developers",
            Self::SwitchDevelopers => "switch capabilities of developers",
            Self::Vet => "vet developers",
            Self::ChangeState => "change the state",
            Self::SetSecrets => "set secrets",
            Self::SendRecords => "send records about developers",
            Self::SetConfidential => "set what accounts entrust",
            Self::RevealConfidential => "see what accounts entrust",
            Self::HandlePersons => "handle persons",
        }
    }

    /// The roles that may do it, of all units or of their own.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL
            .into_iter()
            .filter(move |role| role.may(self) > Width::None)
    }

    /// What one needs to do it, in words.
    #[must_use]
    pub fn needs(self) -> String {
        let roles: Vec<&str> = self.roles().map(Role::as_str).collect();
        if roles.is_empty() {
            return "to belong to a developer account".to_owned();
        }
        format!("the role `{}`", roles.join("` or `"))
    }
}

/// What somebody may do: their roles, and the business units that one of them is for; or the
/// developer account that they belong to, and then nothing of the provider's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duties {
    /// The roles; without any, only things of one's own.
    pub roles: BTreeSet<Role>,
    /// The business units of the role of that name.
    pub units: BTreeSet<Name>,
    /// The developer account that they belong to. Whoever belongs to one has no role that counts.
    pub developer: Option<AccountId>,
}

/// How far somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'d> {
    /// With everything.
    Everything,
    /// With what belongs to one of these business units.
    Units(&'d BTreeSet<Name>),
    /// With what belongs to this developer account.
    Developer(AccountId),
}

impl Reach<'_> {
    /// Whether it takes in what belongs to `unit`, or to none.
    #[must_use]
    pub fn covers(self, unit: Option<&Name>) -> bool {
        match self {
            Self::Everything => true,
            Self::Units(units) => unit.is_some_and(|unit| units.contains(unit)),
            Self::Developer(_) => false,
        }
    }
}

impl Duties {
    /// Those of whoever set the installation up: everything.
    #[must_use]
    pub fn all() -> Self {
        Self {
            roles: BTreeSet::from([Role::Admin]),
            ..Self::default()
        }
    }

    /// Those of somebody who belongs to a developer account.
    #[must_use]
    pub fn of_developer(account: AccountId) -> Self {
        Self {
            developer: Some(account),
            ..Self::default()
        }
    }

    /// How far they go in an action; `None` when they do not open it.
    #[must_use]
    pub fn may(&self, action: Action) -> Option<Reach<'_>> {
        if let Some(account) = self.developer {
            return match action {
                Action::Own => Some(Reach::Everything),
                Action::Develop => Some(Reach::Developer(account)),
                _ => None,
            };
        }
        let widest = self.roles.iter().map(|role| role.may(action)).max();
        match widest.unwrap_or(Width::None) {
            Width::All => Some(Reach::Everything),
            Width::Units if !self.units.is_empty() => Some(Reach::Units(&self.units)),
            Width::Units | Width::None if action == Action::Own => Some(Reach::Everything),
            Width::Units | Width::None => None,
        }
    }
}

/// Whether somebody may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not yet: the invitation has not been taken.
    Invited,
    /// Yes.
    Active,
    /// No: shut out until an admin lets them in again.
    Disabled,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 3] = [Self::Invited, Self::Active, Self::Disabled];

    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// An e-mail address in its one spelling: lower case, so that nobody is there twice and tries at
/// one password are counted together, however the address is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Email(String);

/// A text is not an address that can be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailProblem {
    /// Longer than addresses are (RFC 5321, section 4.5.3.1.3).
    #[error("an e-mail address has at most 254 characters")]
    TooLong,
    /// Not the form `name@domain`.
    #[error("an e-mail address has the form `name@example.com`")]
    Form,
    /// With letters that look like others, or that no mail server need take.
    #[error("an e-mail address has letters, digits and . _ % + - ' only, before and after the `@`")]
    Characters,
}

impl Email {
    const MOST: usize = 254;

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailProblem;

    fn from_str(text: &str) -> Result<Self, EmailProblem> {
        let text = text.trim();
        if text.len() > Self::MOST {
            return Err(EmailProblem::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailProblem::Form)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._%+-'".contains(c);
        if !local.chars().chain(domain.chars()).all(allowed) {
            return Err(EmailProblem::Characters);
        }
        let labels = domain.split('.');
        let dots = |part: &str| part.starts_with('.') || part.ends_with('.') || part.contains("..");
        let labelled = labels.clone().count() >= 2
            && labels.clone().all(|label| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            });
        if local.is_empty() || dots(local) || !(labelled || domain == "localhost") {
            return Err(EmailProblem::Form);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Personal data: not for logs.
        f.write_str("Email(…)")
    }
}

/// A text that is to be somebody's password cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too few characters.
    #[error("a password has at least 12 characters; several words make a good one")]
    TooShort,
    /// Too many.
    #[error("a password has at most 256 characters")]
    TooLong,
    /// The address or its name is in it, or it is one thing over and over.
    #[error(
        "this password is too easy to guess: it holds your address, or few different characters"
    )]
    Guessable,
}

/// Whether a text may be the password of somebody with this address. Length is what counts
/// (NIST SP 800-63B-4, section 3.1.1.2); nothing is asked of its characters.
///
/// # Errors
/// When it is too short, too long, or the first thing one would try.
pub fn check_password(password: &str, email: &Email) -> Result<(), PasswordProblem> {
    let length = password.chars().count();
    if length < 12 {
        return Err(PasswordProblem::TooShort);
    }
    if length > 256 {
        return Err(PasswordProblem::TooLong);
    }
    let lower = password.to_lowercase();
    let local = email.as_str().split('@').next().unwrap_or_default();
    let different: BTreeSet<char> = lower.chars().collect();
    let is_address = lower.contains(email.as_str()) || (local.len() >= 6 && lower.contains(local));
    if is_address || different.len() < 5 {
        return Err(PasswordProblem::Guessable);
    }
    Ok(())
}
