//! Makes `examples/places/places.mmdb` anew: `cargo run -p testkit --example places`.

use std::{io, path::Path};

fn main() -> io::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/places/places.mmdb");
    std::fs::write(file, testkit::geoip(testkit::PLACES))
}
