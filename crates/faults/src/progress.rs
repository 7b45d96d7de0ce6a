use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

/// How often somebody who waits is told.
const EVERY: Duration = Duration::from_secs(15);

static NOW: Mutex<String> = Mutex::new(String::new());

/// Notes how far the campaign is that runs now.
pub fn note(text: String) {
    *NOW.lock() = text;
}

/// Tells on standard error how far the campaign `name` is, until it is dropped.
pub async fn watch(name: &str) {
    let began = Instant::now();
    note(String::new());
    loop {
        sleep(EVERY).await;
        let now = NOW.lock().clone();
        eprintln!("   {name}: {} s, {now}", began.elapsed().as_secs());
    }
}
