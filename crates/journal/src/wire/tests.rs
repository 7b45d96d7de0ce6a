use proptest::{option, prelude::*, prop_oneof};

use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-zA-Z0-9/ä\u{10348}]{1,12}"]
}

fn named() -> impl Strategy<Value = Option<(u128, String)>> {
    option::of((any::<u128>(), text()))
}

fn stand() -> impl Strategy<Value = LimitStand> {
    (
        text(),
        option::of(text()),
        option::of(any::<i64>()),
        option::of(any::<i64>()),
        option::of(any::<i64>()),
    )
        .prop_map(|(limit, currency, most, used, resets_at)| LimitStand {
            limit,
            currency,
            most: most.map(Quantity::from_millionths),
            used: used.map(Quantity::from_millionths),
            resets_at: resets_at.map(Timestamp::from_micros),
        })
}

fn granted() -> impl Strategy<Value = Granted> {
    let marks = || prop::collection::vec(any::<u8>(), 0..20);
    let stands = || prop::collection::vec(stand(), 0..3);
    let capabilities = prop::collection::vec((marks(), stands()), 0..3);
    (marks(), stands(), capabilities).prop_map(|(gates, limits, capabilities)| Granted {
        gates: gates.into(),
        limits,
        capabilities: capabilities
            .into_iter()
            .map(|(gates, limits)| (gates.into(), limits))
            .collect(),
    })
}

fn anomaly() -> impl Strategy<Value = RecordedAnomaly> {
    (prop::array::uniform6(text()), option::of(any::<i64>())).prop_map(|(texts, until)| {
        let [rule, signal, value, action, found, wanted] = texts;
        RecordedAnomaly {
            rule,
            signal,
            value,
            action,
            found,
            wanted,
            until: until.map(Timestamp::from_micros),
        }
    })
}

fn manner() -> impl Strategy<Value = Manner> {
    let country = option::of(prop_oneof![Just("DE"), Just("BR")]);
    let anomalies = prop::collection::vec(anomaly(), 0..3);
    (text(), country, anomalies, any::<u32>()).prop_map(
        |(technology, country, anomalies, levels_down)| Manner {
            technology,
            country: country.map(|code| code.parse().unwrap()),
            anomalies,
            levels_down,
        },
    )
}

fn fact() -> impl Strategy<Value = RecordedFact> {
    let kind = prop_oneof![
        Just(RecordedType::Quantity),
        Just(RecordedType::Text),
        Just(RecordedType::Boolean),
        Just(RecordedType::Country),
    ];
    (
        text(),
        kind,
        option::of(text()),
        any::<bool>(),
        option::of(text()),
    )
        .prop_map(|(name, kind, value, cut, unusable)| RecordedFact {
            name,
            kind,
            value,
            cut,
            unusable,
        })
}

fn spend() -> impl Strategy<Value = CounterSpend> {
    let wide = || prop_oneof![any::<u128>(), Just(0), 0_u128..300];
    (any::<u64>(), wide(), wide(), any::<[i64; 3]>(), any::<u8>()).prop_map(
        |(limit, subject, fact, [begins_at, ends_at, cost], near)| CounterSpend {
            limit,
            subject,
            fact,
            begins_at: Timestamp::from_micros(begins_at),
            ends_at: Timestamp::from_micros(ends_at),
            cost: Quantity::from_millionths(cost),
            near,
        },
    )
}

prop_compose! {
    fn record()(
        (epoch, sequence, at, revision) in any::<(u64, u64, i64, u64)>(),
        mode in option::of(prop_oneof![Just(Mode::Live), Just(Mode::Test)]),
        texts in prop::array::uniform7(text()),
        credential in option::of(any::<u128>()),
        (app, developer, account) in (named(), named(), named()),
        capabilities in prop::collection::vec(text(), 0..3),
        facts in prop::collection::vec(fact(), 0..3),
        (facts_left_out, status) in any::<(u16, u16)>(),
        enforces in any::<bool>(),
        counters in prop::collection::vec(spend(), 0..5),
        granted in option::of(granted()),
        manner in option::of(manner()),
    ) -> Box<CallRecord> {
        let [api, operation, method, path, code, answer, trace_id] = texts;
        Box::new(CallRecord {
            id: RecordId { epoch, sequence },
            at: Timestamp::from_micros(at),
            mode,
            api,
            operation,
            method,
            path,
            credential: credential.map(CredentialId::from_u128),
            app: app.map(|(id, name)| (AppId::from_u128(id), name)),
            developer: developer.map(|(id, name)| (AccountId::from_u128(id), name)),
            account: account.map(|(id, name)| (AccountId::from_u128(id), name)),
            capabilities,
            facts,
            facts_left_out,
            enforcement: if enforces { Enforcement::Enforce } else { Enforcement::Observe },
            status,
            code,
            answer,
            granted,
            counters,
            revision: Revision(revision),
            trace_id,
            manner,
        })
    }
}

