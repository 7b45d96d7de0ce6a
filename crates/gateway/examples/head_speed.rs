//! How long the strict reading of a head takes: `cargo run --release -p gateway --example head_speed`.

use std::{hint::black_box, time::Instant};

use gateway::wire::Framing;

const HEAD: &str = "GET /payments/v1/transactions?account=AC0123456789&limit=20 HTTP/1.1\r\n\
    Host: api.example.com\r\n\
    User-Agent: shop-backend/4.2 (linux; x86_64)\r\n\
    Accept: application/json\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Authorization: Basic a2V5XzAxOWEzYjRjNWQ2ZTdmODA5MTAyOnB0cl9saXZlX2FiY2RlZmdoaWprbG1ub3A=\r\n\
    X-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n\
    Cache-Control: no-cache\r\n\
    Connection: keep-alive\r\n\r\n";

#[expect(
    clippy::disallowed_methods,
    reason = "the figure is of this machine's own clock"
)]
fn main() {
    const ROUNDS: u32 = 2_000_000;
    let mut best = f64::MAX;
    for _ in 0..7 {
        let began = Instant::now();
        for _ in 0..ROUNDS {
            let mut framing = Framing::new(32 * 1024);
            let _ = black_box(framing.advance(black_box(HEAD.as_bytes())));
        }
        best = best.min(began.elapsed().as_secs_f64() / f64::from(ROUNDS));
    }
    println!("{} bytes: {:.0} ns", HEAD.len(), best * 1e9);
}
