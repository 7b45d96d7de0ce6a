//! What stands behind nginx and Apache: it reads what they pass on, over a socket file, and tells.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::Arc,
    thread,
};

use crate::{
    Failure,
    origins::{Run, Runs},
};

/// The longest body that is taken.
const LONGEST: usize = 1 << 20;

/// Listens on `socket` and tells `runs` every request that arrives whole.
pub(crate) fn start(socket: &Path, mount: &'static str, runs: &Arc<Runs>) -> Result<(), Failure> {
    let shown = |problem: std::io::Error| format!("{}: {problem}", socket.display());
    let listener = UnixListener::bind(socket).map_err(shown)?;
    // The server in front runs as somebody else.
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o777)).map_err(shown)?;
    let runs = Arc::clone(runs);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let runs = Arc::clone(&runs);
            thread::spawn(move || {
                if let Some(run) = read(&stream, mount) {
                    // Told before it is answered, so that no answer is ahead of its run.
                    runs.tell(run);
                    let answer =
                        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nran\n";
                    let _ = (&stream).write_all(answer);
                }
            });
        }
    });
    Ok(())
}

/// A request as the server in front passes it on; `None` when it is cut short.
fn read(stream: &UnixStream, mount: &'static str) -> Option<Run> {
    let mut reader = BufReader::new(stream);
    let mut run = Run {
        mount,
        ..Run::default()
    };
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    let first = String::from_utf8_lossy(&line).into_owned();
    let mut words = first.split_whitespace();
    words.next()?.clone_into(&mut run.method);
    words.next()?.clone_into(&mut run.target);
    let mut length = 0;
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).ok()?;
        let text = String::from_utf8_lossy(&line).into_owned();
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(": ").or_else(|| text.split_once(':'))?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok().filter(|n| *n <= LONGEST)?,
            "x-seen-path" => value.clone_into(&mut run.path),
            "x-seen-line" => value.split(' ').nth(1)?.clone_into(&mut run.target),
            "x-seen-target" => value.clone_into(&mut run.target),
            "host" => value.clone_into(&mut run.host),
            "portreeve-context" => run.contexts.push(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    run.length = length;
    run.body = keys::sha256(&body);
    Some(run)
}
