use crate::{LONGEST_TARGET, MOST_SEGMENTS};

/// Why a request has no single reading. Segments of a path count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestProblem {
    /// The target is longer than anything reasonable.
    #[error("the request target has {0} bytes: at most {LONGEST_TARGET} are taken")]
    TargetTooLong(usize),
    /// Neither origin-form nor absolute-form.
    #[error("the request target must begin with `/`, or be an absolute http or https URL")]
    TargetForm,
    /// A `#` in the target.
    #[error("the request target has a `#`: a fragment is never sent; write `%23` if it is data")]
    Fragment,
    /// More segments than anything reasonable.
    #[error("the path has more than {MOST_SEGMENTS} segments")]
    TooManySegments,
    /// Two slashes in a row.
    #[error("segment {0} of the path is empty: write one `/`, not `//`")]
    EmptySegment(usize),
    /// `.` or `..`, however written, or nothing but dots and spaces.
    #[error("segment {0} of the path is a dot segment: write the path it stands for")]
    DotSegment(usize),
    /// The segment ends in a dot or a space, which some servers drop.
    #[error("segment {0} of the path ends in a dot or a space, which some servers drop")]
    TrailingDotOrSpace(usize),
    /// `%2F` inside a segment.
    #[error("segment {0} of the path has an encoded `/`")]
    EncodedSlash(usize),
    /// A backslash, raw or encoded.
    #[error("segment {0} of the path has a backslash")]
    Backslash(usize),
    /// `;` begins path parameters, which servers read differently.
    #[error("segment {0} of the path has path parameters (`;`): write `%3B` if it is data")]
    PathParameter(usize),
    /// An escape that is itself escaped.
    #[error("segment {0} of the path is escaped twice")]
    EscapedTwice(usize),
    /// A character that must be escaped stands raw.
    #[error("{place} has a raw `{}`: escape it", .character.escape_default())]
    RawCharacter {
        /// Which part of the target.
        place: Place,
        /// The character.
        character: char,
    },
    /// A NUL or another control character, raw or encoded.
    #[error("{0} has a control character")]
    ControlCharacter(Place),
    /// `%` without two hexadecimal digits.
    #[error("{0} has a `%` without two hexadecimal digits")]
    PercentEscape(Place),
    /// The decoded bytes are not UTF-8; overlong forms are not UTF-8 either.
    #[error("{0} is not UTF-8")]
    NotUtf8(Place),
    /// More query parameters than anything reasonable.
    #[error("the query has more than {0} parameters")]
    TooManyParameters(usize),
    /// A parameter where one value is wanted stands several times.
    #[error("the query has `{0}` more than once")]
    ParameterTwice(String),
    /// No `Host`.
    #[error("the request has no `Host`")]
    HostMissing,
    /// Several `Host` fields.
    #[error("the request has more than one `Host`")]
    HostTwice,
    /// A host that is not a name, an IPv4 or a bracketed IPv6 address with an optional port.
    #[error("`{0}` is not a host: write a name, an IPv4 address or an IPv6 address in brackets")]
    HostForm(String),
    /// User information before the host.
    #[error("the host has user information before it, which is never sent")]
    UserInformation,
    /// `Host` says one thing, the absolute target another.
    #[error("the target names the host `{target}`, and `Host` says `{header}`")]
    HostsDisagree {
        /// From the target.
        target: String,
        /// From the header.
        header: String,
    },
    /// A method outside the list.
    #[error(
        "the method `{0}` is not supported: use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"
    )]
    Method(String),
    /// A tunnel, a trace or a change of protocol.
    #[error("{0} is not offered")]
    NotOffered(&'static str),
    /// A header that asks the upstream to take another method than the one decided about.
    #[error("the header `{0}` would change the method after the decision")]
    MethodOverride(String),
    /// Several `Content-Type` fields: one server reads the body by the first, another by the last.
    #[error("the request has more than one `Content-Type`")]
    ContentTypeTwice,
    /// `Connection` is not a list of names.
    #[error("`Connection` is not a list of header names")]
    ConnectionForm,
}

/// A part of a request target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path, from 1.
    Segment(usize),
    /// A parameter of the query, from 1.
    Parameter(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Segment(at) => write!(f, "segment {at} of the path"),
            Self::Parameter(at) => write!(f, "parameter {at} of the query"),
        }
    }
}

impl RequestProblem {
    /// The stable public code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TargetTooLong(_)
            | Self::Fragment
            | Self::TooManySegments
            | Self::EmptySegment(_)
            | Self::DotSegment(_)
            | Self::TrailingDotOrSpace(_)
            | Self::EncodedSlash(_)
            | Self::Backslash(_)
            | Self::PathParameter(_)
            | Self::EscapedTwice(_)
            | Self::RawCharacter {
                place: Place::Segment(_),
                ..
            }
            | Self::ControlCharacter(Place::Segment(_))
            | Self::PercentEscape(Place::Segment(_))
            | Self::NotUtf8(Place::Segment(_)) => "path_not_canonical",
            Self::Method(_) => "method_not_supported",
            Self::NotOffered(_) => "not_offered",
            _ => "malformed_request",
        }
    }
}
