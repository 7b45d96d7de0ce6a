//! A strict reading of RFC 9112: what a stream of bytes asks for, if anything.

/// A request with one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As it stands in the request line.
    pub(crate) target: String,
    /// The fields in their order, names in lower case.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// HTTP/1.0: the connection ends with it, unless it asks for more.
    pub(crate) old: bool,
}

impl Request {
    /// The values of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.fields.iter();
        fields
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_slice())
    }
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing follows the last request.
    Clean,
    /// The last request said that it is the last, or what follows is not whole.
    Open,
    /// What follows is no request.
    Broken,
}

/// The requests of a stream, up to where it ends or breaks.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) requests: Vec<Request>,
    pub(crate) end: End,
}

pub(crate) fn read(stream: &[u8]) -> Read {
    let mut requests = Vec::new();
    let mut rest = stream;
    loop {
        if rest.is_empty() {
            return Read {
                requests,
                end: End::Clean,
            };
        }
        match request(rest) {
            Ok((request, after)) => {
                let says = |word: &str| {
                    request.all("connection").any(|value| {
                        let list = String::from_utf8_lossy(value).to_ascii_lowercase();
                        list.split(',').any(|option| option.trim() == word)
                    })
                };
                // Section 9.3.
                let last = says("close") || (request.old && !says("keep-alive"));
                requests.push(request);
                if last {
                    return Read {
                        requests,
                        end: End::Open,
                    };
                }
                rest = after;
            }
            Err(end) => return Read { requests, end },
        }
    }
}

type Step<'a, T> = Result<(T, &'a [u8]), End>;

fn request(bytes: &[u8]) -> Step<'_, Request> {
    // Section 2.2: a server should ignore an empty line before the request line.
    let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let (first, rest) = line(bytes)?;
    let text = std::str::from_utf8(first).map_err(|_| End::Broken)?;
    let words: Vec<&str> = text.split(' ').collect();
    let [method, target, version] = words.as_slice() else {
        return Err(End::Broken);
    };
    let clean = !target.is_empty() && target.bytes().all(|c| c.is_ascii_graphic());
    let known = matches!(*version, "HTTP/1.1" | "HTTP/1.0");
    if method.is_empty() || !method.bytes().all(is_token) || !clean || !known {
        return Err(End::Broken);
    }
    let (fields, rest) = fields(rest)?;
    let mut request = Request {
        method: (*method).to_owned(),
        target: (*target).to_owned(),
        fields,
        body: Vec::new(),
        old: *version == "HTTP/1.0",
    };
    // Chunks are newer than HTTP/1.0; who sends both cannot be believed.
    let mixed = request.old && request.all("transfer-encoding").next().is_some();
    if request.all("host").count() != 1 || mixed {
        return Err(End::Broken);
    }
    let rest = body(&mut request, rest)?;
    Ok((request, rest))
}

/// A line up to its CRLF; a lone CR or LF or a NUL anywhere in it breaks it.
fn line(bytes: &[u8]) -> Step<'_, &[u8]> {
    let stops = |&byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    let Some(at) = bytes.iter().position(stops) else {
        return Err(End::Open);
    };
    let (line, rest) = bytes.split_at(at);
    match rest {
        [b'\r', b'\n', rest @ ..] => Ok((line, rest)),
        [b'\r'] => Err(End::Open),
        _ => Err(End::Broken),
    }
}

type Fields = Vec<(String, Vec<u8>)>;

