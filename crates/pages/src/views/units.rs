//! Numbers with their units.

/// A count with its thing, `1 call` or `1,204 calls`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A decimal as it is written, its whole part in groups of three.
pub(crate) fn decimal(text: &str) -> String {
    let (whole, rest) = match text.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (text, String::new()),
    };
    match whole.parse() {
        Ok(number) => format!("{}{rest}", grouped(number)),
        Err(_) => text.to_owned(),
    }
}

/// A duration, to three digits.
pub(crate) fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{} ms", tenths(micros, 1_000)),
        1_000_000..60_000_000 => format!("{} s", tenths(micros, 1_000_000)),
        _ => format!("{} min", tenths(micros, 60_000_000)),
    }
}

/// A size.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", tenths(bytes, 1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(bytes, 1_000_000)),
        _ => format!("{} GB", tenths(bytes, 1_000_000_000)),
    }
}

fn tenths(number: u64, unit: u64) -> String {
    let tenths = number.saturating_mul(10) / unit;
    match tenths % 10 {
        0 => grouped(tenths / 10),
        rest => format!("{}.{rest}", grouped(tenths / 10)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units_and_groups() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(decimal("12345.50"), "12,345.50");
        assert_eq!(decimal("-1"), "-1");
        assert_eq!(decimal(""), "");
        assert_eq!(counted(1, "call", "calls"), "1 call");
        assert_eq!(counted(1_204, "call", "calls"), "1,204 calls");
        assert_eq!(duration(950), "950 µs");
        assert_eq!(duration(12_345), "12.3 ms");
        assert_eq!(duration(2_000_000), "2 s");
        assert_eq!(size(512), "512 B");
        assert_eq!(size(1_250_000), "1.2 MB");
    }
}
