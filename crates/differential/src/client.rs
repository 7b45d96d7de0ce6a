//! A caller that sends bytes and counts answers.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{
    Failure,
    numbers::Numbers,
    reference::{End, Read},
};

/// For an answer that does not come.
const PATIENCE: Duration = Duration::from_millis(700);

/// The statuses a caller was told, in their order.
pub(crate) type Told = Vec<u16>;

/// Sends a stream in one to three pieces and reads the answers that are due.
pub(crate) fn send(
    gate: SocketAddr,
    bytes: &[u8],
    read: &Read,
    numbers: &mut Numbers,
) -> Result<Told, Failure> {
    let stream = TcpStream::connect(gate).map_err(|problem| format!("the gateway: {problem}"))?;
    let set = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
    set.map_err(|problem| problem.to_string())?;
    let mut rest = bytes;
    for _ in 0..numbers.below(3) {
        let (piece, after) = rest.split_at(numbers.below(rest.len() + 1));
        // Whoever has been refused may find the connection closed.
        if (&stream).write_all(piece).is_err() {
            break;
        }
        rest = after;
    }
    let _ = (&stream).write_all(rest);
    // What breaks is answered too; of what is cut short nothing can be said.
    let due = read.requests.len() + usize::from(read.end == End::Broken);
    let mut reader = BufReader::new(&stream);
    let mut told = Told::new();
    while told.len() < due {
        match answer(&mut reader, read, told.len()) {
            Ok(Some(status)) => told.push(status),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(told)
}

/// The next final answer; `None` at the end of the connection.
fn answer(reader: &mut BufReader<&TcpStream>, read: &Read, at: usize) -> io::Result<Option<u16>> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let Some(status) = status else {
            return Ok(None);
        };
        let (mut length, mut chunked) = (None, false);
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let field = line.trim_end().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse::<u64>().ok();
            }
            chunked |= field.starts_with("transfer-encoding:") && field.contains("chunked");
        }
        if (100..200).contains(&status) {
            continue;
        }
        let head = read
            .requests
            .get(at)
            .is_some_and(|request| request.method == "HEAD");
        if !head && !matches!(status, 204 | 304) {
            body(reader, length, chunked)?;
        }
        return Ok(Some(status));
    }
}

fn body(reader: &mut BufReader<&TcpStream>, length: Option<u64>, chunked: bool) -> io::Result<()> {
    let skip = |reader: &mut BufReader<&TcpStream>, length: u64| {
        io::copy(&mut reader.take(length), &mut io::sink())
    };
    if !chunked {
        skip(reader, length.unwrap_or(u64::MAX))?;
        return Ok(());
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        if size == 0 {
            while line.trim_end() != "" {
                line.clear();
                reader.read_line(&mut line)?;
            }
            return Ok(());
        }
        skip(reader, size + 2)?;
    }
}
