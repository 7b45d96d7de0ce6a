//! Files that are read back.

use std::net::IpAddr;

use snapshot::GeoDatabase;

/// A database of places that is taken answers for every address.
pub(crate) fn geoip(bytes: &[u8]) {
    let Ok(database) = GeoDatabase::from_bytes(bytes.to_vec(), "fuzz.mmdb") else {
        return;
    };
    let ends = bytes.iter().rev().chain(bytes);
    let octets: Vec<u8> = ends.copied().take(64).collect();
    for octets in octets.chunks_exact(4).take(8) {
        if let Ok(octets) = <[u8; 4]>::try_from(octets) {
            let _ = database.country(IpAddr::from(octets));
        }
    }
    for octets in octets.chunks_exact(16) {
        if let Ok(octets) = <[u8; 16]>::try_from(octets) {
            let _ = database.country(IpAddr::from(octets));
        }
    }
}
