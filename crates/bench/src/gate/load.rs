//! The load: many keep-alive connections from one thread, as fast as answers come (closed loop)
//! or at a constant rate whatever the answers do (open loop).

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token, net::TcpStream, unix::SourceFd};
use rustix::{
    fd::OwnedFd,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};

use super::now;

const TICK: Token = Token(usize::MAX);
/// How long an answer is waited for after the last request was sent.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest latency that is told apart from larger ones, in nanoseconds.
const HIGHEST: u64 = 60_000_000_000;

/// Connections to one subject.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    lines: Vec<Line>,
    idle: VecDeque<usize>,
    buffer: Vec<u8>,
    /// Whether a subject may still answer 503: one that has just woken up learns first how much
    /// its upstream bears.
    pub(crate) warming: bool,
}

struct Line {
    stream: TcpStream,
    request: Vec<u8>,
    arrived: Vec<u8>,
    /// When the call that waits for its answer was to be sent.
    intended: Option<Instant>,
}

/// One answered call.
struct Answered {
    line: usize,
    intended: Instant,
}

impl Load {
    /// One connection for each request; that request is sent on it again and again.
    ///
    /// # Errors
    /// When a connection is refused.
    pub(crate) fn connect(address: SocketAddr, requests: &[Vec<u8>]) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut lines = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry()
                .register(&mut stream, Token(index), Interest::READABLE)?;
            lines.push(Line {
                stream,
                request: request.clone(),
                arrived: Vec::new(),
                intended: None,
            });
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(512),
            idle: (0..lines.len()).collect(),
            lines,
            buffer: vec![0; 64 * 1_024],
            warming: false,
        })
    }

    /// Sends on every connection as soon as its answer is there, for so long; tells how many
    /// answers came. Calls are still under way afterwards.
    ///
    /// # Errors
    /// When a connection breaks or a call is not answered with 200.
    pub(crate) fn closed(&mut self, lasting: Duration) -> io::Result<u64> {
        let until = now() + lasting;
        let mut answers = 0;
        loop {
            let moment = now();
            if moment >= until {
                return Ok(answers);
            }
            while let Some(line) = self.idle.pop_front() {
                self.send(line, moment)?;
            }
            self.wait(Some(until - moment), |_, _| answers += 1)?;
        }
    }

    /// Sends at a constant rate, for so long, and tells latencies in nanoseconds, each from when
    /// the call was to be sent: a call that waits for a free connection waits for the subject.
    ///
    /// # Errors
    /// When a connection breaks or a call is not answered with 200.
    pub(crate) fn open(&mut self, rate: u32, lasting: Duration) -> io::Result<Histogram<u64>> {
        let mut latencies = Histogram::new_with_max(HIGHEST, 3).map_err(io::Error::other)?;
        self.settle()?;
        let gap = Duration::from_secs(1) / rate;
        let timer = Ticks::every(gap)?;
        let raw = timer.0.as_raw_fd();
        self.poll
            .registry()
            .register(&mut SourceFd(&raw), TICK, Interest::READABLE)?;
        let calls = u64::from(rate) * u64::try_from(lasting.as_millis()).unwrap_or(0) / 1_000;
        let mut schedule = Schedule {
            begin: now(),
            rate,
            calls,
            sent: 0,
        };
        let mut answered = 0;
        let given_up = schedule.begin + lasting + PATIENCE;
        while answered < calls {
            timer.take();
            let moment = now();
            if moment > given_up {
                let missing = calls - answered;
                return Err(io::Error::other(format!("{missing} calls have no answer")));
            }
            while let Some(line) = self.idle.pop_front() {
                let Some(intended) = schedule.due(moment) else {
                    self.idle.push_front(line);
                    break;
                };
                self.send(line, intended)?;
            }
            self.wait(Some(PATIENCE), |intended, moment| {
                answered += 1;
                let waited = moment.duration_since(intended).as_nanos();
                latencies.saturating_record(u64::try_from(waited).unwrap_or(HIGHEST));
            })?;
        }
        self.poll.registry().deregister(&mut SourceFd(&raw))?;
        Ok(latencies)
    }

    /// Waits for the answers of calls that are under way.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        let until = now() + PATIENCE;
        while self.idle.len() < self.lines.len() {
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return Err(io::Error::other("calls have no answer"));
            }
            self.wait(Some(left), |_, _| ())?;
        }
        Ok(())
    }

    fn send(&mut self, index: usize, intended: Instant) -> io::Result<()> {
        let Some(line) = self.lines.get_mut(index) else {
            return Ok(());
        };
        line.intended = Some(intended);
        // A request of a few hundred bytes fits into the socket's buffer, which is empty.
        line.stream.write_all(&line.request)
    }

    /// Waits for events once and tells each answer's call and moment.
    fn wait(
        &mut self,
        most: Option<Duration>,
        mut told: impl FnMut(Instant, Instant),
    ) -> io::Result<()> {
        match self.poll.poll(&mut self.events, most) {
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let moment = now();
        for event in &self.events {
            let index = event.token().0;
            let Some(line) = self.lines.get_mut(index) else {
                continue;
            };
            if let Some(answered) = line.read(index, &mut self.buffer, self.warming)? {
                self.idle.push_back(answered.line);
                told(answered.intended, moment);
            }
        }
        Ok(())
    }
}

