use std::{collections::HashMap, sync::Arc};

use http::{
    HeaderValue, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use parking_lot::RwLock;
use request::CanonicalPath;

/// Where an upstream is: its URL, read.
#[derive(Debug)]
pub(crate) struct Base {
    scheme: Scheme,
    pub(crate) authority: Authority,
    pub(crate) host: HeaderValue,
    pub(crate) path: CanonicalPath,
}

impl Base {
    fn read(url: &str) -> Option<Self> {
        let url: Uri = url.parse().ok()?;
        let path = url.path().trim_end_matches('/');
        let path = if path.is_empty() { "/" } else { path };
        let authority = url.authority()?.clone();
        Some(Self {
            scheme: url.scheme().cloned().unwrap_or(Scheme::HTTP),
            host: HeaderValue::from_str(authority.as_str()).ok()?,
            path: CanonicalPath::parse(path).ok()?,
            authority,
        })
    }

    /// The target of a request there.
    pub(crate) fn target(&self, path_and_query: &str) -> Option<Uri> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::try_from(path_and_query).ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// The URLs of upstreams, each read once.
#[derive(Debug, Default)]
pub(crate) struct Bases(RwLock<HashMap<String, Arc<Base>>>);

/// More than any state has; those no longer named are forgotten then.
const MOST: usize = 4_096;

impl Bases {
    /// `None` for what is not the URL of a server.
    pub(crate) fn of(&self, url: &str) -> Option<Arc<Base>> {
        if let Some(known) = self.0.read().get(url) {
            return Some(Arc::clone(known));
        }
        let base = Arc::new(Base::read(url)?);
        let mut known = self.0.write();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(url.to_owned(), Arc::clone(&base));
        Some(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_under_the_base_of_its_upstream() {
        let bases = Bases::default();
        for (url, host) in [
            ("http://a.test:8080", "a.test:8080"),
            ("https://b.test/v1", "b.test"),
            ("https://b.test/v1/", "b.test"),
        ] {
            let base = bases.of(url).unwrap();
            assert!(Arc::ptr_eq(&base, &bases.of(url).unwrap()), "read twice");
            assert_eq!(base.host, host);
            let target = base.target("/v1/pay?a=b").unwrap().to_string();
            let scheme = url.split_once(':').unwrap().0;
            assert_eq!(target, format!("{scheme}://{host}/v1/pay?a=b"));
        }
        assert_eq!(bases.of("https://b.test/v1").unwrap().path.written(), "/v1");
        for bad in ["", "/v1", "http:///", "http://a.test/%2e%2e/b"] {
            assert!(bases.of(bad).is_none(), "{bad}");
        }
    }
}
