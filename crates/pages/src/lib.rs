//! Layout, components, templates, sign-in, the operator console.
