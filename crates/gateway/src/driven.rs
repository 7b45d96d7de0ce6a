use std::{
    fmt::Display,
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Wake, Waker},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A connection that is driven by whoever waits for something that only it brings, and by no task
/// of its own: an answer then wakes one task, and once.
///
/// What happens on the connection while it is driven drives it further; what happens while it
/// rests is noted, and told to whom it concerns.
pub(crate) struct Driven<C> {
    /// Gone when it has come to its end.
    connection: Option<Pin<Box<C>>>,
    bell: Arc<Bell>,
    /// The same bell.
    waker: Waker,
}

/// So often it is driven further by what happens meanwhile, before other tasks have their turn.
const TURNS: usize = 8;

/// Rung by what happens on a connection.
#[derive(Debug)]
struct Bell {
    heard: Mutex<Heard>,
    /// Told of what happens while the connection is kept.
    unattended: Weak<Notify>,
}

#[derive(Debug, Default)]
struct Heard {
    by: By,
    rung: bool,
    /// Of the task that drove the connection last.
    waker: Option<Waker>,
}

/// Who listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum By {
    /// Nobody just now: a call has what it looked for.
    #[default]
    Nobody,
    /// Who keeps it for the next call.
    Keeper,
    /// It is being driven just now.
    Driver,
    /// A task that sleeps.
    Task,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut heard = self.heard.lock();
        let first = !std::mem::replace(&mut heard.rung, true);
        match heard.by {
            By::Task => {
                let waker = heard.waker.take();
                drop(heard);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            By::Keeper if first => {
                drop(heard);
                self.tell_keeper();
            }
            By::Driver | By::Nobody | By::Keeper => {}
        }
    }
}

impl Bell {
    fn tell_keeper(&self) {
        if let Some(unattended) = self.unattended.upgrade() {
            unattended.notify_one();
        }
    }
}

impl<C, E> Driven<C>
where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    /// `unattended` is told when something happens while it is kept.
    pub(crate) fn new(connection: C, unattended: &Arc<Notify>) -> Self {
        let bell = Arc::new(Bell {
            heard: Mutex::default(),
            unattended: Arc::downgrade(unattended),
        });
        Self {
            connection: Some(Box::pin(connection)),
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        }
    }

    /// Whether something has happened since it was driven last.
    pub(crate) fn was_rung(&self) -> bool {
        self.bell.heard.lock().rung
    }

    /// Drives it until `look` finds what it looks for. `look` may be asked often.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.bell.heard.lock().by = By::Driver;
        for _ in 0..TURNS {
            // First, because looking may be what gives the connection something to do.
            let mut found = self.look(&mut look);
            if found.is_pending() {
                self.advance();
                found = self.look(&mut look);
            }
            let mut heard = self.bell.heard.lock();
            if found.is_ready() {
                heard.by = By::Nobody;
                return found;
            }
            if !heard.rung {
                heard.by = By::Task;
                let known = heard.waker.as_ref();
                if !known.is_some_and(|waker| waker.will_wake(cx.waker())) {
                    heard.waker = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Lets it see what has happened, and keeps it for the next call.
    pub(crate) fn keep(&mut self) {
        self.bell.heard.lock().by = By::Driver;
        self.advance();
        let mut heard = self.bell.heard.lock();
        heard.by = By::Keeper;
        if heard.rung {
            drop(heard);
            self.bell.tell_keeper();
        }
    }

    /// The connection, to be driven by something else; what waits here still hears of it.
    pub(crate) fn detach(&mut self) -> Option<Pin<Box<C>>> {
        self.connection.take()
    }

    fn look<T>(&self, look: &mut impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        look(&mut Context::from_waker(&self.waker))
    }

    fn advance(&mut self) {
        self.bell.heard.lock().rung = false;
        let Some(connection) = &mut self.connection else {
            return;
        };
        let polled = connection
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker));
        if let Poll::Ready(ended) = polled {
            self.connection = None;
            if let Err(failure) = ended {
                tracing::debug!(%failure, "a connection to an upstream ended early");
            }
        }
    }
}

#[cfg(test)]
mod tests;
