use keys::InstallationKeys;
use primitives::SeededEntropy;

use super::*;

/// A sequence of numbers that is the same at every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

struct Log {
    events: Vec<Event>,
    heads: Vec<Head>,
    signed: String,
    keys: VerifyingKeys,
    signing: SigningKey,
}

fn linked(mut event: Event, before: &Link) -> Event {
    event.link = Some(link(before, &event));
    event
}

/// 60 events of 40 commits, with a signed head after some of them and after the last.
fn log() -> Log {
    let keys = InstallationKeys::generate(&SeededEntropy::new(9)).unwrap();
    let signing = keys.signing_key().unwrap();
    let (mut events, mut heads, mut before) = (Vec::new(), Vec::new(), NO_LINK);
    for number in 0..60_u32 {
        let event = linked(
            Event {
                id: EventId::from_u128(u128::from(number) + 1),
                revision: Revision(u64::from(number / 3 * 2 + number % 3 / 2) + 1),
                position: u32::from(number % 3 == 1),
                at: Timestamp::from_seconds(1_700_000_000 + i64::from(number)),
                actor: "operator".to_owned(),
                action: EventAction::Updated,
                kind: "account".to_owned(),
                name: format!("dev-{number}"),
                detail: format!("{{\"level\":\"é{number}\"}}"),
                link: None,
            },
            &before,
        );
        before = event.link.unwrap();
        if number % 7 == 6 || number == 59 {
            heads.push(Head::at(&event, event.at).unwrap());
        }
        events.push(event);
    }
    let signed: Vec<String> = heads
        .iter()
        .map(|head| head.sign(&signing).unwrap())
        .collect();
    Log {
        events,
        heads,
        signed: signed.join("\n"),
        keys: VerifyingKeys::from_jwks(&signing.jwks().to_string()).unwrap(),
        signing,
    }
}

fn lines(events: &[Event]) -> Vec<String> {
    let line = |event| serde_json::to_string(&EventLine::from(event)).unwrap();
    events.iter().map(line).collect()
}

fn check(log: &Log, lines: &[String], heads: &str) -> Result<Verified, Tampered> {
    // Signatures take long; what is as it was is not read again.
    let heads = if heads == log.signed {
        log.heads.clone()
    } else {
        read_heads(heads, &log.keys)?
    };
    let mut check = ChainCheck::begin(heads);
    for line in lines {
        check.line(line)?;
    }
    check.end()
}

#[test]
fn a_log_as_it_was_written_is_in_order_with_or_without_heads() {
    let log = log();
    let lines = lines(&log.events);
    assert_eq!(read_heads(&log.signed, &log.keys).unwrap(), log.heads);
    let found = check(&log, &lines, &log.signed).unwrap();
    assert_eq!((found.events, found.heads), (60, log.heads.len() as u64));
    assert_eq!((found.unlinked, found.after_last_head), (0, 0));
    let found = check(&log, &lines, "").unwrap();
    assert_eq!(
        (found.events, found.heads, found.after_last_head),
        (60, 0, 60)
    );
    assert_eq!(check(&log, &[], "").unwrap(), Verified::default());
}

#[test]
fn events_from_before_there_were_links_come_first_or_not_at_all() {
    let log = log();
    let mut early = log.events.clone();
    early[0].link = None;
    let mut events = vec![early[0].clone()];
    events.push(linked(log.events[1].clone(), &NO_LINK));
    let found = check(&log, &lines(&events), "").unwrap();
    assert_eq!((found.events, found.unlinked), (2, 1));
    events.swap(0, 1);
    events[1].revision = Revision(9);
    assert_eq!(check(&log, &lines(&events), ""), Err(Tampered::Link(2)));
}

/// Whatever is done to the exported log or the heads, by somebody who can compute links and has
/// no key to sign with.
///
/// Shows: F-35.
#[test]
fn ten_thousand_changes_are_all_found() {
    let log = log();
    let (whole, mut numbers) = (lines(&log.events), Numbers(1));
    let mut kinds = [0_u32; 9];
    let mut tried = 0;
    while tried < 10_000 {
        let mut changed = whole.clone();
        let mut heads = log.signed.clone();
        let (kind, at) = (numbers.below(kinds.len()), numbers.below(whole.len()));
        let other = numbers.below(whole.len());
        match kind {
            0 => changed[at] = flipped(&whole[at], &mut numbers),
            1 => drop(changed.remove(at)),
            2 => changed.swap(at, other),
            3 => changed.insert(at, whole[other].clone()),
            4 => changed.truncate(at),
            // Everything from there on is linked anew.
            5 => changed = lines(&relinked(&log.events, at, |event| event.actor.push('x'))),
            6 => {
                changed = lines(&relinked(&log.events[..=at], at, |event| {
                    event.detail.clear();
                }));
            }
            7 => drop(changed.drain(at..at.saturating_add(1 + other % 9).min(whole.len()))),
            _ => heads = flipped(&log.signed, &mut numbers),
        }
        if changed == whole && heads == log.signed {
            continue;
        }
        let found = check(&log, &changed, &heads);
        assert!(found.is_err(), "kind {kind} at {at} and {other}: {found:?}");
        kinds[kind] += 1;
        tried += 1;
    }
    assert!(kinds.iter().all(|tried| *tried > 500), "{kinds:?}");
}

/// One bit of a text is another one.
fn flipped(text: &str, numbers: &mut Numbers) -> String {
    loop {
        let mut bytes = text.as_bytes().to_vec();
        let at = numbers.below(bytes.len());
        bytes[at] ^= 1 << numbers.below(8);
        match String::from_utf8(bytes) {
            // The lines themselves are the same to who reads by lines.
            Ok(changed) if !changed.lines().eq(text.lines()) => return changed,
            _ => {}
        }
    }
}

fn relinked(events: &[Event], from: usize, change: impl Fn(&mut Event)) -> Vec<Event> {
    let mut events = events.to_vec();
    change(&mut events[from]);
    let mut before = match from.checked_sub(1) {
        Some(before) => events[before].link.unwrap(),
        None => NO_LINK,
    };
    for event in &mut events[from..] {
        *event = linked(event.clone(), &before);
        before = event.link.unwrap();
    }
    events
}

#[test]
fn a_head_of_another_key_or_out_of_order_is_refused() {
    let log = log();
    let other = InstallationKeys::generate(&SeededEntropy::new(10)).unwrap();
    let foreign = log.heads[0].sign(&other.signing_key().unwrap()).unwrap();
    let refused = read_heads(&foreign, &log.keys);
    assert!(
        matches!(refused, Err(Tampered::Head { line: 1, .. })),
        "{refused:?}"
    );
    let of = |index: usize| log.heads[index].sign(&log.signing).unwrap();
    let twice = format!("{}\n{}\n{}", of(0), of(1), of(1));
    assert_eq!(read_heads(&twice, &log.keys), Err(Tampered::HeadOrder(3)));
    // A token of the same key for something else is no head.
    let context = log.signing.sign("context+jwt", &log.heads[0]).unwrap();
    assert!(read_heads(&context, &log.keys).is_err());
}
