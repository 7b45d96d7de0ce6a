//! A proxy that does nothing but pass requests on: what hyper costs by itself, as a row beside
//! the others of `cargo xtask bench gate`:
//!
//! ```sh
//! cargo build --release -p bench --example bare_proxy
//! cargo xtask bench gate --beside 'hyper=target/release/examples/bare_proxy {address} {upstream}'
//! ```

use std::{env, io, sync::Arc};

use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self as client, SendRequest},
    server::conn::http1 as server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

/// Where requests go, and connections that wait for one.
struct Upstream {
    address: String,
    idle: Mutex<Vec<SendRequest<Incoming>>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut words = env::args().skip(1);
    let (Some(address), Some(upstream)) = (words.next(), words.next()) else {
        return Err(io::Error::other("usage: bare_proxy ADDRESS UPSTREAM"));
    };
    let listener = TcpListener::bind(address).await?;
    let upstream = Arc::new(Upstream {
        address: upstream,
        idle: Mutex::default(),
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upstream = Arc::clone(&upstream);
        tokio::spawn(async move {
            let pass = service_fn(|request| pass(request, Arc::clone(&upstream)));
            let served = server::Builder::new().serve_connection(TokioIo::new(stream), pass);
            if let Err(failure) = served.await {
                eprintln!("{failure}");
            }
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    upstream: Arc<Upstream>,
) -> io::Result<Response<Incoming>> {
    let kept = upstream.idle.lock().pop();
    let mut sender = if let Some(kept) = kept {
        kept
    } else {
        let stream = TcpStream::connect(&upstream.address).await?;
        stream.set_nodelay(true)?;
        let begun = client::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = begun.map_err(io::Error::other)?;
        tokio::spawn(connection);
        sender
    };
    sender.ready().await.map_err(io::Error::other)?;
    let answer = sender.send_request(request).await;
    upstream.idle.lock().push(sender);
    answer.map_err(io::Error::other)
}
