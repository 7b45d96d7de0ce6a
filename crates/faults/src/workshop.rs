use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::sleep,
};

/// An upstream that works on so many calls at once, and on no more: the others stand in a queue.
#[derive(Debug)]
pub struct Workshop {
    url: String,
    task: JoinHandle<()>,
}

impl Workshop {
    /// A workshop whose workers take `service` for each call and answer with `bytes` bytes.
    #[must_use]
    pub fn open(workers: usize, service: Duration, bytes: usize) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // What it would buffer of thousands of long answers is not what is measured, and the system
        // has one measure of memory for the buffers of both sides.
        let bounded = socket.set_send_buffer_size(16 * 1024);
        bounded.expect("a small buffer");
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(free).expect("a free port");
        let listener = socket.listen(4096).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let workers = Arc::new(Semaphore::new(workers));
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {bytes}\r\n\r\n{}",
            "x".repeat(bytes)
        );
        let answer: Arc<str> = answer.into();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    sleep(Duration::from_millis(20)).await;
                    continue;
                };
                let (workers, answer) = (Arc::clone(&workers), Arc::clone(&answer));
                tokio::spawn(serve(stream, workers, service, answer));
            }
        });
        Self {
            url: format!("http://{address}"),
            task,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    workers: Arc<Semaphore>,
    service: Duration,
    answer: Arc<str>,
) {
    let _ = stream.set_nodelay(true);
    let mut bytes = Vec::new();
    loop {
        let Some(length) = head(&mut stream, &mut bytes).await else {
            return;
        };
        if !skip(&mut stream, &mut bytes, length).await {
            return;
        }
        let worker = workers.acquire().await;
        sleep(service).await;
        drop(worker);
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads a head and takes it off `bytes`: how long the body is, `None` for one in chunks.
async fn head(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Option<usize>> {
    loop {
        let found = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = found {
            let head: Vec<u8> = bytes.drain(..end + 4).collect();
            let head = String::from_utf8_lossy(&head).to_lowercase();
            if head.contains("transfer-encoding: chunked") {
                return Some(None);
            }
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            return Some(Some(
                length
                    .and_then(|text| text.trim().parse().ok())
                    .unwrap_or(0),
            ));
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Takes a body off the stream without keeping it.
async fn skip(stream: &mut TcpStream, bytes: &mut Vec<u8>, length: Option<usize>) -> bool {
    let mut left = length;
    loop {
        if let Some(left) = &mut left {
            let taken = (*left).min(bytes.len());
            bytes.drain(..taken);
            *left -= taken;
            if *left == 0 {
                return true;
            }
        } else {
            if bytes.ends_with(b"0\r\n\r\n") {
                bytes.clear();
                return true;
            }
            let keep = bytes.len().saturating_sub(8);
            bytes.drain(..keep);
        }
        if !stream.read_buf(bytes).await.is_ok_and(|more| more > 0) {
            return false;
        }
    }
}
