use std::collections::HashMap;

use catalog::{Api, Mount};
use decision::Catalogue;
use primitives::Symbol;

/// The API that a request is for.
#[derive(Clone, Copy, Debug)]
pub struct Mounted<'a> {
    /// The API.
    pub api: &'a Api,
    /// How many bytes of the path its mount takes off before forwarding; 0 by host name.
    pub prefix: usize,
}

/// Which API a host name or the beginning of a path leads to.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    hosts: HashMap<Box<str>, Symbol>,
    /// Without the slash at the end, the longest first.
    paths: Vec<(Box<str>, Symbol)>,
}

impl Mounts {
    pub(crate) fn of(catalogue: &Catalogue) -> Self {
        let mut mounts = Self::default();
        for (symbol, api) in catalogue.apis.iter() {
            for mount in &api.mounts {
                match mount {
                    Mount::Host(host) => {
                        mounts.hosts.insert(host.as_str().into(), symbol);
                    }
                    Mount::Path(path) => {
                        let path = path.strip_suffix('/').unwrap_or(path);
                        mounts.paths.push((path.into(), symbol));
                    }
                }
            }
        }
        mounts
            .paths
            .sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        mounts
    }

    /// A host name wins over a path; a longer path over a shorter one.
    pub(crate) fn find(&self, host: Option<&str>, path: &str) -> Option<(Symbol, usize)> {
        if let Some(&api) = host.and_then(|host| self.hosts.get(host)) {
            return Some((api, 0));
        }
        self.paths.iter().find_map(|(prefix, api)| {
            let rest = path.strip_prefix(&**prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((*api, prefix.len()))
        })
    }
}
