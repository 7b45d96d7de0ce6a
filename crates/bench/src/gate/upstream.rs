//! The upstream of every subject: answers each request at once with the same bytes, for as
//! little of the load's core as can be.

use std::{
    collections::HashMap,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    thread,
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

const BODY: &str =
    r#"{"charges":[{"id":"ch_1042","amount":"12.00","currency":"USD"}],"more":false}"#;
const DOOR: Token = Token(usize::MAX);

fn answer() -> Vec<u8> {
    let length = BODY.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    format!("{head} {length}\r\n\r\n{BODY}").into_bytes()
}

/// Begins the upstream on a thread that inherits this thread's core; it ends with the process.
pub(crate) fn begin() -> io::Result<SocketAddr> {
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, DOOR, Interest::READABLE)?;
    thread::Builder::new()
        .name("upstream".to_owned())
        .spawn(move || {
            if let Err(problem) = serve(&mut poll, &listener) {
                eprintln!("the upstream ended: {problem}");
            }
        })?;
    Ok(address)
}

struct Caller {
    stream: TcpStream,
    /// The end of what was read, where a head may go on.
    begun: Vec<u8>,
}

fn serve(poll: &mut Poll, listener: &TcpListener) -> io::Result<()> {
    let mut events = Events::with_capacity(512);
    let mut callers: HashMap<Token, Caller> = HashMap::new();
    let mut next = 0;
    let (answer, mut buffer) = (answer(), vec![0; 64 * 1_024]);
    loop {
        match poll.poll(&mut events, None) {
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == DOOR {
                while let Ok((mut stream, _)) = listener.accept() {
                    let token = Token(next);
                    next += 1;
                    stream.set_nodelay(true)?;
                    poll.registry()
                        .register(&mut stream, token, Interest::READABLE)?;
                    let begun = Vec::new();
                    callers.insert(token, Caller { stream, begun });
                }
            } else if let Some(caller) = callers.get_mut(&event.token())
                && caller.serve(&answer, &mut buffer).is_err()
            {
                callers.remove(&event.token());
            }
        }
    }
}

impl Caller {
    /// Answers what has arrived.
    fn serve(&mut self, answer: &[u8], buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(problem) if problem.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(problem) => return Err(problem),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            if self.begun.is_empty() && bytes.ends_with(b"\r\n\r\n") && heads(bytes) == 1 {
                self.stream.write_all(answer)?;
            } else {
                self.begun.extend_from_slice(bytes);
                for _ in 0..heads(&self.begun) {
                    self.stream.write_all(answer)?;
                }
                let end = self.begun.windows(4).rposition(|four| four == b"\r\n\r\n");
                self.begun.drain(..end.map_or(0, |end| end + 4));
            }
            if read < buffer.len() {
                return Ok(());
            }
        }
    }
}

/// How many request heads end in these bytes. Requests of the load have no body.
fn heads(bytes: &[u8]) -> usize {
    memchr::memmem::find_iter(bytes, b"\r\n\r\n").count()
}

#[cfg(test)]
mod tests {
    use std::net;

    use super::*;

    #[test]
    fn each_request_has_one_answer_however_it_arrives() {
        let mut stream = net::TcpStream::connect(begin().unwrap()).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut answer = vec![0; super::answer().len()];
        for piece in ["GET / HTTP/1.1\r\nhost: a\r\n\r", "\n"] {
            stream.write_all(piece.as_bytes()).unwrap();
        }
        stream.read_exact(&mut answer).unwrap();
        let two = b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        stream.write_all(two).unwrap();
        stream.read_exact(&mut answer).unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, super::answer());
        stream.shutdown(net::Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut answer).unwrap(), 0);
    }
}
