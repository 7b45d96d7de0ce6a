//! Request streams, and what is done to them: the confusions of framing, path and header that
//! have parted a proxy from its servers before.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::numbers::Numbers;

/// The one key that opens anything, and its secret.
pub(crate) const KEY: (&str, &str) = ("fuzz", "a secret that everybody may know");
/// What no request may reach: no capability opens it.
pub(crate) const CLOSED: &str = "closed";

/// The authority that every honest request names.
const HOST: &str = "localhost";

const METHODS: [&str; 9] = [
    "GET", "GET", "POST", "POST", "PUT", "DELETE", "get", "TRACE", "CONNECT",
];
const PATHS: [&str; 34] = [
    "/echo/ID",
    "/echo/ID",
    "/echo/ID",
    "/echo/ID",
    "/pay/ID",
    "/closed/ID",
    "/echo//ID",
    "//echo/ID",
    "/./echo/ID",
    "/closed/../echo/ID",
    "/echo/../closed/ID",
    "/echo/%2e%2e/closed/ID",
    "/echo/..%2fclosed%2fID",
    "/%65cho/ID",
    "/echo%2fID",
    "/echo/ID%00",
    "/echo/ID;x=y",
    "/echo;x=y/ID",
    "/echo/ID/",
    "/echo/ID.",
    "/echo/ID%20",
    "/echo/ID%2e",
    "/echo\\ID",
    "/echo/%5c..%5cclosed%5cID",
    "/ECHO/ID",
    "/echo/ID#x",
    "/echo/%252e%252e/closed/ID",
    "/echo/%c0%ae%c0%ae/closed/ID",
    "/echo/%E2%82%AC-ID",
    "/echo/ID:@!$&'()*+,=",
    "/echo/%7eID~",
    "/echo/ID%",
    "/echo/ID%3f",
    "/closed%2f..%2fecho/ID",
];
const QUERIES: [&str; 14] = [
    "",
    "",
    "",
    "?a=1",
    "?a=1&a=2",
    "?a=%26b&c",
    "?a+b=c%20d",
    "?",
    "?a=1?b=2",
    "?a=1;b=2",
    "?%00=x",
    "?a[]=1&a[b]=%E2%82%AC",
    "?a=%",
    "?x=/../y#z",
];
const LENGTHS: [&str; 16] = [
    "+N",
    "-N",
    "0xN",
    "N_0",
    "N,N",
    "N, N",
    "N\t",
    " N ",
    "00N",
    "N.0",
    "",
    "N N",
    "18446744073709551616",
    "N\r\nContent-Length: N",
    "N\r\nContent-Length: 0",
    "0",
];
const CODINGS: [&str; 20] = [
    "chunked",
    "Chunked",
    "chunked, chunked",
    "identity, chunked",
    "chunked, identity",
    "gzip, chunked",
    "\x0bchunked",
    "xchunked",
    "\"chunked\"",
    "chunked;q=1",
    ",chunked",
    "chunked,",
    "chunked\t",
    "\r\n chunked",
    "identity",
    "",
    "chunked\r\nTransfer-Encoding: identity",
    "identity\r\nTransfer-Encoding: chunked",
    "chunked\r\nContent-Length: 3",
    "ch\u{75}nked ",
];
const NAMES: [&str; 10] = [
    "Transfer-Encoding ",
    "Transfer_Encoding",
    " Transfer-Encoding",
    "Transfer-Encoding\0",
    "X: y\rTransfer-Encoding",
    "X: y\nTransfer-Encoding",
    "transfer-ENCODING",
    "Content_Length",
    "Content-Length ",
    "Content-Length\t",
];
const SIZES: [&str; 20] = [
    "H",
    "0H",
    "00000000H",
    "H;x",
    "H;x=\"y\"",
    "H ;x",
    "H ",
    " H",
    "0xH",
    "+H",
    "-H",
    "H\t",
    "H\n",
    "H;\nx",
    "H\r",
    "ffffffffffffffff1",
    "fffffffffffffffff",
    "",
    "H;x\rz",
    "H,H",
];
const LASTS: [&str; 14] = [
    "0\r\n\r\n",
    "0\r\n\r\n",
    "0\r\n\r\n",
    "00\r\n\r\n",
    "0;x\r\n\r\n",
    "0\r\nX-T: y\r\n\r\n",
    "0\r\nContent-Length: 5\r\n\r\n",
    "0\r\nPortreeve-Account: x\r\n\r\n",
    "0\n\n",
    "0\r\n\n",
    "0\r\n",
    "0\r\n X: y\r\n\r\n",
    "\r\n\r\n",
    "0\r\nX\r\n\r\n",
];
const FIELDS: [&str; 34] = [
    "X-A: b",
    "Accept: */*",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: content-length",
    "Connection: authorization",
    "Connection: host",
    "Connection: portreeve-context, x-a",
    "Connection: transfer-encoding",
    "Expect: 100-continue",
    "Expect: x",
    "Upgrade: h2c",
    "Upgrade: websocket",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "Host: other.test",
    "Host:",
    "Portreeve-Context: x",
    "Portreeve_Context: x",
    "portreeve-decision: x",
    "X_A: b",
    "X.A: b",
    "X-A : b",
    " X-A: b",
    "X-A: b\r\n c",
    "X-A: b\rc",
    "X-A: b\0",
    "X-A: \x7f",
    "X-\u{e9}: b",
    ": b",
    "X-A",
    "X-HTTP-Method-Override: DELETE",
    "Content-Type: text/plain",
    "Keep-Alive: timeout=5",
    "TE: trailers",
];
const TARGETS: [&str; 8] = [
    "http://HOSTPATH",
    "HTTP://HOSTPATH",
    "http://otherPATH",
    "http://a@HOSTPATH",
    "HOSTPATH",
    "*",
    "https://HOSTPATH",
    "http://HOST:80PATH",
];
const MARKS: [&[u8]; 12] = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b":",
    b"\t",
    b" ",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"\x0b",
    b"\x85",
    b",",
];