fn settlement() -> impl Strategy<Value = Settlement> {
    let served = any::<(u16, u64, u64, u64)>().prop_map(|(status, bytes_in, bytes_out, micros)| {
        CallOutcome::Served {
            status,
            bytes_in,
            bytes_out,
            micros,
        }
    });
    let outcome = prop_oneof![
        Just(CallOutcome::NotSent),
        Just(CallOutcome::Unknown),
        served
    ];
    (any::<(u64, u64, i64, bool)>(), outcome).prop_map(
        |((epoch, sequence, at, refunded), outcome)| Settlement {
            id: RecordId { epoch, sequence },
            at: Timestamp::from_micros(at),
            outcome,
            refunded,
        },
    )
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        record().prop_map(Entry::Refused),
        record().prop_map(Entry::Admitted),
        settlement().prop_map(Entry::Settled),
    ]
}

proptest! {
    #[test]
    fn every_entry_comes_back_as_it_was(entry in entry()) {
        let mut bytes = Vec::new();
        write(&entry, &mut bytes);
        prop_assert_eq!(read(&bytes), Some(entry.clone()));
        // Nothing less is an entry, and nothing more.
        for cut in 0..bytes.len() {
            prop_assert_eq!(read(&bytes[..cut]), None, "cut at {}", cut);
        }
        bytes.push(0);
        prop_assert_eq!(read(&bytes), None);
    }

    #[test]
    fn a_call_and_its_end_come_back_from_their_bytes(
        call in record(),
        settled in option::of(settlement()),
        more in 0_u8..,
    ) {
        let mut bytes = pack(&call, settled.as_ref());
        prop_assert_ne!(bytes[0], b'{', "begins like JSON");
        prop_assert_eq!(unpack(&bytes), Some((*call, settled.clone())));
        let mut end = Vec::new();
        if let Some(settled) = settled {
            write(&Entry::Settled(settled), &mut end);
        }
        for cut in (0..bytes.len()).filter(|cut| cut + end.len() != bytes.len()) {
            prop_assert_eq!(unpack(&bytes[..cut]), None, "cut at {}", cut);
        }
        bytes.push(more);
        prop_assert_eq!(unpack(&bytes), None);
        prop_assert_eq!(unpack(&end), None, "an end without a call");
    }

    #[test]
    fn what_a_newer_writer_adds_is_skipped(settlement in settlement()) {
        let entry = Entry::Settled(settlement);
        let mut bytes = Vec::new();
        write(&entry, &mut bytes);
        // One field more: the array's head says seven instead of six.
        bytes[0] += 1;
        minicbor::Encoder::new(&mut bytes).str("something new").unwrap();
        prop_assert_eq!(read(&bytes), Some(entry));
    }

    /// What no rule looks at is written as it was before there were rules.
    #[test]
    fn a_call_has_the_field_only_where_a_rule_looks_at_it(call in record()) {
        let bytes = pack(&call, None);
        prop_assert_eq!(bytes[1], if call.manner.is_some() { 25 } else { 24 });
        let newer = [&[bytes[0], bytes[1] + 1], &bytes[2..], &[0xF6]].concat();
        if call.manner.is_some() {
            prop_assert_eq!(unpack(&newer), Some((*call, None)), "a newer writer added one");
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_allocate_without_end(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        at in 0_usize..200,
        entry in entry(),
    ) {
        let _ = read(&bytes);
        let mut changed = Vec::new();
        write(&entry, &mut changed);
        let at = at.min(changed.len());
        changed.truncate(at);
        changed.extend(bytes);
        let _ = read(&changed);
    }
}
