//! GeoIP files: one that is good, and many that are broken.

use std::net::IpAddr;

use crate::{GeoDatabase, GeoHandle, GeoProblem};

/// MMDB type and size in front of a value (types above 7 are written as extended ones).
fn control(kind: u8, size: usize) -> Vec<u8> {
    let size = u8::try_from(size).unwrap();
    assert!(size < 29, "longer values are written otherwise");
    if kind > 7 {
        vec![size, kind - 7]
    } else {
        vec![kind << 5 | size]
    }
}

fn text(text: &str) -> Vec<u8> {
    [control(2, text.len()), text.as_bytes().to_vec()].concat()
}

fn number(kind: u8, value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    [control(kind, bytes.len()), bytes].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = control(7, entries.len());
    for (key, value) in entries {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

/// A database in which 192.0.2.0/24 has this field with `DE`, and nothing else has anything.
fn database(field: &str) -> Vec<u8> {
    let network = u32::from_be_bytes([192, 0, 2, 0]);
    let (nodes, unknown) = (24_u32, 24_u32);
    let data = nodes + 16;
    let mut bytes = Vec::new();
    for depth in 0..nodes {
        let next = if depth + 1 == nodes { data } else { depth + 1 };
        let right = network >> (31 - depth) & 1 == 1;
        let pair = if right {
            [unknown, next]
        } else {
            [next, unknown]
        };
        for record in pair {
            bytes.extend(record.to_be_bytes().into_iter().skip(1));
        }
    }
    bytes.extend([0; 16]);
    bytes.extend(map(&[(field, map(&[("iso_code", text("DE"))]))]));
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_700_000_000)),
        ("database_type", text("Test")),
        ("description", map(&[("en", text("for tests"))])),
        ("ip_version", number(5, 4)),
        ("languages", control(11, 0)),
        ("node_count", number(6, nodes)),
        ("record_size", number(5, 24)),
    ]));
    bytes
}

#[test]
fn an_address_is_in_the_country_that_the_file_says() {
    let geo = GeoDatabase::from_bytes(database("country"), "geo.mmdb").unwrap();
    for (address, country) in [
        ("192.0.2.1", Some("DE")),
        ("192.0.2.255", Some("DE")),
        ("192.0.3.1", None),
        ("::1", None),
    ] {
        let address: IpAddr = address.parse().unwrap();
        let found = geo.country(address).map(|country| country.to_string());
        assert_eq!(found.as_deref(), country, "{address}");
    }
}

#[test]
fn a_malformed_file_never_replaces_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("geo.mmdb");
    let handle = GeoHandle::default();
    let inside: IpAddr = "192.0.2.7".parse().unwrap();
    assert!(matches!(
        handle.replace(&file),
        Err(GeoProblem::Unreadable { .. })
    ));
    assert!(!handle.is_loaded());
    assert_eq!(handle.country(inside), None);
    std::fs::write(&file, database("country")).unwrap();
    handle.replace(&file).unwrap();
    for bad in [database("asn"), b"not a database".to_vec(), Vec::new()] {
        std::fs::write(&file, bad).unwrap();
        let told = handle.replace(&file).unwrap_err().to_string();
        assert!(told.contains("is not a usable GeoIP database"), "{told}");
        assert!(handle.country(inside).is_some());
    }
}

/// Every file cut off anywhere, and every file with one byte changed, is refused or read, and
/// never fatal.
#[test]
fn a_broken_file_is_not_fatal() {
    let good = database("country");
    let inside: IpAddr = "192.0.2.7".parse().unwrap();
    for at in 0..good.len() {
        let cut = good.iter().copied().take(at).collect();
        let mut changed = good.clone();
        changed[at] ^= 0x5A;
        for bytes in [cut, changed] {
            if let Ok(geo) = GeoDatabase::from_bytes(bytes, "geo.mmdb") {
                _ = geo.country(inside);
            }
        }
    }
}
