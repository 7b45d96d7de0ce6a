//! From measurements to the table, the bars and the line of JSON.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::cpu::Spent;

pub(crate) const NGINX: &str = "nginx";
pub(crate) const PLAIN: &str = "portreeve";
pub(crate) const JUDGED: &str = "portreeve, one policy";
pub(crate) const SIGNED: &str = "portreeve, signed";
pub(crate) const ENVOY: &str = "envoy";

/// More of the core than this in others' hands disturbs a round.
const DISTURBED: f64 = 0.05;

/// Threads that settle calls; the database works for nobody else under load.
fn settles(thread: &str) -> bool {
    thread.starts_with("settlement") || thread.starts_with("sqlx-sqlite")
}

/// One closed loop.
pub(crate) struct Rate {
    pub(crate) calls: u64,
    pub(crate) took: Duration,
    pub(crate) spent: Spent,
    /// Nanoseconds that the subject's core was busy.
    pub(crate) busy: u64,
}

impl Rate {
    fn micros(&self, chosen: impl Fn(&str) -> bool) -> f64 {
        precise(self.spent.sum(chosen)) / 1e3 / precise(self.calls)
    }

    fn others(&self) -> f64 {
        let others = self.busy.saturating_sub(self.spent.sum(|_| true));
        Duration::from_nanos(others).as_secs_f64() / self.took.as_secs_f64()
    }
}

/// One open loop, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Tail {
    p50: f64,
    p99: f64,
    p999: f64,
}

impl Tail {
    pub(crate) fn of(latencies: &Histogram<u64>) -> Self {
        let at = |quantile| precise(latencies.value_at_quantile(quantile)) / 1e6;
        Self {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
        }
    }
}

/// What settlement did beside a constant rate.
pub(crate) struct Lag {
    /// Seconds behind, each second.
    pub(crate) behind: Vec<f64>,
    pub(crate) calls: u64,
    pub(crate) spent: Spent,
}

impl Lag {
    fn most(&self) -> f64 {
        self.behind.iter().copied().fold(0.0, f64::max)
    }

    /// Whether the second half of the time was no further behind than the first.
    fn bounded(&self) -> bool {
        if self.behind.is_empty() {
            return false;
        }
        let (first, second) = self.behind.split_at(self.behind.len() / 2);
        let most = |half: &[f64]| half.iter().copied().fold(0.0, f64::max);
        most(second) <= (1.5 * most(first)).max(1.0)
    }

    fn micros(&self) -> f64 {
        precise(self.spent.sum(settles)) / 1e3 / precise(self.calls)
    }
}

/// Everything measured.
#[derive(Default)]
pub(crate) struct Figures {
    /// In the order of measuring.
    names: Vec<String>,
    rates: BTreeMap<String, Vec<Rate>>,
    tails: BTreeMap<String, Vec<Tail>>,
    idle: BTreeMap<String, u64>,
    pub(crate) lag: Option<Lag>,
}

impl Figures {
    pub(crate) fn rate(&mut self, name: &str, rate: Rate) {
        if !self.rates.contains_key(name) {
            self.names.push(name.to_owned());
        }
        self.rates.entry(name.to_owned()).or_default().push(rate);
    }

    pub(crate) fn tail(&mut self, name: &str, tail: Tail) {
        self.tails.entry(name.to_owned()).or_default().push(tail);
    }

    pub(crate) fn idle(&mut self, name: &str, bytes: u64) {
        self.idle.insert(name.to_owned(), bytes);
    }

    fn of_rates(&self, name: &str, figure: impl Fn(&Rate) -> f64) -> Option<f64> {
        median(self.rates.get(name)?.iter().map(figure))
    }

    /// CPU microseconds of a call, settlement apart.
    fn micros(&self, name: &str) -> Option<f64> {
        self.of_rates(name, |rate| rate.micros(|thread| !settles(thread)))
    }

    fn of_tails(&self, name: &str, figure: impl Fn(&Tail) -> f64) -> Option<f64> {
        median(self.tails.get(name)?.iter().map(figure))
    }

