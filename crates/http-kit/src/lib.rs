//! Problem bodies, request ids, cursors, security headers.
