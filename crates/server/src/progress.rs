use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

/// So much of a body is sent, and shown as sent, at once.
const PIECE: usize = 64 * 1024;
const TICK: Duration = Duration::from_millis(100);
const WORKING: &str = "{spinner} {msg} {elapsed}";
const SENDING: &str = "{spinner} {msg} {wide_bar} {bytes} of {total_bytes}, {eta} to go";

/// What a person at a terminal sees of long work: one line that goes when the work is done.
/// Nothing is written when standard error is not a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Shows what is being done.
    pub(crate) fn begin(doing: impl fmt::Display) -> Self {
        let bar = ProgressBar::new_spinner().with_style(style(WORKING));
        bar.set_message(doing.to_string());
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Shows what is being done now.
    pub(crate) fn then(&self, doing: impl fmt::Display) {
        self.0.set_style(style(WORKING));
        self.0.reset_elapsed();
        self.0.set_message(doing.to_string());
    }

    /// A body that shows how much of it is sent, and when all is, that `then` is being done.
    pub(crate) fn body(&self, content: Vec<u8>, then: &'static str) -> Sending {
        let length = content.len() as u64;
        self.0.set_style(style(SENDING));
        self.0.reset_elapsed();
        self.0.set_message("sending");
        self.0.set_length(length);
        self.0.set_position(0);
        Sending {
            rest: content.into(),
            progress: self.clone(),
            then: format!("{} sent; {then}", HumanBytes(length)),
        }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// The body of a request, in pieces.
#[derive(Debug)]
pub(crate) struct Sending {
    rest: Bytes,
    progress: Progress,
    then: String,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.progress.0.inc(length as u64);
        if self.rest.is_empty() {
            self.progress.then(&self.then);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn a_body_arrives_whole_and_is_counted() {
        let content: Vec<u8> = (0..=255).cycle().take(3 * PIECE + 7).collect();
        let progress = Progress::begin("reading");
        let mut body = progress.body(content.clone(), "waiting");
        assert_eq!(body.size_hint().exact(), Some(content.len() as u64));
        let mut arrived = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            arrived.extend(frame.unwrap().into_data().unwrap());
            assert_eq!(progress.0.position(), arrived.len() as u64);
        }
        assert!(arrived == content);
        assert!(body.is_end_stream());
        assert_eq!(progress.0.message(), "192.01 KiB sent; waiting");
        progress.end();
        assert!(progress.0.is_finished());
    }

    #[test]
    fn the_lines_are_well_formed() {
        for template in [WORKING, SENDING] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
