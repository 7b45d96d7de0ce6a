//! The proxy: accept, canonical, admission, upstream, settle.
