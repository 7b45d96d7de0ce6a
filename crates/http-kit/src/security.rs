use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS,
    },
};

/// What a listener shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// JSON only: a browser may do nothing with it.
    Api,
    /// Pages with scripts and styles from files of the same origin, none inline, whose scripts
    /// make nothing of text but text.
    Pages,
}

macro_rules! pages {
    ($more:literal) => {
        concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
            $more
        )
    };
}

/// What a page that renews a part of itself is told instead: its script has to parse what it
/// fetched, which trusted types do not let it do.
pub const RENEWING_POLICY: &str = pages!("");

impl Surface {
    const fn policy(self) -> &'static str {
        match self {
            Self::Api => "default-src 'none'; frame-ancestors 'none'",
            Self::Pages => {
                pages!("; require-trusted-types-for 'script'; trusted-types 'none'")
            }
        }
    }
}

/// Puts the security headers on an answer; what a handler set itself stays.
pub(crate) async fn protect(
    State((surface, tls)): State<(Surface, bool)>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, surface.policy());
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(CACHE_CONTROL, "no-store");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    );
    if tls {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}