impl Line {
    fn read(
        &mut self,
        line: usize,
        buffer: &mut [u8],
        warming: bool,
    ) -> io::Result<Option<Answered>> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(io::Error::other("a connection was closed under load")),
                Ok(read) => read,
                Err(problem) if problem.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(problem) => return Err(problem),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            let whole = if self.arrived.is_empty() {
                is_whole_or_busy(bytes, warming)?
            } else {
                self.arrived.extend_from_slice(bytes);
                is_whole_or_busy(&self.arrived, warming)?
            };
            if whole {
                self.arrived.clear();
                let intended = self.intended.take();
                let intended = intended.ok_or_else(|| io::Error::other("an answer too many"))?;
                return Ok(Some(Answered { line, intended }));
            }
            if self.arrived.is_empty() {
                self.arrived.extend_from_slice(bytes);
            }
            if read < buffer.len() {
                return Ok(None);
            }
        }
    }
}

/// Whether these bytes are one whole answer with status 200.
pub(crate) fn is_whole(bytes: &[u8]) -> io::Result<bool> {
    is_whole_or_busy(bytes, false)
}

/// The same; with `busy`, 503 is as good.
fn is_whole_or_busy(bytes: &[u8], busy: bool) -> io::Result<bool> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer.parse(bytes).map_err(io::Error::other)?;
    let httparse::Status::Complete(head) = parsed else {
        return Ok(false);
    };
    if answer.code != Some(200) && !(busy && answer.code == Some(503)) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        return Err(io::Error::other(format!("a call was refused: {text}")));
    }
    let length = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|length| std::str::from_utf8(length.value).ok()?.parse().ok());
    let length: usize = length.ok_or_else(|| io::Error::other("an answer has no length"))?;
    match bytes.len().cmp(&(head + length)) {
        std::cmp::Ordering::Less => Ok(false),
        std::cmp::Ordering::Equal => Ok(true),
        std::cmp::Ordering::Greater => Err(io::Error::other("more than one answer to a call")),
    }
}

/// When calls of an open loop are to be sent.
struct Schedule {
    begin: Instant,
    rate: u32,
    calls: u64,
    sent: u64,
}

impl Schedule {
    /// The next call's moment, if it has come.
    fn due(&mut self, moment: Instant) -> Option<Instant> {
        if self.sent == self.calls {
            return None;
        }
        let nanos = u128::from(self.sent) * 1_000_000_000 / u128::from(self.rate);
        let due = self.begin + Duration::from_nanos(u64::try_from(nanos).ok()?);
        (due <= moment).then(|| {
            self.sent += 1;
            due
        })
    }
}

/// A timer of the kernel; `epoll` alone sleeps for whole milliseconds.
struct Ticks(OwnedFd);

impl Ticks {
    fn every(gap: Duration) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let gap = Timespec::try_from(gap).map_err(io::Error::other)?;
        let each = Itimerspec {
            it_interval: gap,
            it_value: gap,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &each)?;
        Ok(Self(timer))
    }

    /// Takes what has ticked, so that the next tick is an event again.
    fn take(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

#[cfg(test)]
mod tests {
    use std::{net, thread};

    use super::*;
    use crate::gate::{rest, upstream};

    fn request() -> Vec<u8> {
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()
    }

    #[test]
    fn a_closed_loop_counts_answers() {
        let mut load = Load::connect(upstream::begin().unwrap(), &vec![request(); 8]).unwrap();
        let answers = load.closed(Duration::from_millis(200)).unwrap();
        assert!(answers > 100, "{answers}");
        load.settle().unwrap();
    }

    #[test]
    fn an_open_loop_sends_what_the_rate_says() {
        let mut load = Load::connect(upstream::begin().unwrap(), &vec![request(); 8]).unwrap();
        let began = now();
        let latencies = load.open(1_000, Duration::from_millis(500)).unwrap();
        let took = began.elapsed();
        assert_eq!(latencies.len(), 500);
        assert!(took >= Duration::from_millis(490), "{took:?}");
    }

    /// The calls that were to be sent while the server stood still are late, though few
    /// connections could carry them; a closed loop would have seen four late ones.
    #[test]
    fn a_server_that_stalls_shows_in_the_tail() {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let stall = now() + Duration::from_millis(400);
            for stream in listener.incoming() {
                thread::spawn(move || stalling(&mut stream.unwrap(), stall));
            }
        });
        let mut load = Load::connect(address, &vec![request(); 4]).unwrap();
        let latencies = load.open(1_000, Duration::from_secs(2)).unwrap();
        // A machine that is not quiet may not send them all in time.
        assert!(
            (1_800..=2_000).contains(&latencies.len()),
            "{}",
            latencies.len()
        );
        let tail = Duration::from_nanos(latencies.value_at_quantile(0.99));
        assert!(tail >= Duration::from_millis(350), "{tail:?}");
        let late = latencies.count_between(100_000_000, HIGHEST);
        assert!((300..1_500).contains(&late), "{late}");
    }

    /// Answers at once, but for 400 ms from `stall` on.
    fn stalling(stream: &mut net::TcpStream, stall: Instant) {
        let mut buffer = [0; 1_024];
        while let Ok(1..) = stream.read(&mut buffer) {
            let end = stall + Duration::from_millis(400);
            if (stall..end).contains(&now()) {
                rest(end.saturating_duration_since(now()));
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    }

    #[test]
    fn only_whole_good_answers_count() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert!(is_whole(answer).unwrap());
        for end in 0..answer.len() {
            assert!(!is_whole(&answer[..end]).unwrap(), "{end}");
        }
        assert!(is_whole(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok").is_err());
        assert!(is_whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        let busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
        assert!(is_whole(busy).is_err());
        assert!(is_whole_or_busy(busy, true).unwrap());
    }
}
