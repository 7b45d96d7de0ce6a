use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

use super::{Framing, Guard, Link, Patience, Refusals, Stop, Violation as V};

const MOST: usize = 4096;

/// Feeds `bytes` in pieces of the lengths in `cuts`, and then the rest, as a guard does. Where
/// the messages end, and the violation that stopped it.
fn read(bytes: &[u8], cuts: &[usize]) -> (Vec<usize>, Option<V>) {
    let mut framing = Framing::new(MOST);
    let (mut passed, mut arrived, mut ends) = (0, 0, Vec::new());
    let mut cuts = cuts.iter();
    while arrived < bytes.len() {
        let cut = cuts.next().copied().unwrap_or(bytes.len()).max(1);
        arrived = bytes.len().min(arrived + cut);
        loop {
            match framing.advance(&bytes[passed..arrived]) {
                Err(Stop { violation, .. }) => return (ends, Some(violation)),
                Ok(0) => break,
                Ok(more) => passed += more,
            }
            if framing.is_at_boundary() || framing.is_over() {
                ends.push(passed);
            }
        }
    }
    (ends, None)
}

fn violation(bytes: &[u8]) -> Option<V> {
    read(bytes, &[]).1
}

fn get(line: &str, fields: &str) -> String {
    format!("{line}\r\nHost: a\r\n{fields}\r\n")
}

/// A case of the table: bytes, and why they are not taken.
type Case = (String, V);

fn line(line: &str, why: V) -> Case {
    (get(line, ""), why)
}

fn field(field: &str, why: V) -> Case {
    (get("POST / HTTP/1.1", field), why)
}

fn chunk(chunks: &str, why: V) -> Case {
    let head = get("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n");
    (head + chunks, why)
}

fn lines() -> Vec<Case> {
    let mut all = Vec::new();
    for wrong in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "\r\nGET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /",
        "GET / ",
        "G(T / HTTP/1.1",
        "G\u{e4}T / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1.1x",
        "GET / HTTP/11",
        "GET / HTTP/ 1.1",
        "GET / HTTPS/1.1",
    ] {
        all.push(line(wrong, V::RequestLine));
    }
    for version in ["1.2", "0.9", "3.0", "9.9"] {
        all.push(line(&format!("GET / HTTP/{version}"), V::Version));
    }
    for target in ["/a#b", "/?a#b", "http://a/#b", "#", "/#"] {
        all.push(line(&format!("GET {target} HTTP/1.1"), V::Fragment));
    }
    for target in [
        "/\u{e4}",
        "/\0",
        "/\x7f",
        "/a\tb",
        "/<a>",
        "/?<",
        "/a`b",
        "http:///a",
        "/?\"",
    ] {
        all.push(line(&format!("GET {target} HTTP/1.1"), V::Target));
    }
    all.extend([
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), V::Http2),
        line("CONNECT a:443 HTTP/1.1", V::Connect),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), V::Host),
        ("GET http://a/ HTTP/1.1\r\n\r\n".to_owned(), V::Host),
        (
            format!("GET /{} HTTP/1.1\r\n", "a".repeat(MOST)),
            V::HeadTooLarge,
        ),
    ]);
    for wrong in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        all.push((wrong.to_owned(), V::LineEnd));
    }
    all
}

fn fields() -> Vec<Case> {
    let mut all = Vec::new();
    for wrong in [
        "X: a\rb\r\n",
        "X: a\r\r\n",
        "X: a\rTransfer-Encoding: chunked\r\n",
        "X\r: a\r\n",
    ] {
        all.push(field(wrong, V::LineEnd));
    }
    for wrong in [
        "X : a\r\n",
        "X\t: a\r\n",
        ": a\r\n",
        "X\r\n",
        "X Y: a\r\n",
        "X\0: a\r\n",
        "\u{17f}: a\r\n",
        "(X): a\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\x0b: chunked\r\n",
    ] {
        all.push(field(wrong, V::FieldName));
    }
    for wrong in [
        "X: a\0\r\n",
        "X: \x0b\r\n",
        "X: \x7f\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
    ] {
        all.push(field(wrong, V::FieldValue));
    }
    for wrong in ["X: a\r\n b\r\n", "X: a\r\n\tb\r\n", " X: a\r\n"] {
        all.push(field(wrong, V::Folding));
    }
    all.extend([
        field("Host: a\r\n", V::Host),
        field("hOST: b\r\n", V::Host),
        field("Expect: 100-continue, x\r\n", V::Expectation),
        field("Expect: 200-ok\r\n", V::Expectation),
        field(&"X: 1\r\n".repeat(100), V::HeadTooLarge),
        field(&format!("X: {}\r\n", "a".repeat(MOST)), V::HeadTooLarge),
    ]);
    all
}

