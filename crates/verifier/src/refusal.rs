use keys::TokenProblem;

/// Why a request is not believed to have come through Portreeve as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No context at all: the request did not come through Portreeve.
    #[error("the request has no `Portreeve-Context`")]
    Missing,
    /// Several, or one that is no text.
    #[error("the request has more than one `Portreeve-Context`, or one that is not text")]
    Ambiguous,
    /// The request has no `Host`, or several.
    #[error("the request does not have exactly one `Host`")]
    NoAuthority,
    /// The token is not authentic.
    #[error(transparent)]
    Token(#[from] TokenProblem),
    /// It is for another upstream.
    #[error("the context is for `{0}`")]
    Audience(String),
    /// Another installation issued it.
    #[error("the context was issued by `{0}`")]
    Issuer(String),
    /// Its time is over.
    #[error("the context expired: it is good for about a minute; are the clocks right?")]
    Expired,
    /// It comes from the future, or lives for longer than any context does.
    #[error("the times of the context cannot be right: are the clocks right?")]
    Times,
    /// It was made for another request.
    #[error("the context was made for another method, authority, path or query")]
    OtherRequest,
}