/// Stream number `id` to the server under `mount`: one to three requests, mostly with something
/// wrong in one of them.
pub(crate) fn stream(numbers: &mut Numbers, mount: &str, id: u64) -> Vec<u8> {
    let count = 1 + numbers.below(3);
    let hostile = numbers.below(count + 1);
    let mut stream = Vec::new();
    for at in 0..count {
        let name = format!("{}{at}", name_of(id));
        let one = Maker {
            numbers,
            mount,
            hostile: at == hostile,
        }
        .request(&name);
        stream.extend(one);
    }
    if numbers.once_in(4) {
        damage(numbers, &mut stream);
    }
    stream
}

/// What the names of a stream's requests begin with. The number is said twice, the second time
/// scattered, so that a name that loses or gains bytes is never one of another stream.
pub(crate) fn name_of(id: u64) -> String {
    let scattered = id.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    format!("s{id}x{scattered:08x}r")
}

/// One to three marks put in, bytes taken out or repeated, anywhere.
fn damage(numbers: &mut Numbers, stream: &mut Vec<u8>) {
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(stream.len() + 1);
        let end = (at + 1 + numbers.below(3)).min(stream.len());
        match numbers.below(4) {
            0 => drop(stream.drain(at..end)),
            1 => {
                let piece: Vec<u8> = stream.get(at..end).unwrap_or_default().to_vec();
                stream.splice(at..at, piece);
            }
            2 if numbers.once_in(4) => stream.truncate(at),
            _ => {
                let mark = numbers.one(&MARKS);
                stream.splice(at..at, mark.iter().copied());
            }
        }
    }
}

struct Maker<'a> {
    numbers: &'a mut Numbers,
    mount: &'a str,
    hostile: bool,
}