#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn framings() -> Vec<Case> {
    let mut all = Vec::new();
    for length in [
        "",
        " ",
        "+1",
        "-1",
        "-0",
        "0x1",
        "1_0",
        "1,1",
        "1, 1",
        "1 1",
        "01",
        "1.0",
        "1e1",
        "\"1\"",
        "a",
        "9223372036854775808",
        "18446744073709551616",
        "99999999999999999999999",
        "\u{661}",
        "1;a",
        "chunked",
    ] {
        all.push(field(
            &format!("Content-Length: {length}\r\n"),
            V::ContentLength,
        ));
    }
    for length in ["1", "2"] {
        let twice = format!("Content-Length: 1\r\ncontent-length: {length}\r\n");
        all.push(field(&twice, V::ContentLength));
    }
    for coding in [
        "",
        "gzip",
        "identity",
        "chunked, chunked",
        "gzip, chunked",
        "chunked, gzip",
        ",chunked",
        "chunked,",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "\"chunked\"",
        "chunked identity",
        "chun ked",
        "\u{a0}chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\ntransfer-encoding: x",
    ] {
        all.push(field(
            &format!("Transfer-Encoding: {coding}\r\n"),
            V::TransferEncoding,
        ));
    }
    let both = "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n";
    all.extend([
        field(both, V::TwoFramings),
        field(
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
            V::TwoFramings,
        ),
        (get("POST / HTTP/1.0", "Content-Length: 1\r\n"), V::OldBody),
        (
            get("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"),
            V::OldBody,
        ),
    ]);
    all
}

fn chunks() -> Vec<Case> {
    let mut all = Vec::new();
    for size in [
        "",
        "g",
        "-1",
        "+1",
        "1_0",
        "0x1",
        " 1",
        "8000000000000000",
        "fffffffffffffffff",
        "00000000000000001",
    ] {
        all.push(chunk(&format!("{size}\r\n"), V::ChunkSize));
    }
    for size in ["1;a=b\r\na", "1;\r\na", "1 \r\na", "1\t\r\na", "0;\n"] {
        all.push(chunk(&format!("{size}\r\n0\r\n\r\n"), V::ChunkExtension));
    }
    for wrong in ["1\na\r\n0\r\n\r\n", "1\rX", "1\r\r\n", "0\r\nX: 1\n\r\n"] {
        all.push(chunk(wrong, V::LineEnd));
    }
    for wrong in ["ab\r\n", "a\n", "a0\r\n", "a\rX"] {
        all.push(chunk(&format!("1\r\n{wrong}0\r\n\r\n"), V::ChunkEnd));
    }
    for trailer in [
        "X : 1",
        "X: 1\r\n 2",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Host: b",
        "Authorization: x",
        "Portreeve_Context: x",
        "X-Forwarded-For: x",
        "x_y: x",
        "GET / HTTP/1.1",
    ] {
        all.push(chunk(&format!("0\r\n{trailer}\r\n\r\n"), V::Trailers));
    }
    let many = "X: 1\r\n".repeat(33);
    let long = "a".repeat(8192);
    all.push(chunk(&format!("0\r\n{many}\r\n"), V::Trailers));
    all.push(chunk(&format!("0\r\nX: {long}\r\n\r\n"), V::Trailers));
    all
}

fn hostile() -> Vec<Case> {
    [lines(), fields(), framings(), chunks()].concat()
}

/// Shows: S-01, S-03, S-04, R-36, R-77.
#[test]
fn every_hostile_stream_is_stopped_for_its_own_reason() {
    let cases = hostile();
    assert!(cases.len() >= 48 + 25, "{}", cases.len());
    for (bytes, why) in cases {
        assert_eq!(violation(bytes.as_bytes()), Some(why), "{bytes:?}");
        assert!(!why.class().is_empty() && why.code().status.as_u16() >= 400);
    }
}

/// However the network cuts the bytes, the reading is the same.
#[test]
fn every_cut_of_a_hostile_stream_gives_the_same_reading() {
    for (bytes, _) in hostile() {
        let bytes = bytes.as_bytes();
        let whole = read(bytes, &[]);
        assert_eq!(read(bytes, &vec![1; bytes.len()]), whole, "{bytes:?}");
        if bytes.len() < 512 {
            for cut in 1..bytes.len() {
                assert_eq!(read(bytes, &[cut]), whole, "{cut} of {bytes:?}");
            }
        }
    }
}