fn fields(mut bytes: &[u8]) -> Step<'_, Fields> {
    let mut fields = Vec::new();
    loop {
        let (field, rest) = line(bytes)?;
        bytes = rest;
        if field.is_empty() {
            return Ok((fields, bytes));
        }
        let at = field.iter().position(|&byte| byte == b':');
        let (name, value) = field.split_at(at.ok_or(End::Broken)?);
        let value = value.get(1..).unwrap_or_default();
        let written = |&byte: &u8| byte == b'\t' || (b' '..=b'~').contains(&byte) || byte >= 0x80;
        if name.is_empty() || !name.iter().copied().all(is_token) || !value.iter().all(written) {
            return Err(End::Broken);
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        fields.push((name, trimmed(value).to_vec()));
    }
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

const fn is_token(c: u8) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

fn body<'a>(request: &mut Request, bytes: &'a [u8]) -> Result<&'a [u8], End> {
    let lengths: Vec<Vec<u8>> = request.all("content-length").map(<[u8]>::to_vec).collect();
    let codings: Vec<Vec<u8>> = request
        .all("transfer-encoding")
        .map(<[u8]>::to_vec)
        .collect();
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(bytes),
        ([length], []) => {
            let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
            let length = String::from_utf8_lossy(length).parse::<usize>();
            let length = length.ok().filter(|_| digits).ok_or(End::Broken)?;
            let (body, rest) = bytes.split_at_checked(length).ok_or(End::Open)?;
            request.body = body.to_vec();
            Ok(rest)
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => {
            let (body, rest) = chunks(bytes)?;
            request.body = body;
            Ok(rest)
        }
        _ => Err(End::Broken),
    }
}

fn chunks(mut bytes: &[u8]) -> Step<'_, Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (head, rest) = line(bytes)?;
        let size = head.split(|&byte| byte == b';').next().unwrap_or_default();
        // An extension may have blanks before its semicolon (section 7.1.1).
        let size = if size.len() < head.len() {
            trimmed_end(size)
        } else {
            size
        };
        let hex = !size.is_empty() && size.len() <= 16 && size.iter().all(u8::is_ascii_hexdigit);
        let size = usize::from_str_radix(&String::from_utf8_lossy(size), 16);
        let size = size.ok().filter(|_| hex).ok_or(End::Broken)?;
        if size == 0 {
            let (_, rest) = fields(rest)?;
            return Ok((body, rest));
        }
        let (data, rest) = rest.split_at_checked(size).ok_or(End::Open)?;
        body.extend(data);
        bytes = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [] | [b'\r'] => return Err(End::Open),
            _ => return Err(End::Broken),
        };
    }
}

fn trimmed_end(mut value: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST /a HTTP/1.1\r\nHost: a\r\n";

    fn bodies(stream: &str) -> (Vec<String>, End) {
        let read = read(stream.as_bytes());
        let text = |request: &Request| String::from_utf8_lossy(&request.body).into_owned();
        (read.requests.iter().map(text).collect(), read.end)
    }

    #[test]
    fn what_has_one_reading_is_read_and_nothing_else() {
        let two = format!(
            "{HEAD}Content-Length: 2\r\n\r\nab{HEAD}Transfer-Encoding: Chunked\r\n\r\n1;x=y\r\nc\r\n0\r\nT: u\r\n\r\n"
        );
        assert_eq!(bodies(&two), (vec!["ab".into(), "c".into()], End::Clean));
        let cut = format!("{HEAD}Content-Length: 3\r\n\r\nab");
        assert_eq!(bodies(&cut), (vec![], End::Open));
        for field in [
            "Content-Length: +2",
            "Content-Length: 2,2",
            "Content-Length: 2\r\nContent-Length: 2",
            "Content-Length: 2\r\nTransfer-Encoding: chunked",
            "Content-Length : 2",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: \x0bchunked",
            "X: a\n b",
            "X: a\r\n b",
            "Host: b",
        ] {
            let stream = format!("{HEAD}{field}\r\n\r\nab");
            assert_eq!(bodies(&stream), (vec![], End::Broken), "{field:?}");
        }
        for chunk in [
            "0x1\r\nc\r\n",
            "1 \r\nc\r\n",
            "1\nc\r\n",
            "-1\r\nc\r\n",
            "1\r\ncd\r\n",
        ] {
            let stream = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
            assert_eq!(bodies(&stream), (vec![], End::Broken), "{chunk:?}");
        }
        let last = format!("{HEAD}Connection: close\r\n\r\n{HEAD}\r\n");
        assert_eq!(bodies(&last), (vec![String::new()], End::Open));
        let old = "GET /a HTTP/1.0\r\nHost: a\r\n";
        let ends = format!("{old}\r\n{old}\r\n");
        assert_eq!(bodies(&ends), (vec![String::new()], End::Open));
        let goes_on = format!("{old}Connection: keep-alive\r\n\r\n{old}\r\n");
        assert_eq!(bodies(&goes_on), (vec![String::new(); 2], End::Open));
    }
}
