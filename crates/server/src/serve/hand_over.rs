use std::{
    env,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream as Channel,
    },
    path::Path,
    process::ExitStatus,
    time::Duration,
};

use listenfd::ListenFd;
use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    process::{Child, Command},
    time,
};

use crate::failure::{Failure, why};

/// What the two processes say to each other, a byte each.
const READY: u8 = b'R';
const RELEASED: u8 = b'G';
const SERVING: u8 = b'S';

/// For so long a successor may read its configuration.
const TO_BE_READY: Duration = Duration::from_mins(1);
/// For so long it may open what its predecessor released.
const TO_SERVE: Duration = Duration::from_mins(5);
/// The most sockets that are taken from another process.
const MOST: usize = 16;
const FLAG: &str = "--take-over";

/// Listening sockets that are there before anything is bound, by the name of their listener;
/// those of the system have none.
#[derive(Default)]
pub(crate) struct Sockets(Vec<(String, TcpListener)>);

impl Sockets {
    /// What the service manager holds for us (`LISTEN_FDS`), if it does.
    ///
    /// # Errors
    /// When it gives something that is not a TCP listener.
    pub(crate) fn of_the_system() -> Result<Self, Failure> {
        let mut given = ListenFd::from_env();
        let mut sockets = Self::default();
        for index in 0..given.len() {
            let socket = given.take_tcp_listener(index);
            if let Some(socket) = socket.map_err(why("a socket of `LISTEN_FDS`"))? {
                sockets.0.push((String::new(), socket));
            }
        }
        Ok(sockets)
    }

    pub(crate) fn add(&mut self, name: &str, socket: &tokio::net::TcpListener) -> io::Result<()> {
        let copy = socket.as_fd().try_clone_to_owned()?;
        self.0.push((name.to_owned(), TcpListener::from(copy)));
        Ok(())
    }

    /// The socket for a listener that wants `address`.
    pub(crate) fn take(&mut self, name: &str, address: SocketAddr) -> Option<TcpListener> {
        let fits = |(given, socket): &(String, TcpListener)| {
            let Ok(bound) = socket.local_addr() else {
                return false;
            };
            let chosen_by_system = address.port() == 0 && given == name;
            (given.is_empty() || given == name)
                && bound.ip() == address.ip()
                && (bound.port() == address.port() || chosen_by_system)
        };
        let found = self.0.iter().position(fits)?;
        Some(self.0.swap_remove(found).1)
    }

    /// Lets go of all of them.
    pub(crate) fn close(&mut self) {
        self.0.clear();
    }

    fn send(&self, channel: &Channel) -> io::Result<()> {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(",");
        let sockets: Vec<_> = self.0.iter().map(|(_, socket)| socket.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
            return Err(io::Error::other("too many sockets"));
        }
        let text = [IoSlice::new(names.as_bytes())];
        sendmsg(channel, &text, &mut control, SendFlags::empty())?;
        Ok(())
    }

    fn receive(channel: &Channel) -> io::Result<Self> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut names = [0; 512];
        let mut text = [IoSliceMut::new(&mut names)];
        let received = recvmsg(channel, &mut text, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let names = names.get(..received.bytes).unwrap_or_default();
        let names = String::from_utf8_lossy(names).into_owned();
        let sockets: Vec<OwnedFd> = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
                _ => None,
            })
            .flatten()
            .collect();
        let names = names.split(',').map(str::to_owned);
        let sockets = sockets.into_iter().map(TcpListener::from);
        Ok(Self(names.zip(sockets).collect()))
    }
}

/// The server before this one, which started it.
pub(crate) struct Predecessor(UnixStream);

impl Predecessor {
    /// Takes the sockets that it gives.
    ///
    /// # Errors
    /// When nobody gives any.
    pub(crate) fn meet() -> Result<(Self, Sockets), Failure> {
        let met = || {
            let channel = Channel::from(io::stdin().as_fd().try_clone_to_owned()?);
            let sockets = Sockets::receive(&channel)?;
            channel.set_nonblocking(true)?;
            Ok((Self(UnixStream::from_std(channel)?), sockets))
        };
        met().map_err(|problem: io::Error| {
            Failure::new(format!(
                "`{FLAG}` is for a running server to give to its successor: {problem}; send the \
                 running one SIGUSR2"
            ))
        })
    }