#[test]
fn messages_follow_each_other_at_their_exact_ends() {
    let messages = [
        get("GET /a?b=%23 HTTP/1.1", "Accept: \t*/* \r\nX:\r\n"),
        get("POST / HTTP/1.1", "content-length:5\r\n") + "GET /",
        get(
            "POST / HTTP/1.1",
            "transfer-encoding: Chunked\r\nexpect: 100-Continue\r\n",
        ) + "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
        get("OPTIONS * HTTP/1.1", ""),
        get("GET http://a:80/x?b HTTP/1.1", "Content-Length: 0\r\n"),
        get(
            "GET / HTTP/1.0",
            "Connection: x, Keep-Alive\r\nContent-Length: 0\r\n",
        ),
        get(
            "POST /last HTTP/1.1",
            "Connection: CLOSE\r\nContent-Length: 2\r\n",
        ) + "ab",
    ];
    let mut ends = Vec::new();
    for message in &messages {
        ends.push(ends.last().copied().unwrap_or(0) + message.len());
    }
    let bytes = messages.concat() + "rubbish after the last";
    assert_eq!(read(bytes.as_bytes(), &[]), (ends.clone(), None));
    for cut in 1..bytes.len() {
        assert_eq!(
            read(bytes.as_bytes(), &[cut]),
            (ends.clone(), None),
            "{cut}"
        );
    }
    let ones = vec![1; bytes.len()];
    assert_eq!(read(bytes.as_bytes(), &ones), (ends, None));
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just("GET / HTTP/1.1\r\n"),
        4 => Just("Host: a\r\n"),
        2 => Just("\r\n"),
        2 => Just("Content-Length: 3\r\n"),
        2 => Just("Transfer-Encoding: chunked\r\n"),
        2 => Just("3\r\nabc\r\n"),
        2 => Just("0\r\n\r\n"),
        1 => Just("abc"),
        1 => Just("X: y\r\n"),
        1 => Just("\r"),
        1 => Just("\n"),
        1 => Just("\0"),
        1 => Just(":"),
        1 => Just("\t"),
        1 => Just(" "),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Shows: S-03.
    #[test]
    fn cutting_changes_nothing(
        bytes in soup(),
        cuts in prop::collection::vec(1_usize..9, 0..40),
    ) {
        prop_assert_eq!(read(&bytes, &cuts), read(&bytes, &[]));
    }

    /// A head that is taken is one for hyper's parser, of the same length, so that hyper never
    /// has to refuse one.
    #[test]
    fn what_is_taken_is_taken_behind_us_too(
        target in "/[!-~]{0,12}",
        name in "[!-~]{1,6}",
        value in "[\\x00-\\xff]{0,6}",
        soup in soup(),
    ) {
        let mut bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n");
        bytes.push_str(&String::from_utf8_lossy(&soup));
        let mut framing = Framing::new(MOST);
        if let Ok(length @ 1..) = framing.advance(bytes.as_bytes()) {
            let mut fields = [httparse::EMPTY_HEADER; 100];
            let mut parsed = httparse::Request::new(&mut fields);
            let head = parsed.parse(bytes.as_bytes()).unwrap();
            prop_assert!(head.is_complete() && head.unwrap() <= length);
            prop_assert!(http::Uri::try_from(parsed.path.unwrap()).is_ok());
            for field in parsed.headers {
                prop_assert!(http::HeaderName::try_from(field.name).is_ok());
                prop_assert!(http::HeaderValue::from_bytes(field.value).is_ok());
            }
        }
    }
}

#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<&'static str>>>);

impl Refusals for Noted {
    fn note(&self, violation: V) {
        self.0.lock().push(violation.class());
    }

    fn answer(&self, violation: V) -> Vec<u8> {
        self.note(violation);
        b"refused".to_vec()
    }
}

const PATIENCE: Patience = Patience {
    head: Duration::from_millis(100),
    idle: Duration::from_millis(200),
    write: Duration::from_millis(150),
    ends: None,
};

type Watched = (
    Guard<tokio::io::DuplexStream, Noted>,
    tokio::io::DuplexStream,
    Arc<Link>,
    Noted,
);

fn guarded() -> Watched {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (link, noted) = (Arc::new(Link::default()), Noted::default());
    let guard = Guard::new(ours, noted.clone(), Arc::clone(&link), MOST, PATIENCE);
    (guard, theirs, link, noted)
}

