//! Launches what tests need: PostgreSQL, Chromium, a platform.