    /// The median of the ratios of each round, as a round's two share what the machine did.
    fn ratio(&self, name: &str, to: &str) -> Option<f64> {
        let micros = |rate: &Rate| rate.micros(|thread| !settles(thread));
        let pairs = self.rates.get(name)?.iter().zip(self.rates.get(to)?);
        median(pairs.map(|(one, other)| micros(one) / micros(other)))
    }

    fn disturbed(&self) -> usize {
        let rates = self.rates.values().flatten();
        rates.filter(|rate| rate.others() > DISTURBED).count()
    }

    fn bars(&self) -> Vec<(&'static str, &'static str, Option<f64>, f64)> {
        let p99 = |name| self.of_tails(name, |tail| tail.p99);
        let over = p99(PLAIN)
            .zip(p99(NGINX))
            .map(|(ours, theirs)| ours - theirs);
        let idle = self.idle.get(PLAIN).map(|&bytes| precise(bytes) / 1_024.0);
        vec![
            (
                "cpu_ratio_nginx",
                "CPU of a call / nginx",
                self.ratio(PLAIN, NGINX),
                1.40,
            ),
            (
                "cpu_ratio_nginx_policy",
                "the same with one policy",
                self.ratio(JUDGED, NGINX),
                1.70,
            ),
            (
                "cpu_ratio_envoy",
                "CPU of a call / Envoy",
                self.ratio(PLAIN, ENVOY),
                0.40,
            ),
            ("p99_over_nginx_ms", "p99 over nginx, ms", over, 0.5),
            (
                "idle_connection_kib",
                "memory of an idle connection, KiB",
                idle,
                16.0,
            ),
        ]
    }

    /// The table, the bars, and the figures as JSON if wanted.
    pub(crate) fn print(&self, as_json: bool) {
        println!(
            "                        CPU us  settle us   calls/s   p50 ms   p99 ms  p99.9 ms  idle KiB"
        );
        for name in &self.names {
            self.print_subject(name);
        }
        for name in [PLAIN, JUDGED, SIGNED] {
            if let Some(rate) = self.rates.get(name).and_then(|rates| rates.last()) {
                let each = |(thread, nanos)| {
                    format!("{thread} {:.1}", precise(nanos) / 1e3 / precise(rate.calls))
                };
                let threads: Vec<_> = rate.spent.by_name().into_iter().map(each).collect();
                println!("{name}, us by thread: {}", threads.join(", "));
            }
        }
        if let Some(lag) = &self.lag {
            println!(
                "settlement at a constant rate: at most {:.1} s behind over {} s ({}), {:.1} us a call",
                lag.most(),
                lag.behind.len(),
                if lag.bounded() { "bounded" } else { "GROWING" },
                lag.micros(),
            );
        }
        println!(
            "{} rounds were disturbed by others on the core",
            self.disturbed()
        );
        for (_, what, figure, bar) in self.bars() {
            match figure {
                None => println!("{what}: not measured (bar {bar:.2})"),
                Some(figure) => {
                    let verdict = if figure <= bar { "holds" } else { "MISSED" };
                    println!("{what}: {figure:.2} (bar {bar:.2}) {verdict}");
                }
            }
        }
        if as_json {
            println!("{}", self.json());
        }
    }

    fn print_subject(&self, name: &str) {
        let shown = |figure: Option<f64>, places: usize| match figure {
            Some(figure) => format!("{figure:.places$}"),
            None => "-".to_owned(),
        };
        let settle = self.of_rates(name, |rate| rate.micros(settles));
        let a_second = self.of_rates(name, |rate| precise(rate.calls) / rate.took.as_secs_f64());
        let idle = self.idle.get(name).map(|&bytes| precise(bytes) / 1_024.0);
        println!(
            "{name:22}  {:>6}  {:>8}  {:>9}  {:>8}  {:>7}  {:>7}  {:>8}  {:>8}",
            shown(self.micros(name), 1),
            shown(self.ratio(name, NGINX), 2),
            shown(settle, 1),
            shown(a_second, 0),
            shown(self.of_tails(name, |tail| tail.p50), 2),
            shown(self.of_tails(name, |tail| tail.p99), 2),
            shown(self.of_tails(name, |tail| tail.p999), 2),
            shown(idle, 1),
        );
    }