fn try_read(guard: &mut Guard<tokio::io::DuplexStream, Noted>) -> Option<Vec<u8>> {
    let mut space = [0; 8192];
    let mut buffer = ReadBuf::new(&mut space);
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(guard).poll_read(&mut cx, &mut buffer) {
        Poll::Pending => None,
        Poll::Ready(read) => {
            read.unwrap();
            Some(buffer.filled().to_vec())
        }
    }
}

#[tokio::test]
async fn the_next_request_waits_for_the_end_of_the_answer() {
    let (mut guard, mut caller, link, noted) = guarded();
    let request = get("GET / HTTP/1.1", "");
    caller
        .write_all(request.repeat(2).as_bytes())
        .await
        .unwrap();
    caller.write_all(b"rubbish\r\n").await.unwrap();
    let call = link.begin();
    assert_eq!(try_read(&mut guard).unwrap(), request.as_bytes());
    assert_eq!(try_read(&mut guard), None);
    drop(call);
    let call = link.begin();
    assert_eq!(try_read(&mut guard).unwrap(), request.as_bytes());
    assert_eq!(
        try_read(&mut guard),
        None,
        "the rubbish has not had its turn"
    );
    assert!(noted.0.lock().is_empty());
    drop(call);
    assert_eq!(
        try_read(&mut guard).unwrap(),
        b"",
        "the stream that hyper sees ends"
    );
    assert_eq!(*noted.0.lock(), ["request_line"]);
    let closing = tokio::spawn(async move { guard.shutdown().await.map(|()| guard) });
    let mut answer = Vec::new();
    caller.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"refused");
    drop(caller);
    closing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_that_hangs_up_behind_a_held_request_is_seen() {
    let (mut guard, mut caller, link, _) = guarded();
    let request = get("GET / HTTP/1.1", "");
    caller
        .write_all(request.repeat(2).as_bytes())
        .await
        .unwrap();
    let _call = link.begin();
    assert_eq!(try_read(&mut guard).unwrap(), request.as_bytes());
    assert_eq!(try_read(&mut guard), None);
    drop(caller);
    assert_eq!(try_read(&mut guard).unwrap(), b"");
}

#[tokio::test]
async fn a_body_that_breaks_the_grammar_late_is_an_error_to_hyper() {
    let (mut guard, mut caller, link, noted) = guarded();
    let head = get("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n");
    caller.write_all(head.as_bytes()).await.unwrap();
    let _call = link.begin();
    assert_eq!(try_read(&mut guard).unwrap(), head.as_bytes());
    caller
        .write_all(b"3\r\nabc\r\n3;x\r\nabc\r\n")
        .await
        .unwrap();
    assert_eq!(try_read(&mut guard).unwrap(), b"3\r\nabc\r\n");
    let failed = guard.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(failed.kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(*noted.0.lock(), ["chunk_extension"]);
    assert!(link.is_closing());
}

/// Shows: S-02.
#[tokio::test]
async fn a_head_has_its_time_and_so_has_silence() {
    let (mut guard, mut caller, link, noted) = guarded();
    caller.write_all(b"GET / HT").await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(guard.read(&mut [0; 64]).await.unwrap(), 0);
    assert!((100..2_000).contains(&began.elapsed().as_millis()));
    assert_eq!(*noted.0.lock(), ["head_too_slow"]);

    drop((guard, caller, link));
    let (mut guard, mut caller, link, noted) = guarded();
    let request = get("GET / HTTP/1.1", "");
    caller.write_all(request.as_bytes()).await.unwrap();
    let call = link.begin();
    let mut read = [0; 256];
    assert_eq!(guard.read(&mut read).await.unwrap(), request.len());
    let busy = tokio::time::timeout(Duration::from_millis(400), guard.read(&mut read));
    assert!(busy.await.is_err(), "a call in progress is not silence");
    drop(call);
    let began = tokio::time::Instant::now();
    assert_eq!(guard.read(&mut read).await.unwrap(), 0);
    assert!((200..2_000).contains(&began.elapsed().as_millis()));
    assert!(noted.0.lock().is_empty(), "silence is no violation");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_ends_the_connection() {
    let (mut guard, _caller, _link, noted) = guarded();
    let began = tokio::time::Instant::now();
    let failed = guard.write_all(&vec![0; 1024 * 1024]).await.unwrap_err();
    assert_eq!(failed.kind(), std::io::ErrorKind::TimedOut);
    assert!((150..2_000).contains(&began.elapsed().as_millis()));
    assert_eq!(*noted.0.lock(), ["slow_reader"]);
}
