use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::uri::{Authority, Scheme};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::interim::{Await, Interims};

/// Connects to upstreams, TLS included, within one deadline. What fails here is known not to
/// have reached the upstream.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: Arc<ClientConfig>,
    deadline: Duration,
}

impl Connector {
    pub(crate) fn new(tls: Arc<ClientConfig>, deadline: Duration) -> Self {
        Self { tls, deadline }
    }
}

impl Connector {
    /// A connection to an origin.
    pub(crate) async fn connect(
        &self,
        scheme: &Scheme,
        authority: &Authority,
    ) -> io::Result<Stream> {
        time::timeout(self.deadline, self.reach(scheme, authority))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn reach(&self, scheme: &Scheme, authority: &Authority) -> io::Result<Stream> {
        let invalid = |what: &'static str| io::Error::new(io::ErrorKind::InvalidInput, what);
        let secure = *scheme == Scheme::HTTPS;
        if !secure && *scheme != Scheme::HTTP {
            return Err(invalid("the upstream is neither http nor https"));
        }
        let host = authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = authority
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        // A failure means that small requests may wait; nothing else.
        let _ = stream.set_nodelay(true);
        if !secure {
            return Ok(Wire::Plain(stream).into());
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| invalid("the upstream's host is no server name"))?;
        let tls = TlsConnector::from(Arc::clone(&self.tls));
        let stream = tls.connect(name, stream).await?;
        Ok(Wire::Tls(Box::new(stream)).into())
    }
}

/// A connection to an upstream, which ends when it is flooded with interim answers.
pub(crate) struct Stream {
    wire: Wire,
    interims: Interims,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl From<Wire> for Stream {
    fn from(wire: Wire) -> Self {
        Self {
            wire,
            interims: Interims::default(),
        }
    }
}

impl Stream {
    /// What is to be told before each request.
    pub(crate) fn awaited(&self) -> Await {
        self.interims.awaited()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { wire, interims } = self.get_mut();
        let before = buffer.filled().len();
        ready!(match wire {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        })?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(if interims.read(read) {
            Ok(())
        } else {
            Err(io::Error::other("too many interim answers"))
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_write(cx, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_write(cx, buffer),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, buffers),
            Wire::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
