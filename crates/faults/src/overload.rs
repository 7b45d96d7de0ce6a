use std::{path::PathBuf, time::Duration};

use crate::{Launch, Node, Offer, Provider, Report, Tally, Workshop, percentile};

/// How an upstream is offered more than it can do.
#[derive(Clone, Debug)]
pub struct Overload {
    /// The binary.
    pub binary: PathBuf,
    /// Calls that the upstream works on at once.
    pub workers: usize,
    /// How long it takes for each.
    pub service: Duration,
    /// How many times of what it can do it is offered.
    pub times: Vec<u32>,
    /// For how long each.
    pub lasts: Duration,
    /// Whether the times of a release build are to be demanded.
    pub release: bool,
}

/// F-22: offers an upstream several times of what it can do, by an open loop, and looks at what
/// is served, how long that takes, how soon the rest is refused, and how soon all is well again.
///
/// # Panics
/// When the node does not start.
pub async fn overload(wanted: &Overload) -> Report {
    let mut report = Report::new("overload", &["F-22"], (0, 0));
    let workshop = Workshop::open(wanted.workers, wanted.service, 16);
    let provider = Provider::new().await;
    let launch = provider.launch_before(Launch::dev(&wanted.binary), workshop.url());
    let started = Node::start(&launch, provider.folder()).await;
    let node = started.expect("the node starts");
    let front = Offer::get(node.public(), &node.key("front"), "/gate/free/1");
    let own = Offer::get(node.public(), &node.key("own"), "/gate/free/1");
    front.closed(4, Duration::from_secs(1)).await;
    let capacity = front.closed(wanted.workers, Duration::from_secs(3)).await;
    let calm = front.at(capacity * 9 / 10, Duration::from_secs(4));
    let calm = calm.make().await;
    let calm_p99 = percentile(&calm.served, 99);
    report.count("capacity_per_second", capacity);
    report.count("calm_p99_micros", calm_p99);
    report.demand(calm.shed.is_empty() && calm.lost() == 0, || {
        format!("{} shed at 0.9 C, {}", calm.shed.len(), calm.losses())
    });
    for times in &wanted.times {
        let offered = front.at(capacity * times, wanted.lasts).over(1024);
        let few = own.at((capacity / 10).max(1), wanted.lasts);
        let (over, own) = tokio::join!(offered.make(), few.make());
        let after = front.at(capacity, Duration::from_secs(5)).make().await;
        let seen = Seen {
            capacity,
            calm_p99,
            lasts: wanted.lasts,
            release: wanted.release,
        };
        seen.tell(&mut report, *times, [&over, &own, &after]);
    }
    report
}

struct Seen {
    capacity: u32,
    calm_p99: u64,
    lasts: Duration,
    release: bool,
}

impl Seen {
    fn tell(&self, report: &mut Report, times: u32, [over, own, after]: [&Tally; 3]) {
        let possible = u64::from(self.capacity) * self.lasts.as_secs();
        let served = (over.served.len() + own.served.len()) as u64;
        let goodput = served * 100 / possible.max(1);
        let name = |what: &str| format!("at_{times}x_{what}");
        // The limit is found within the first seconds; they are told apart.
        let first = over.served.len() * 2 / usize::try_from(self.lasts.as_secs()).unwrap_or(1);
        let (found, steady) = over.served.split_at(first.min(over.served.len()));
        let p99 = percentile(if self.release { &over.served } else { steady }, 99);
        report.count(
            &name("admitted_p99_micros_first_two_seconds"),
            percentile(found, 99),
        );
        let shed = percentile(&over.shed_after_sending, 99);
        // The last two of five seconds.
        let tail = after.served.len() * 100 / (self.capacity as usize * 5).max(1);
        let own_served = own.served.len() * 100 / (own.served.len() + own.shed.len()).max(1);
        report.count(&name("goodput_percent"), goodput);
        report.count(&name("admitted_p99_micros"), p99);
        report.count(
            &name("shed_median_micros"),
            percentile(&over.shed_after_sending, 50),
        );
        report.count(&name("shed_p99_micros"), shed);
        report.count(&name("shed"), over.shed.len());
        report.count(&name("own_served_percent"), own_served);
        report.count(&name("five_seconds_after_percent"), tail);
        let lost = over.lost() + own.lost() + after.lost();
        report.demand(lost == 0, || {
            format!(
                "{times}x: {} {} {}",
                over.losses(),
                own.losses(),
                after.losses()
            )
        });
        report.demand(!over.shed.is_empty(), || format!("{times}x shed nothing"));
        report.demand(goodput >= 90, || format!("{times}x: goodput {goodput} %"));
        // A build without optimisation on a busy machine has no say about times.
        report.demand(!self.release || p99 <= 3 * self.calm_p99, || {
            format!("{times}x: p99 {p99} µs after {} µs in calm", self.calm_p99)
        });
        let (least, bound) = if self.release {
            (99, 5_000)
        } else {
            (90, 500_000)
        };
        report.demand(own_served >= least, || {
            format!("{times}x: the provider's own calls served to {own_served} %")
        });
        report.demand(tail >= if self.release { 95 } else { 70 }, || {
            format!("{times}x: {tail} % of C within 5 s after")
        });
        report.demand(shed <= bound, || format!("{times}x: shed after {shed} µs"));
    }
}
