use serde_json::{Value, json};

use crate::failure::Failure;

/// What this program is.
pub(crate) fn facts() -> Value {
    json!({
        "name": "portreeve",
        "version": env!("CARGO_PKG_VERSION"),
    })
}

pub(crate) fn run(as_json: bool) -> Result<(), Failure> {
    if as_json {
        println!("{}", facts());
    } else {
        println!("portreeve {}", env!("CARGO_PKG_VERSION"));
    }
    Ok(())
}
