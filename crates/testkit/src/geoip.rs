use std::net::IpAddr;

use ipnet::IpNet;

/// The file of `examples/places`: networks that RFC 5737 and RFC 3849 keep for documentation, and
/// this machine. Nobody's real address is in it.
pub const PLACES: &[(&str, &str)] = &[
    ("127.0.0.0/8", "US"),
    ("192.0.2.0/24", "DE"),
    ("198.51.100.0/24", "CA"),
    ("203.0.113.0/24", "JP"),
    ("2001:db8::/32", "FR"),
];

/// A file in MMDB format, as GeoIP vendors ship it, in which each network is in its country.
///
/// # Panics
/// When a network cannot be read, or lies in one that came before.
#[must_use]
pub fn geoip(networks: &[(&str, &str)]) -> Vec<u8> {
    mmdb("country", networks)
}

/// A file in MMDB format in which `field` of each network has this `iso_code`.
///
/// # Panics
/// When a network cannot be read, or lies in one that came before.
#[must_use]
pub fn mmdb(field: &str, networks: &[(&str, &str)]) -> Vec<u8> {
    let mut tree = Tree::new();
    let (mut data, mut known) = (Vec::new(), Vec::<(&str, usize)>::new());
    for (network, code) in networks {
        let found = known.iter().find(|(known, _)| known == code);
        let at = found.map_or(data.len(), |(_, at)| *at);
        if at == data.len() {
            known.push((code, at));
            data.extend(map(&[(field, map(&[("iso_code", text(code))]))]));
        }
        tree.insert(network.parse().expect("a network"), at);
    }
    let mut bytes = tree.bytes();
    bytes.extend([0; SEPARATOR]);
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("binary_format_major_version", number(UINT16, 2)),
        ("binary_format_minor_version", number(UINT16, 0)),
        ("build_epoch", number(UINT64, 1_700_000_000)),
        ("database_type", text("Portreeve-Example-Country")),
        (
            "description",
            map(&[("en", text("made for tests and examples"))]),
        ),
        ("ip_version", number(UINT16, 6)),
        ("languages", control(ARRAY, 0)),
        ("node_count", number(UINT32, tree.nodes.len())),
        ("record_size", number(UINT16, 24)),
    ]));
    bytes
}

/// Zeros between the tree and the data.
const SEPARATOR: usize = 16;
/// Where the addresses of IPv4 are in a tree of IPv6.
const IPV4_PREFIX: usize = 96;

const TEXT: u8 = 2;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
const UINT64: u8 = 9;
const ARRAY: u8 = 11;

#[derive(Clone, Copy, PartialEq)]
enum Record {
    Unknown,
    Node(usize),
    Data(usize),
}

/// The search tree: one node for each bit of an address, one record for each of its values.
struct Tree {
    nodes: Vec<[Record; 2]>,
}

impl Tree {
    fn new() -> Self {
        Self {
            nodes: vec![[Record::Unknown; 2]],
        }
    }

    fn insert(&mut self, network: IpNet, data: usize) {
        let (bits, length) = match network.network() {
            IpAddr::V4(address) => (u128::from(address.to_bits()), IPV4_PREFIX),
            IpAddr::V6(address) => (address.to_bits(), 0),
        };
        let length = length + usize::from(network.prefix_len());
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            let fresh = self.nodes.len();
            let record = self.nodes.get_mut(node).and_then(|node| node.get_mut(side));
            let record = record.expect("a record");
            if depth + 1 == length {
                assert!(*record == Record::Unknown, "{network} overlaps another");
                *record = Record::Data(data);
                return;
            }
            node = match *record {
                Record::Node(next) => next,
                Record::Unknown => {
                    *record = Record::Node(fresh);
                    self.nodes.push([Record::Unknown; 2]);
                    fresh
                }
                Record::Data(_) => panic!("{network} lies in another"),
            };
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let value = |record: &Record| match record {
            Record::Unknown => count,
            Record::Node(next) => *next,
            Record::Data(at) => count + SEPARATOR + at,
        };
        self.nodes
            .iter()
            .flatten()
            .flat_map(|record| value(record).to_be_bytes().into_iter().skip(5))
            .collect()
    }
}

/// Type and size in front of a value; the types above 7 are written as extended ones.
fn control(kind: u8, size: usize) -> Vec<u8> {
    let size = u8::try_from(size).expect("a short value");
    assert!(size < 29, "longer values are written otherwise");
    if kind > MAP {
        vec![size, kind - MAP]
    } else {
        vec![kind << 5 | size]
    }
}

fn text(text: &str) -> Vec<u8> {
    [control(TEXT, text.len()), text.as_bytes().to_vec()].concat()
}

fn number(kind: u8, value: usize) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    [control(kind, bytes.len()), bytes].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = control(MAP, entries.len());
    for (key, value) in entries {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_shipped_file_is_the_one_that_is_made() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/places/places.mmdb");
        let shipped = std::fs::read(&file).expect("the file");
        assert!(
            shipped == geoip(PLACES),
            "`cargo run -p testkit --example places` makes {} anew",
            file.display()
        );
    }
}
