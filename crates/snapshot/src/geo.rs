use std::{net::IpAddr, path::Path, sync::Arc};

use arc_swap::ArcSwapOption;
use maxminddb::{LookupResult, PathElement, Reader, WithinOptions};
use primitives::Country;

/// Why a GeoIP file is not used. The one in use stays.
#[derive(Debug, thiserror::Error)]
pub enum GeoProblem {
    /// It cannot be read.
    #[error("the GeoIP file `{path}` cannot be read: {why}; name a readable file in MMDB format")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// It is not what it should be.
    #[error(
        "`{path}` is not a usable GeoIP database: {why}; give a country database in MMDB format"
    )]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// Countries of addresses.
#[derive(Debug)]
pub struct GeoDatabase(Reader<Vec<u8>>);

impl GeoDatabase {
    /// Reads a database in MMDB format, and checks that it is one.
    ///
    /// # Errors
    /// When the file cannot be read or is not a country database.
    pub fn open(path: &Path) -> Result<Self, GeoProblem> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|problem| GeoProblem::Unreadable {
            path: shown.clone(),
            why: problem.to_string(),
        })?;
        Self::from_bytes(bytes, &shown)
    }

    /// Takes the bytes of a database; `shown` is what to call it in an error.
    ///
    /// # Errors
    /// When they are not a country database.
    pub fn from_bytes(bytes: Vec<u8>, shown: &str) -> Result<Self, GeoProblem> {
        let malformed = |why: String| GeoProblem::Malformed {
            path: shown.to_owned(),
            why,
        };
        let checked = Reader::from_source(bytes).and_then(|reader| {
            reader.verify()?;
            Ok(Self(reader))
        });
        let database = checked.map_err(|problem| malformed(problem.to_string()))?;
        if !database.has_countries() {
            let kind = &database.0.metadata().database_type;
            return Err(malformed(format!(
                "no network of it (`{kind}`) has a country"
            )));
        }
        Ok(database)
    }

    /// Whether it is a database of countries, by what it holds; vendors name theirs differently.
    fn has_countries(&self) -> bool {
        let networks = self.0.networks(WithinOptions::default());
        networks.is_ok_and(|mut networks| {
            networks.any(|network| network.is_ok_and(|network| code(&network).is_some()))
        })
    }

    /// The country where `address` is, when the database knows it.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        let found = self.0.lookup(address).ok()?;
        code(&found)?.parse().ok()
    }
}

fn code<'a>(found: &LookupResult<'a, Vec<u8>>) -> Option<&'a str> {
    let path = [PathElement::Key("country"), PathElement::Key("iso_code")];
    found.decode_path(&path).ok()?
}

/// Where the database in use stands; empty when none is configured.
#[derive(Debug, Default)]
pub struct GeoHandle {
    current: ArcSwapOption<GeoDatabase>,
    refused: ArcSwapOption<GeoProblem>,
}

impl GeoHandle {
    /// The country of `address`, when a database is loaded and knows it.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        self.current.load().as_ref()?.country(address)
    }

    /// Whether a database is loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.current.load().is_some()
    }

    /// Why the newest file is not in use; `None` when it is.
    #[must_use]
    pub fn last_problem(&self) -> Option<Arc<GeoProblem>> {
        self.refused.load_full()
    }

    /// Reads the file and puts it in use; on a problem the one in use stays.
    ///
    /// # Errors
    /// When the file cannot be read or is not a country database.
    pub fn replace(&self, path: &Path) -> Result<(), Arc<GeoProblem>> {
        match GeoDatabase::open(path) {
            Ok(database) => {
                self.current.store(Some(Arc::new(database)));
                self.refused.store(None);
                Ok(())
            }
            Err(problem) => {
                let problem = Arc::new(problem);
                self.refused.store(Some(Arc::clone(&problem)));
                Err(problem)
            }
        }
    }
}
