use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The header that carries the signed context of a call to the upstream.
pub const CONTEXT_HEADER: &str = "portreeve-context";

/// The type (`typ`) of the signed context.
pub const CONTEXT_TYPE: &str = "portreeve-context+jwt";

/// The claim `htp` of the signed context: SHA-256 over method, authority, path and query as
/// forwarded, each with its length before it, in base64url. Binds a context to one request.
#[must_use]
pub fn request_hash(method: &str, authority: &str, path_and_query: &str) -> String {
    let mut bytes = Vec::with_capacity(128);
    let mut write = |part: &str, folded: bool| {
        bytes.extend((part.len() as u64).to_be_bytes());
        let begin = bytes.len();
        bytes.extend(part.as_bytes());
        if folded && let Some(part) = bytes.get_mut(begin..) {
            part.make_ascii_lowercase();
        }
    };
    write(method, false);
    write(authority, true);
    write(path_and_query, false);
    URL_SAFE_NO_PAD.encode(crate::sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_no_part_runs_into_the_next() {
        let hash = request_hash("GET", "a", "/b");
        for (method, authority, path) in [
            ("PUT", "a", "/b"),
            ("GET", "b", "/b"),
            ("GET", "a", "/b?"),
            ("GET", "a/", "b"),
            ("GETa", "", "/b"),
        ] {
            assert_ne!(request_hash(method, authority, path), hash);
        }
        assert_eq!(request_hash("GET", "A", "/b"), hash);
    }
}
