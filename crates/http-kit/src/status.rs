use http::StatusCode;

/// A status that says no: a success cannot be spelled with this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum ErrorStatus {
    /// 400: the request itself is wrong.
    BadRequest = 400,
    /// 401: who is asking is not known.
    Unauthorized = 401,
    /// 403: known, and not allowed.
    Forbidden = 403,
    /// 404: no such thing.
    NotFound = 404,
    /// 405: the thing is there, the method is not.
    MethodNotAllowed = 405,
    /// 408: it did not arrive in time.
    Timeout = 408,
    /// 409: it contradicts what is there, or another request in flight.
    Conflict = 409,
    /// 412: `If-Match` or `If-None-Match` does not hold.
    PreconditionFailed = 412,
    /// 413: the body is longer than is taken.
    ContentTooLarge = 413,
    /// 415: the body is of another media type.
    UnsupportedMediaType = 415,
    /// 417: it expects something that is not done.
    ExpectationFailed = 417,
    /// 421: it is for somebody else.
    Misdirected = 421,
    /// 422: well-formed, and cannot be done.
    Unprocessable = 422,
    /// 429: too many.
    TooManyRequests = 429,
    /// 431: its head is longer than is taken.
    HeadTooLarge = 431,
    /// 500: our fault.
    Internal = 500,
    /// 501: the protocol knows it, we do not offer it.
    NotOffered = 501,
    /// 502: the server behind us failed.
    BadGateway = 502,
    /// 503: not now.
    Unavailable = 503,
    /// 504: the server behind us was too slow.
    GatewayTimeout = 504,
    /// 505: another version of the protocol.
    VersionNotSupported = 505,
    /// 507: there is no room for it.
    InsufficientStorage = 507,
}

impl ErrorStatus {
    /// The number.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self as u16
    }
}

impl From<ErrorStatus> for StatusCode {
    fn from(status: ErrorStatus) -> Self {
        Self::from_u16(status.as_u16()).unwrap_or(Self::INTERNAL_SERVER_ERROR)
    }
}
