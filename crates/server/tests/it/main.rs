//! The product as its users meet it: the real binary, real listeners, a real browser.

mod console;
mod lifecycle;
mod platform;
mod walkthrough;