impl Maker<'_> {
    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        self.numbers.one(of)
    }

    /// Whether to do one more thing wrong.
    fn wrong(&mut self, times: usize) -> bool {
        self.hostile && self.numbers.once_in(times)
    }

    fn request(&mut self, name: &str) -> Vec<u8> {
        let honest = self.pick(&["GET", "POST", "PUT"]);
        let method = if self.wrong(3) {
            self.pick(&METHODS)
        } else {
            honest
        };
        let body = self.body(name, method);
        let (framing, framed) = self.framed(method, &body);
        let mut fields = vec![self.authorization()];
        fields.extend(framing);
        if self.wrong(2) {
            let more = self.pick(&FIELDS).to_owned();
            let at = self.numbers.below(fields.len() + 1);
            fields.insert(at, more);
        }
        let host = format!("Host: {HOST}");
        let at = self.numbers.below(fields.len() + 1);
        if !self.wrong(20) {
            fields.insert(at, host);
        }
        let version = if self.wrong(12) {
            self.pick(&[
                "HTTP/1.0",
                "HTTP/0.9",
                "HTTP/2.0",
                "HTTP/1.1 ",
                "http/1.1",
                "",
            ])
        } else {
            "HTTP/1.1"
        };
        let target = self.target(name);
        let end = if self.wrong(15) { "\n" } else { "\r\n" };
        let mut bytes = format!("{method} {target} {version}{end}").into_bytes();
        for field in fields {
            bytes.extend(field.as_bytes());
            bytes.extend(end.as_bytes());
        }
        bytes.extend(end.as_bytes());
        bytes.extend(framed);
        bytes
    }

    fn target(&mut self, name: &str) -> String {
        let path = if self.wrong(2) {
            self.pick(&PATHS)
        } else {
            self.pick(&["/echo/ID", "/echo/ID", "/pay/ID"])
        };
        let query = if self.wrong(3) {
            self.pick(&QUERIES)
        } else {
            ""
        };
        let path = format!("/{}{}{query}", self.mount, path.replace("ID", name));
        if self.wrong(8) {
            let form = self.pick(&TARGETS);
            return form.replace("HOST", HOST).replace("PATH", &path);
        }
        path
    }

    fn authorization(&mut self) -> String {
        let (user, secret) = KEY;
        let good = STANDARD.encode(format!("{user}:{secret}"));
        if self.wrong(12) {
            return match self.numbers.below(4) {
                0 => "X-No: credential".to_owned(),
                1 => format!("Authorization: Basic {}", STANDARD.encode("fuzz:wrong")),
                2 => format!("Authorization: Bearer {good}"),
                _ => format!("Authorization: Basic {good}\r\nAuthorization: Basic {good}"),
            };
        }
        format!("Authorization: Basic {good}")
    }

    /// What a body holds; sometimes a request that must stay a body.
    fn body(&mut self, name: &str, method: &str) -> Vec<u8> {
        if method == "GET" && !self.wrong(6) {
            return Vec::new();
        }
        let (user, secret) = KEY;
        let key = STANDARD.encode(format!("{user}:{secret}"));
        let route = self.pick(&["echo", CLOSED]);
        match self.numbers.below(5) {
            0 => format!(
                "GET /{}/{route}/smuggled-{name} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {key}\r\n\r\n",
                self.mount
            )
            .into_bytes(),
            1 => vec![b'x'; self.numbers.below(3000)],
            2 => b"0\r\n\r\n".to_vec(),
            _ => format!("{{\"amount\":\"{}\"}}", self.numbers.below(150)).into_bytes(),
        }
    }

    /// The fields that frame a body, and the body in that frame.
    fn framed(&mut self, method: &str, body: &[u8]) -> (Vec<String>, Vec<u8>) {
        let json = "Content-Type: application/json".to_owned();
        let length = body.len().to_string();
        if body.is_empty() && method == "GET" && !self.wrong(5) {
            return (Vec::new(), Vec::new());
        }
        if self.wrong(3) {
            return (vec![json, self.lying(&length)], body.to_vec());
        }
        if self.numbers.once_in(3) {
            let coding = if self.wrong(2) {
                self.pick(&CODINGS)
            } else {
                "chunked"
            };
            let name = if self.wrong(6) {
                self.pick(&NAMES)
            } else {
                "Transfer-Encoding"
            };
            let mut fields = vec![json, format!("{name}: {coding}")];
            if self.wrong(4) {
                fields.insert(
                    self.numbers.below(3).min(fields.len()),
                    format!("Content-Length: {length}"),
                );
            }
            return (fields, self.chunked(body));
        }
        (
            vec![json, format!("Content-Length: {length}")],
            body.to_vec(),
        )
    }

    fn lying(&mut self, length: &str) -> String {
        let value = self.pick(&LENGTHS).replace('N', length);
        let name = if self.wrong(4) {
            self.pick(&NAMES)
        } else {
            "Content-Length"
        };
        if self.numbers.once_in(5) {
            format!(
                "{name}: {value}\r\nTransfer-Encoding: {}",
                self.pick(&CODINGS)
            )
        } else {
            format!("{name}: {value}")
        }
    }

    fn chunked(&mut self, body: &[u8]) -> Vec<u8> {
        let mut framed = Vec::new();
        let size = 1 + self.numbers.below(body.len() + 8);
        for chunk in body.chunks(size) {
            let form = if self.wrong(3) {
                self.pick(&SIZES)
            } else {
                "H"
            };
            let hex = if self.numbers.once_in(2) {
                format!("{:X}", chunk.len())
            } else {
                format!("{:x}", chunk.len())
            };
            framed.extend(form.replace('H', &hex).into_bytes());
            framed.extend(b"\r\n");
            framed.extend(chunk);
            framed.extend(
                if self.wrong(8) {
                    self.pick(&["", "\n", "\r", "x\r\n", "\r\n\r\n"])
                } else {
                    "\r\n"
                }
                .as_bytes(),
            );
        }
        framed.extend(
            if self.wrong(3) {
                self.pick(&LASTS)
            } else {
                "0\r\n\r\n"
            }
            .as_bytes(),
        );
        framed
    }
}
