//! GeoIP files: one that is good, and many that are broken.

use std::net::IpAddr;

use crate::{GeoDatabase, GeoHandle, GeoProblem};

/// A database in which 192.0.2.0/24 has this field with `DE`, and nothing else has anything.
fn database(field: &str) -> Vec<u8> {
    testkit::mmdb(field, &[("192.0.2.0/24", "DE")])
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
    let absent = handle.replace(&file).unwrap_err();
    assert!(matches!(*absent, GeoProblem::Unreadable { .. }));
    assert!(!handle.is_loaded());
    assert_eq!(handle.country(inside), None);
    std::fs::write(&file, database("country")).unwrap();
    handle.replace(&file).unwrap();
    assert!(handle.last_problem().is_none());
    for bad in [database("asn"), b"not a database".to_vec(), Vec::new()] {
        std::fs::write(&file, bad).unwrap();
        let told = handle.replace(&file).unwrap_err().to_string();
        assert!(told.contains("is not a usable GeoIP database"), "{told}");
        assert!(handle.country(inside).is_some());
        let kept = handle.last_problem().map(|problem| problem.to_string());
        assert_eq!(kept, Some(told));
    }
}

/// Every file cut off anywhere is refused, and every file with one byte changed is refused or
/// read, and never fatal.
#[test]
fn a_broken_file_is_not_fatal() {
    let good = database("country");
    let inside: IpAddr = "192.0.2.7".parse().unwrap();
    for at in 0..good.len() {
        let cut = good.iter().copied().take(at).collect();
        let told = GeoDatabase::from_bytes(cut, "geo.mmdb").unwrap_err();
        assert!(matches!(told, GeoProblem::Malformed { .. }), "{told}");
        let mut changed = good.clone();
        changed[at] ^= 0x5A;
        if let Ok(geo) = GeoDatabase::from_bytes(changed, "geo.mmdb") {
            _ = geo.country(inside);
        }
    }
}
