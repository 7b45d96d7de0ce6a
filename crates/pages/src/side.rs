use accounts::persons::Duties;

/// Whose pages they are. Each side is an origin of its own, with a cookie of its own: browsers
/// give one of `localhost` to every port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The operator's console, on the management listener.
    Provider,
    /// The developers' site.
    Developers,
}

impl Side {
    /// What every path begins with.
    pub(crate) const fn root(self) -> &'static str {
        match self {
            Self::Provider => "/console",
            Self::Developers => "",
        }
    }

    /// Where somebody comes who has signed in.
    pub(crate) const fn home(self) -> &'static str {
        match self {
            Self::Provider => "/console",
            Self::Developers => "/apps",
        }
    }

    /// What it is called beside the installation's name.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Provider => "Console",
            Self::Developers => "Developers",
        }
    }

    pub(crate) const fn cookie(self, tls: bool) -> &'static str {
        // The `__Host-` prefix demands Secure, which plain http on localhost cannot always have.
        match (self, tls) {
            (Self::Provider, true) => "__Host-portreeve",
            (Self::Provider, false) => "portreeve",
            (Self::Developers, true) => "__Host-portreeve-site",
            (Self::Developers, false) => "portreeve-site",
        }
    }

    /// Whether somebody belongs here: developers never to the console, and nobody else to the
    /// site.
    pub(crate) const fn lets_in(self, duties: &Duties) -> bool {
        duties.developer.is_some() == matches!(self, Self::Developers)
    }

    pub(crate) fn path(self, rest: &str) -> String {
        format!("{}{rest}", self.root())
    }
}

/// What becomes of mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mails {
    /// They go out.
    Sent,
    /// They are shown in the console, because no mail server is named.
    Shown,
    /// There are none, because no mail server is named.
    Off,
}