    fn json(&self) -> Value {
        let mut all = json!({
            "disturbed": self.disturbed(),
            "cpu_us": {
                "nginx": self.micros(NGINX),
                "portreeve": self.micros(PLAIN),
                "portreeve_policy": self.micros(JUDGED),
                "portreeve_signed": self.micros(SIGNED),
                "envoy": self.micros(ENVOY),
            },
            "p99_ms": {
                "nginx": self.of_tails(NGINX, |tail| tail.p99),
                "portreeve": self.of_tails(PLAIN, |tail| tail.p99),
            },
            "settlement_us": self.lag.as_ref().map(Lag::micros),
            "settlement_lag_s": self.lag.as_ref().map(Lag::most),
            "settlement_bounded": self.lag.as_ref().map(Lag::bounded),
        });
        if let Some(members) = all.as_object_mut() {
            for (key, _, figure, _) in self.bars() {
                members.insert(key.to_owned(), json!(figure));
            }
        }
        all
    }
}

/// The middle one; of an even number the upper of the two in the middle.
fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Exact up to 2^53, which no count here reaches.
#[expect(clippy::cast_precision_loss, reason = "counts here stay below 2^53")]
fn precise(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(threads: &[(&str, u64)]) -> Rate {
        let spent = Spent::told(threads);
        Rate {
            calls: 1_000,
            took: Duration::from_secs(1),
            busy: spent.sum(|_| true),
            spent,
        }
    }

    #[test]
    fn settlement_is_counted_apart() {
        let mut figures = Figures::default();
        let threads = [
            ("gate-0", 20_000_000),
            ("journal", 1_000_000),
            ("settlement", 9_000_000),
            ("sqlx-sqlite-wor", 5_000_000),
        ];
        figures.rate(PLAIN, rate(&threads));
        assert_eq!(figures.micros(PLAIN), Some(21.0));
        assert_eq!(
            figures.of_rates(PLAIN, |rate| rate.micros(settles)),
            Some(14.0)
        );
        assert_eq!(figures.disturbed(), 0);
    }

    /// A machine that is slow in one round is so for both.
    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut figures = Figures::default();
        for (ours, theirs) in [(30_000_000, 20_000_000), (90_000_000, 60_000_000)] {
            figures.rate(PLAIN, rate(&[("gate-0", ours)]));
            figures.rate(NGINX, rate(&[("nginx", theirs)]));
        }
        assert_eq!(figures.ratio(PLAIN, NGINX), Some(1.5));
        assert_eq!(figures.ratio(JUDGED, NGINX), None);
        assert_eq!(figures.json()["cpu_ratio_nginx"], json!(1.5));
        assert_eq!(figures.json()["cpu_ratio_envoy"], Value::Null);
    }

    #[test]
    fn others_on_the_core_are_told() {
        let mut figures = Figures::default();
        let mut disturbed = rate(&[("nginx", 20_000_000)]);
        disturbed.busy += 60_000_000;
        figures.rate(NGINX, disturbed);
        assert_eq!(figures.disturbed(), 1);
    }

    #[test]
    fn a_lag_that_grows_is_not_bounded() {
        let lag = |behind: &[f64]| Lag {
            behind: behind.to_vec(),
            calls: 1,
            spent: Spent::default(),
        };
        assert!(lag(&[0.3, 0.6, 0.4, 0.7]).bounded());
        assert!(lag(&[4.0, 2.0, 1.0, 0.5]).bounded());
        assert!(!lag(&[1.0, 2.0, 3.0, 4.0]).bounded());
        assert!(!lag(&[]).bounded());
    }
}
