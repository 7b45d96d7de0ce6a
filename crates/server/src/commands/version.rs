use serde_json::{Value, json};

/// What this program is.
pub(crate) fn facts() -> Value {
    json!({
        "name": "portreeve",
        "version": env!("CARGO_PKG_VERSION"),
    })
}

pub(crate) fn run(as_json: bool) {
    if as_json {
        println!("{}", facts());
    } else {
        println!("portreeve {}", env!("CARGO_PKG_VERSION"));
    }
}
