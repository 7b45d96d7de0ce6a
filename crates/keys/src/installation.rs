use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use primitives::{Entropy, EntropyExhausted};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{CursorKey, HashingKey, KeyProblem, Sealer, SigningKey};

/// The keys of one installation: made once, kept in a file that only its owner can read, never
/// in the database.
#[derive(ZeroizeOnDrop)]
pub struct InstallationKeys {
    signing: [u8; 32],
    hashing: [u8; 32],
    key_encryption: Vec<[u8; 32]>,
}

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileProblem {
    /// It cannot be read or written.
    #[error("the key file `{path}` cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read it.
    #[error("the key file `{path}` can be read by others (mode {mode:o}): run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a key file of this format.
    #[error("the key file `{path}` is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: &'static str,
    },
    /// No keys, because the source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyExhausted),
}

/// The file, as JSON. Keys are base64url without padding.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: String,
    signing: String,
    hashing: String,
    key_encryption: Vec<String>,
}

const FORMAT: &str = "portreeve-keys-1";
const LONGEST: u64 = 64 * 1024;

impl InstallationKeys {
    /// New keys.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyExhausted> {
        let key = || -> Result<[u8; 32], EntropyExhausted> {
            let mut key = [0; 32];
            entropy.fill(&mut key)?;
            Ok(key)
        };
        Ok(Self {
            signing: key()?,
            hashing: key()?,
            key_encryption: vec![key()?],
        })
    }

    /// Writes a new file that only its owner can read. An existing file is never replaced.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(&self, path: &Path) -> Result<(), KeyFileProblem> {
        let encode = |key: &[u8; 32]| URL_SAFE_NO_PAD.encode(key);
        let file = KeyFile {
            format: FORMAT.to_owned(),
            signing: encode(&self.signing),
            hashing: encode(&self.hashing),
            key_encryption: self.key_encryption.iter().map(encode).collect(),
        };
        let text = Zeroizing::new(serde_json::to_string_pretty(&file).unwrap_or_default());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let write = || -> io::Result<()> {
            let mut file = options.open(path)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        };
        write().map_err(|source| KeyFileProblem::Io {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or it is damaged.
    pub fn load(path: &Path) -> Result<Self, KeyFileProblem> {
        let failed = |source| KeyFileProblem::Io {
            path: path.to_owned(),
            source,
        };
        let damaged = |reason| KeyFileProblem::Damaged {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(failed)?;
        refuse_exposed(&file, path)?;
        let mut text = Zeroizing::new(String::new());
        file.take(LONGEST)
            .read_to_string(&mut text)
            .map_err(failed)?;
        let file: KeyFile =
            serde_json::from_str(&text).map_err(|_| damaged("it is not the JSON expected"))?;
        if file.format != FORMAT {
            return Err(damaged("its format is not `portreeve-keys-1`"));
        }
        let key = |text: &String| -> Result<[u8; 32], KeyFileProblem> {
            URL_SAFE_NO_PAD
                .decode(text)
                .ok()
                .and_then(|key| key.try_into().ok())
                .ok_or_else(|| damaged("a key is not 32 bytes in base64url"))
        };
        if file.key_encryption.is_empty() {
            return Err(damaged("it has no key-encryption key"));
        }
        Ok(Self {
            signing: key(&file.signing)?,
            hashing: key(&file.hashing)?,
            key_encryption: file
                .key_encryption
                .iter()
                .map(key)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Reads the file, or makes it when there is none.
    ///
    /// # Errors
    /// As [`Self::load`] and [`Self::create`].
    pub fn load_or_create(path: &Path, entropy: &dyn Entropy) -> Result<Self, KeyFileProblem> {
        match Self::load(path) {
            Err(KeyFileProblem::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let keys = Self::generate(entropy)?;
                keys.create(path)?;
                Ok(keys)
            }
            loaded => loaded,
        }
    }

    /// The key that signs the context of calls.
    ///
    /// # Errors
    /// When the seed makes no key pair.
    pub fn signing_key(&self) -> Result<SigningKey, KeyProblem> {
        SigningKey::ed25519(&self.signing)
    }

    /// The key under which issued secrets are hashed.
    #[must_use]
    pub fn hashing_key(&self) -> HashingKey {
        HashingKey::new(&self.hashing)
    }

    /// What seals secrets that must be used again.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        Sealer::new(&self.key_encryption)
    }

    /// The key that authenticates cursors.
    #[must_use]
    pub fn cursor_key(&self) -> CursorKey {
        let key = self.hashing_key().fingerprint(&[b"portreeve cursors"]);
        CursorKey::new(&key)
    }
}

#[cfg(unix)]
fn refuse_exposed(file: &File, path: &Path) -> Result<(), KeyFileProblem> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = file.metadata().map_err(|source| KeyFileProblem::Io {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    let for_others = mode & 0o077;
    if for_others == 0 {
        return Ok(());
    }
    Err(KeyFileProblem::Exposed {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn refuse_exposed(_: &File, _: &Path) -> Result<(), KeyFileProblem> {
    Ok(())
}

impl std::fmt::Debug for InstallationKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InstallationKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use primitives::{Secret, SeededEntropy};

    use super::*;

    #[test]
    fn the_file_comes_back_and_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        let made = InstallationKeys::load_or_create(&path, &SeededEntropy::new(1)).unwrap();
        let read = InstallationKeys::load_or_create(&path, &SeededEntropy::new(2)).unwrap();
        let secret = Secret::new("s".to_owned());
        assert_eq!(
            made.hashing_key().hash(&secret),
            read.hashing_key().hash(&secret)
        );
        assert_eq!(
            made.signing_key().unwrap().key_id(),
            read.signing_key().unwrap().key_id()
        );
        let sealed = made
            .sealer()
            .seal("n", &secret, &SeededEntropy::new(3))
            .unwrap();
        assert_eq!(read.sealer().open("n", &sealed).unwrap().expose(), "s");
        let cursor = made.cursor_key().seal("k", b"p");
        assert_eq!(read.cursor_key().open("k", &cursor), Ok(b"p".to_vec()));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(matches!(made.create(&path), Err(KeyFileProblem::Io { .. })));
    }

    #[test]
    fn a_file_others_can_read_is_refused_with_the_mend() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        InstallationKeys::load_or_create(&path, &SeededEntropy::new(1)).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let problem = InstallationKeys::load(&path).unwrap_err();
            assert!(problem.to_string().contains("chmod 600"), "{problem}");
        }
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        InstallationKeys::load_or_create(&path, &SeededEntropy::new(1)).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        for text in [
            String::new(),
            "{}".to_owned(),
            whole.replace(FORMAT, "portreeve-keys-2"),
            whole.replace("\"hashing\": \"", "\"hashing\": \"A"),
            whole.replace("\"hashing\"", "\"hashish\""),
            whole.split_at(whole.len() / 2).0.to_owned(),
        ] {
            fs::write(&path, &text).unwrap();
            assert!(
                matches!(
                    InstallationKeys::load(&path),
                    Err(KeyFileProblem::Damaged { .. })
                ),
                "{text}"
            );
        }
    }
}
