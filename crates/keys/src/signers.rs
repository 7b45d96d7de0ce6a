use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;
use primitives::{Name, Secret};

use crate::{KeyProblem, SigningKey};

/// Signing keys made of shared secrets, each made ready once and kept while its secret stays.
#[derive(Default)]
pub struct SharedSigners(Mutex<HashMap<Name, (Secret, Arc<SigningKey>)>>);

impl SharedSigners {
    /// The key of the secret that has this name now.
    ///
    /// # Errors
    /// When the secret has fewer than 32 bytes.
    pub fn signer(&self, name: &Name, secret: &Secret) -> Result<Arc<SigningKey>, KeyProblem> {
        let mut kept = self.0.lock();
        if let Some((of, key)) = kept.get(name)
            && of.expose() == secret.expose()
        {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(SigningKey::shared(secret.expose().as_bytes())?);
        kept.insert(name.clone(), (secret.clone(), Arc::clone(&key)));
        Ok(key)
    }
}

impl fmt::Debug for SharedSigners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedSigners({})", self.0.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::VerifyingKeys;

    #[test]
    fn a_changed_secret_signs_from_the_next_call_on() {
        let signers = SharedSigners::default();
        let name: Name = "context".parse().unwrap();
        let [old, new] = ["a", "b"].map(|letter| Secret::new(letter.repeat(32)));
        let first = signers.signer(&name, &old).unwrap();
        assert!(Arc::ptr_eq(&first, &signers.signer(&name, &old).unwrap()));
        let second = signers.signer(&name, &new).unwrap();
        let token = second.sign("context+jwt", &json!(1)).unwrap();
        let keys = |secret: &Secret| VerifyingKeys::shared([secret.expose().as_bytes()]).unwrap();
        assert_eq!(
            keys(&new).claims::<Value>("context+jwt", &token),
            Ok(json!(1))
        );
        assert!(keys(&old).claims::<Value>("context+jwt", &token).is_err());
    }

    #[test]
    fn a_secret_that_is_too_short_makes_no_key() {
        let signers = SharedSigners::default();
        let name: Name = "context".parse().unwrap();
        let short = Secret::new("short".to_owned());
        assert_eq!(
            signers.signer(&name, &short).err(),
            Some(KeyProblem::TooShort(5))
        );
    }
}
