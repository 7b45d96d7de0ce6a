use std::sync::Arc;

use keys::{HashingKey, PasswordHashProblem, PasswordHashing};
use primitives::{Entropy, Secret};
use tokio::{sync::Semaphore, task};

use crate::Unable;

/// Passwords worked on at once: each takes a core for some time, and calls are served beside.
const AT_ONCE: usize = 1;
/// Passwords that wait for it; more are sent away, so that guessing cannot fill the memory.
const WAITING: usize = 32;

/// Hashes and compares passwords on threads that may be slow, a few at a time.
#[derive(Clone)]
pub struct Passwords {
    hashing: Arc<PasswordHashing>,
    entropy: Arc<dyn Entropy>,
    room: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Passwords {
    /// Under the installation's key.
    ///
    /// # Errors
    /// When the function refuses, or there is no randomness.
    pub fn new(key: &HashingKey, entropy: Arc<dyn Entropy>) -> Result<Self, PasswordHashProblem> {
        Ok(Self {
            hashing: Arc::new(PasswordHashing::new(key, &*entropy)?),
            entropy,
            room: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(WAITING)),
        })
    }

    /// Whether `presented` is the password; without one it never is, and takes as long to say so.
    ///
    /// # Errors
    /// When too many wait.
    pub(crate) async fn matches(
        &self,
        stored: Option<String>,
        presented: Secret,
    ) -> Result<bool, Unable> {
        let hashing = Arc::clone(&self.hashing);
        self.work(move || hashing.matches(stored.as_deref(), &presented))
            .await
    }

    /// The hash to keep of a password.
    ///
    /// # Errors
    /// When too many wait, there is no randomness, or the function refuses.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Unable> {
        let (hashing, entropy) = (Arc::clone(&self.hashing), Arc::clone(&self.entropy));
        let hashed = self
            .work(move || hashing.hash(&password, &*entropy))
            .await?;
        hashed.map_err(|problem| match problem {
            PasswordHashProblem::Entropy(problem) => Unable::Entropy(problem),
            PasswordHashProblem::Function => Unable::Broken,
        })
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unable> {
        let _waiting = self.queue.try_acquire().map_err(|_| Unable::Busy)?;
        let _working = self.room.acquire().await.map_err(|_| Unable::Broken)?;
        task::spawn_blocking(work).await.map_err(|_| Unable::Broken)
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords(…)")
    }
}
