//! Bodies that take too long or go on too long.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Limited;
use tokio::time::{Sleep, sleep};

/// A body that has to be whole within a time, however little of it comes at once.
struct Timed {
    inner: Body,
    end: Pin<Box<Sleep>>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(this.end.as_mut().poll(context));
        Poll::Ready(Some(Err("the body took too long to come".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Gives bodies so long to come.
pub(crate) async fn hurry(
    State(within): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let timed = request.map(|inner| {
        Body::new(Timed {
            inner,
            end: Box::pin(sleep(within)),
        })
    });
    next.run(timed).await
}

/// The same request, whose body breaks off where it is longer than `most` bytes.
#[must_use]
pub fn bounded(request: Request, most: usize) -> Request {
    request.map(|body| Body::new(Limited::new(body, most)))
}
