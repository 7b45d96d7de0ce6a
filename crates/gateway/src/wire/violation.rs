use http_kit::{Code, codes};

/// Why bytes of a caller are not taken as a request. Every one ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Not `method SP target SP version`.
    #[error("the request line is not `method target HTTP/1.1` with single spaces")]
    RequestLine,
    /// A raw `#`, which some servers cut the target at and some do not.
    #[error("the request target has a `#`: a fragment is never sent; write `%23` if it is data")]
    Fragment,
    /// A byte in the target that must be escaped, or no form of target at all.
    #[error("the request target is neither a path nor an http URL, or has a byte to be escaped")]
    Target,
    /// Neither 1.1 nor 1.0.
    #[error("the version of HTTP is not 1.1")]
    Version,
    /// The preface of HTTP/2.
    #[error("HTTP/2 is not offered: speak HTTP/1.1")]
    Http2,
    /// A tunnel.
    #[error("a tunnel (CONNECT) is not offered")]
    Connect,
    /// CR without LF, or LF without CR.
    #[error("a line does not end with CR LF, or has a CR or LF within it")]
    LineEnd,
    /// The name of a field is no token, or the colon does not follow it.
    #[error("the name of a header field is no token, or is not followed by its colon")]
    FieldName,
    /// A control character in a value.
    #[error("the value of a header field has a control character")]
    FieldValue,
    /// A field continued on the next line.
    #[error("a header field is continued on the next line")]
    Folding,
    /// No `Host`, or several.
    #[error("the request has no `Host`, or more than one")]
    Host,
    /// `Content-Length` twice, or no plain number.
    #[error("`Content-Length` is not one plain decimal number")]
    ContentLength,
    /// `Transfer-Encoding` twice, or not `chunked`.
    #[error("`Transfer-Encoding` is not exactly `chunked`, once")]
    TransferEncoding,
    /// Both ways to say where the body ends.
    #[error("the request has both `Content-Length` and `Transfer-Encoding`")]
    TwoFramings,
    /// A body with HTTP/1.0.
    #[error("a request of HTTP/1.0 has a body: send it with HTTP/1.1")]
    OldBody,
    /// An expectation other than `100-continue`.
    #[error("`Expect` asks for something other than `100-continue`")]
    Expectation,
    /// More bytes or lines than a head may have.
    #[error("the head of the request is longer than is taken")]
    HeadTooLarge,
    /// The head did not arrive in time.
    #[error("the head of the request did not arrive in time")]
    HeadTooSlow,
    /// The size of a chunk is no plain hexadecimal number.
    #[error("the size of a chunk is not a plain hexadecimal number")]
    ChunkSize,
    /// A chunk extension, which servers end differently.
    #[error("a chunk has an extension, which is not taken")]
    ChunkExtension,
    /// The bytes of a chunk are not followed by CR LF.
    #[error("the bytes of a chunk are not followed by CR LF")]
    ChunkEnd,
    /// Trailers that are too many, malformed, or change what was decided about.
    #[error("the trailers are too many, malformed, or of names that may only stand in a head")]
    Trailers,
    /// The caller does not read its answer.
    #[error("the caller did not read its answer in time")]
    SlowReader,
}

impl Violation {
    /// What a counter calls it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::RequestLine => "request_line",
            Self::Fragment => "fragment",
            Self::Target => "target",
            Self::Version => "version",
            Self::Http2 => "http2",
            Self::Connect => "connect",
            Self::LineEnd => "line_end",
            Self::FieldName => "field_name",
            Self::FieldValue => "field_value",
            Self::Folding => "folding",
            Self::Host => "host",
            Self::ContentLength => "content_length",
            Self::TransferEncoding => "transfer_encoding",
            Self::TwoFramings => "two_framings",
            Self::OldBody => "old_body",
            Self::Expectation => "expectation",
            Self::HeadTooLarge => "head_too_large",
            Self::HeadTooSlow => "head_too_slow",
            Self::ChunkSize => "chunk_size",
            Self::ChunkExtension => "chunk_extension",
            Self::ChunkEnd => "chunk_end",
            Self::Trailers => "trailers",
            Self::SlowReader => "slow_reader",
        }
    }

    /// The public code it is answered with.
    #[must_use]
    pub const fn code(self) -> &'static Code {
        match self {
            Self::Fragment => &codes::PATH_NOT_CANONICAL,
            Self::Version => &codes::VERSION_NOT_SUPPORTED,
            Self::Http2 | Self::Connect => &codes::NOT_OFFERED,
            Self::Expectation => &codes::EXPECTATION_FAILED,
            Self::HeadTooLarge => &codes::HEAD_TOO_LARGE,
            Self::HeadTooSlow | Self::SlowReader => &codes::REQUEST_TIMEOUT,
            _ => &codes::MALFORMED_REQUEST,
        }
    }
}
