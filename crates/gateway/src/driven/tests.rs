use std::{
    future,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::mpsc;

use super::*;

/// A connection that takes what comes in and hands it out, until there is no more.
async fn passing(
    mut incoming: mpsc::UnboundedReceiver<u32>,
    outgoing: mpsc::UnboundedSender<u32>,
    polls: Arc<AtomicUsize>,
) -> Result<(), String> {
    let mut taking = std::pin::pin!(async {
        while let Some(number) = incoming.recv().await {
            outgoing.send(number).map_err(|gone| gone.to_string())?;
        }
        Ok(())
    });
    future::poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        taking.as_mut().poll(cx)
    })
    .await
}

struct Ends {
    near: mpsc::UnboundedReceiver<u32>,
    far: mpsc::UnboundedSender<u32>,
    polls: Arc<AtomicUsize>,
    unattended: Arc<Notify>,
}

fn connection() -> (
    Driven<impl Future<Output = Result<(), String>> + Send + 'static>,
    Ends,
) {
    let (far, incoming) = mpsc::unbounded_channel();
    let (outgoing, near) = mpsc::unbounded_channel();
    let (polls, unattended) = (Arc::default(), Arc::default());
    let driven = Driven::new(passing(incoming, outgoing, Arc::clone(&polls)), &unattended);
    let ends = Ends {
        near,
        far,
        polls,
        unattended,
    };
    (driven, ends)
}

impl Ends {
    async fn next<C: Future<Output = Result<(), String>>>(
        &mut self,
        driven: &mut Driven<C>,
    ) -> Option<u32> {
        future::poll_fn(|cx| driven.poll(cx, |cx| self.near.poll_recv(cx))).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_from_another_thread_is_never_missed() {
    let (mut driven, mut ends) = connection();
    let far = ends.far.clone();
    let sender = std::thread::spawn(move || {
        for number in 0..20_000 {
            far.send(number).unwrap();
            if number % 64 == 0 {
                std::thread::yield_now();
            }
        }
    });
    for number in 0..20_000 {
        let came = tokio::time::timeout(Duration::from_secs(20), ends.next(&mut driven)).await;
        assert_eq!(came.unwrap(), Some(number));
    }
    sender.join().unwrap();
}

#[tokio::test]
async fn a_kept_connection_rings_once_and_is_not_driven() {
    let (mut driven, mut ends) = connection();
    ends.far.send(1).unwrap();
    assert_eq!(ends.next(&mut driven).await, Some(1));
    driven.keep();
    let polls = ends.polls.load(Ordering::Relaxed);
    assert!(!driven.was_rung());
    ends.far.send(2).unwrap();
    ends.far.send(3).unwrap();
    ends.unattended.notified().await;
    assert!(driven.was_rung());
    assert_eq!(ends.polls.load(Ordering::Relaxed), polls);
    driven.keep();
    assert!(!driven.was_rung());
    assert_eq!(ends.near.try_recv(), Ok(2));
}

#[tokio::test]
async fn a_connection_that_ended_ends_what_waits_for_it() {
    let (mut driven, mut ends) = connection();
    drop(ends.far);
    ends.far = mpsc::unbounded_channel().0;
    assert_eq!(ends.next(&mut driven).await, None);
    assert!(driven.detach().is_none());
}

/// One that always has more to do leaves other tasks their turns.
#[tokio::test]
async fn a_connection_without_rest_leaves_others_their_turns() {
    let restless = future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<Result<(), String>>::Pending
    });
    let mut driven = Driven::new(restless, &Arc::default());
    let waits = future::poll_fn(|cx| driven.poll(cx, |_| Poll::<()>::Pending));
    let waited = tokio::time::timeout(Duration::from_millis(50), waits).await;
    assert!(waited.is_err());
}

#[tokio::test]
async fn one_that_was_parted_from_goes_on_by_itself() {
    let (mut driven, mut ends) = connection();
    ends.far.send(1).unwrap();
    assert_eq!(ends.next(&mut driven).await, Some(1));
    let alone = tokio::spawn(driven.detach().unwrap());
    ends.far.send(2).unwrap();
    assert_eq!(ends.next(&mut driven).await, Some(2));
    drop(ends.far);
    assert_eq!(alone.await.unwrap(), Ok(()));
}
