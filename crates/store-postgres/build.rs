//! A migration that is new must be embedded: the macro sees only files it has read.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
