use crate::Unable;

/// Runs what takes long on a thread where it holds up no request.
///
/// # Errors
/// When it ended without a result.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unable> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Unable::Broken)
}
