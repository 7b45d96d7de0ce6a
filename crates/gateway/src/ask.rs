use std::{net::IpAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{Gateway, arrival::Peer, connection};

/// How much of a conversation within the process is under way at once.
const UNDER_WAY: usize = 16 * 1024;

/// An answer of the gate, as far as it was wanted.
#[derive(Debug)]
pub struct Asked {
    /// Status and headers, and as much of the body as was wanted.
    pub response: Response<Bytes>,
    /// Whether there was more.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// There is no room for a connection.
    #[error("the gate has no room for another connection")]
    Full,
    /// The conversation broke off.
    #[error("the gate ended the connection: {0}")]
    Broken(#[from] hyper::Error),
}

impl Gateway {
    /// Makes a call from within the process: the same connection that a caller at `from` would
    /// have, but for the socket. So it meets every check and bound that calls meet, and there is
    /// no address that it could go to instead.
    ///
    /// # Errors
    /// When there is no room for it, or the gate ends the connection.
    pub async fn ask(
        &self,
        (from, tls): (IpAddr, bool),
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Asked, NotAsked> {
        let door = self.door();
        let slot = Arc::clone(&door.connections).try_acquire_owned();
        let slot = slot.map_err(|_| NotAsked::Full)?;
        let place = door.addresses.enter(from).ok_or(NotAsked::Full)?;
        let peer = Peer::new(from, tls).map_err(|_| NotAsked::Full)?;
        let (near, far) = tokio::io::duplex(UNDER_WAY);
        let door = Arc::clone(door);
        let served = tokio::spawn(async move {
            let _held = (slot, place);
            connection::converse(door, far, peer, CancellationToken::new()).await;
        });
        // Whoever no longer waits ends both sides.
        let _served = AbortOnDropHandle::new(served);
        let (mut sender, connection) = http1::handshake(TokioIo::new(near)).await?;
        let _driven = AbortOnDropHandle::new(tokio::spawn(connection));
        let (parts, mut body) = sender.send_request(request).await?.into_parts();
        let (mut taken, mut cut) = (BytesMut::new(), false);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            let room = most.saturating_sub(taken.len());
            cut = data.len() > room;
            taken.extend_from_slice(data.get(..room).unwrap_or(&data));
            if cut {
                break;
            }
        }
        Ok(Asked {
            response: Response::from_parts(parts, taken.freeze()),
            cut,
        })
    }
}