    /// Says that nothing more is wanting, and waits until journal and database are free. A
    /// predecessor that is gone holds neither.
    pub(crate) async fn wait_for_release(&mut self) {
        let _ = self.0.write_all(&[READY]).await;
        let mut word = [0];
        if self.0.read_exact(&mut word).await.is_ok() {
            tracing::info!("the predecessor has released journal and database");
        } else {
            tracing::warn!("the predecessor is gone; taking over all the same");
        }
    }

    /// Says that calls are taken here.
    pub(crate) async fn tell_that_it_serves(mut self) {
        let _ = self.0.write_all(&[SERVING]).await;
    }
}

/// The server after this one. Unless it took over it is ended when dropped.
pub(crate) struct Successor {
    child: Child,
    channel: UnixStream,
    took_over: bool,
}

impl Successor {
    /// Starts `program` as this process was started, gives it `sockets`, and waits until it has
    /// read its configuration.
    ///
    /// # Errors
    /// When it does not start, or ends over its configuration.
    pub(crate) async fn start(program: &Path, sockets: &Sockets) -> Result<Self, Failure> {
        let started = || {
            let (ours, theirs) = Channel::pair()?;
            sockets.send(&ours)?;
            ours.set_nonblocking(true)?;
            let given = env::args_os().skip(1).filter(|argument| argument != FLAG);
            let mut command = Command::new(program);
            command.args(given).arg(FLAG).stdin(OwnedFd::from(theirs));
            Ok(Self {
                child: command.spawn()?,
                channel: UnixStream::from_std(ours)?,
                took_over: false,
            })
        };
        let mut successor: Self = started().map_err(|problem: io::Error| {
            let program = program.display();
            Failure::new(format!("`{program}` cannot be started: {problem}"))
        })?;
        successor.hear(READY, TO_BE_READY).await?;
        Ok(successor)
    }

    /// Lets it open journal and database, and waits until it takes calls.
    ///
    /// # Errors
    /// When it does not come to that.
    pub(crate) async fn take_over(mut self) -> Result<(), Failure> {
        let told = self.channel.write_all(&[RELEASED]).await;
        told.map_err(why("the successor"))?;
        self.hear(SERVING, TO_SERVE).await?;
        self.took_over = true;
        Ok(())
    }

    async fn hear(&mut self, wanted: u8, within: Duration) -> Result<(), Failure> {
        let mut word = [0];
        match time::timeout(within, self.channel.read_exact(&mut word)).await {
            Ok(Ok(_)) if word == [wanted] => Ok(()),
            Ok(_) => Err(Failure::new(self.how_it_ended().await)),
            Err(_) => Err(Failure::new("the successor took too long")),
        }
    }

    async fn how_it_ended(&mut self) -> String {
        let status = time::timeout(Duration::from_secs(5), self.child.wait()).await;
        let status = status.ok().and_then(Result::ok);
        let status = status.map_or_else(|| "no status".to_owned(), |s: ExitStatus| s.to_string());
        format!("the successor ended before it took over, with {status}; its log says why")
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if !self.took_over {
            // Already gone is as good.
            let _ = self.child.start_kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_arrive_under_their_names_and_only_where_they_are_wanted() {
        let bound = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bound.local_addr().unwrap();
        let (here, there) = Channel::pair().unwrap();
        let sent = Sockets(vec![("public".to_owned(), bound)]);
        sent.send(&here).unwrap();
        let mut received = Sockets::receive(&there).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let moved: SocketAddr = "127.0.0.2:0".parse().unwrap();
        assert!(received.take("site", address).is_none());
        assert!(received.take("public", moved).is_none());
        let socket = received.take("public", any).unwrap();
        assert_eq!(socket.local_addr().unwrap(), address);
        assert!(received.take("public", any).is_none());
    }

    #[test]
    fn a_socket_of_the_system_is_known_by_its_address() {
        let bound = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bound.local_addr().unwrap();
        let mut given = Sockets(vec![(String::new(), bound)]);
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        assert!(given.take("site", any).is_none());
        assert!(given.take("site", address).is_some());
    }
}
