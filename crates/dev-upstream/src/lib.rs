//! A small stateful upstream made from any OpenAPI document.
