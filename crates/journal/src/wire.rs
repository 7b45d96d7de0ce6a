//! Entries as CBOR arrays (RFC 8949). A field is added at the end of its array: older readers
//! skip it, and to newer ones it is missing in older segments. The call list keeps records in
//! these bytes for as long as the settings say: what was written once stays readable.

use std::convert::Infallible;

use minicbor::{Decoder, Encoder, data::Type, decode};
use primitives::{
    AccountId, AppId, CredentialId, Enforcement, Mode, Quantity, RecordId, Revision, Timestamp,
};

use crate::{
    CallOutcome, CallRecord, CounterSpend, Entry, Granted, LimitStand, Manner, RecordedAnomaly,
    RecordedFact, RecordedType, Settlement,
};

const REFUSED: u8 = 0;
const ADMITTED: u8 = 1;
const SETTLED: u8 = 2;

/// The fields of a call's array, its kind among them.
const FIELDS: u64 = 25;
/// What the first versions wrote of them, and what a call has that no rule looks at.
const FIRST_FIELDS: u64 = 24;

type To<'v> = Encoder<&'v mut Vec<u8>>;
type Done = Result<(), minicbor::encode::Error<Infallible>>;
type Read<T> = Result<T, decode::Error>;

/// Writes the record of an admitted call, whose texts may be lent.
pub(crate) fn write_admitted<T: AsRef<str>>(record: &CallRecord<T>, to: &mut Vec<u8>) {
    let _: Done = call(&mut Encoder::new(to), ADMITTED, record);
}

pub(crate) fn write(entry: &Entry, to: &mut Vec<u8>) {
    let mut to = Encoder::new(to);
    // Writing to memory cannot fail: the error type has no value.
    let _: Done = match entry {
        Entry::Refused(record) => call(&mut to, REFUSED, record),
        Entry::Admitted(record) => call(&mut to, ADMITTED, record),
        Entry::Settled(settled) => settlement(&mut to, settled),
    };
}

pub(crate) fn read(bytes: &[u8]) -> Option<Entry> {
    let mut from = Decoder::new(bytes);
    let entry = read_entry(&mut from).ok()?;
    (from.position() == bytes.len()).then_some(entry)
}

/// A call and what became of it, in the bytes that the journal has them in, for whoever keeps
/// them elsewhere.
#[must_use]
pub fn pack(record: &CallRecord, settled: Option<&Settlement>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(768);
    let mut to = Encoder::new(&mut bytes);
    let kind = if settled.is_some() { ADMITTED } else { REFUSED };
    let _: Done = call(&mut to, kind, record)
        .and_then(|()| settled.map_or(Ok(()), |settled| settlement(&mut to, settled)));
    bytes
}

/// What [`pack`] made bytes of; `None` for any other bytes. Such bytes begin like no text.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<(CallRecord, Option<Settlement>)> {
    let mut from = Decoder::new(bytes);
    let (Entry::Refused(call) | Entry::Admitted(call)) = read_entry(&mut from).ok()? else {
        return None;
    };
    let mut settled = None;
    if from.position() < bytes.len() {
        let Entry::Settled(settlement) = read_entry(&mut from).ok()? else {
            return None;
        };
        settled = Some(settlement);
    }
    (from.position() == bytes.len()).then_some((*call, settled))
}

fn call<T: AsRef<str>>(to: &mut To<'_>, kind: u8, call: &CallRecord<T>) -> Done {
    let fields = call.manner.as_ref().map_or(FIRST_FIELDS, |_| FIELDS);
    to.array(fields)?.u8(kind)?;
    to.u64(call.id.epoch)?.u64(call.id.sequence)?;
    to.i64(call.at.as_micros())?;
    match call.mode {
        None => to.null()?,
        Some(mode) => to.bool(mode == Mode::Live)?,
    };
    for text in [&call.api, &call.operation, &call.method, &call.path] {
        to.str(text.as_ref())?;
    }
    match call.credential {
        None => to.null()?,
        Some(id) => to.bytes(&id.as_u128().to_be_bytes())?,
    };
    let app = call.app.as_ref().map(|(id, name)| (id.as_u128(), name));
    named(to, app)?;
    for account in [&call.developer, &call.account] {
        named(to, account.as_ref().map(|(id, name)| (id.as_u128(), name)))?;
    }
    to.array(call.capabilities.len() as u64)?;
    for capability in &call.capabilities {
        to.str(capability.as_ref())?;
    }
    to.array(call.facts.len() as u64)?;
    for one in &call.facts {
        fact(to, one)?;
    }
    to.u16(call.facts_left_out)?;
    to.bool(call.enforcement == Enforcement::Enforce)?;
    to.u16(call.status)?;
    to.str(call.code.as_ref())?.str(call.answer.as_ref())?;
    to.array(call.counters.len() as u64)?;
    for one in &call.counters {
        spend(to, one)?;
    }
    to.u64(call.revision.0)?.str(call.trace_id.as_ref())?;
    granted(to, call.granted.as_ref())?;
    call.manner.as_ref().map_or(Ok(()), |one| manner(to, one))
}

fn manner<T: AsRef<str>>(to: &mut To<'_>, manner: &Manner<T>) -> Done {
    to.array(4)?.str(manner.technology.as_ref())?;
    match manner.country {
        None => to.null()?,
        Some(country) => to.str(&country.to_string())?,
    };
    to.array(manner.anomalies.len() as u64)?;
    for one in &manner.anomalies {
        to.array(7)?;
        for text in [
            &one.rule,
            &one.signal,
            &one.value,
            &one.action,
            &one.found,
            &one.wanted,
        ] {
            to.str(text.as_ref())?;
        }
        number_or_null(to, one.until.map(Timestamp::as_micros))?;
    }
    to.u32(manner.levels_down)?;
    Ok(())
}

fn named<T: AsRef<str>>(to: &mut To<'_>, named: Option<(u128, &T)>) -> Done {
    let Some((id, name)) = named else {
        to.null()?;
        return Ok(());
    };
    to.array(2)?.bytes(&id.to_be_bytes())?.str(name.as_ref())?;
    Ok(())
}

fn fact(to: &mut To<'_>, fact: &RecordedFact) -> Done {
    to.array(5)?.str(&fact.name)?;
    to.u8(match fact.kind {
        RecordedType::Quantity => 0,
        RecordedType::Text => 1,
        RecordedType::Boolean => 2,
        RecordedType::Country => 3,
    })?;
    text_or_null(to, fact.value.as_deref())?;
    to.bool(fact.cut)?;
    text_or_null(to, fact.unusable.as_deref())
}

fn text_or_null(to: &mut To<'_>, text: Option<&str>) -> Done {
    match text {
        None => to.null()?,
        Some(text) => to.str(text)?,
    };
    Ok(())
}

fn number_or_null(to: &mut To<'_>, number: Option<i64>) -> Done {
    match number {
        None => to.null()?,
        Some(number) => to.i64(number)?,
    };
    Ok(())
}

/// A wide number as the bytes that are not zero.
fn wide(to: &mut To<'_>, number: u128) -> Done {
    let zeros = usize::try_from(number.leading_zeros() / 8).unwrap_or(0);
    let bytes = number.to_be_bytes();
    to.bytes(bytes.get(zeros..).unwrap_or_default())?;
    Ok(())
}

fn spend(to: &mut To<'_>, spend: &CounterSpend) -> Done {
    to.array(7)?.u64(spend.limit)?;
    wide(to, spend.subject)?;
    wide(to, spend.fact)?;
    to.i64(spend.begins_at.as_micros())?;
    to.i64(spend.ends_at.as_micros())?;
    to.i64(spend.cost.millionths())?.u8(spend.near)?;
    Ok(())
}

fn granted<T: AsRef<str>>(to: &mut To<'_>, granted: Option<&Granted<T>>) -> Done {
    let Some(granted) = granted else {
        to.null()?;
        return Ok(());
    };
    to.array(3)?.bytes(&granted.gates)?;
    stands(to, &granted.limits)?;
    to.array(granted.capabilities.len() as u64)?;
    for (gates, limits) in &granted.capabilities {
        to.array(2)?.bytes(gates)?;
        stands(to, limits)?;
    }
    Ok(())
}

fn stands<T: AsRef<str>>(to: &mut To<'_>, stands: &[LimitStand<T>]) -> Done {
    to.array(stands.len() as u64)?;
    for stand in stands {
        to.array(5)?.str(stand.limit.as_ref())?;
        text_or_null(to, stand.currency.as_ref().map(AsRef::as_ref))?;
        number_or_null(to, stand.most.map(Quantity::millionths))?;
        number_or_null(to, stand.used.map(Quantity::millionths))?;
        number_or_null(to, stand.resets_at.map(Timestamp::as_micros))?;
    }
    Ok(())
}

fn settlement(to: &mut To<'_>, settled: &Settlement) -> Done {
    to.array(6)?.u8(SETTLED)?;
    to.u64(settled.id.epoch)?.u64(settled.id.sequence)?;
    to.i64(settled.at.as_micros())?.bool(settled.refunded)?;
    match settled.outcome {
        CallOutcome::NotSent => to.bool(false)?,
        CallOutcome::Unknown => to.null()?,
        CallOutcome::Served {
            status,
            bytes_in,
            bytes_out,
            micros,
        } => {
            to.array(4)?.u16(status)?;
            to.u64(bytes_in)?.u64(bytes_out)?.u64(micros)?
        }
    };
    Ok(())
}

/// Reads an array: its fields, of which an older writer had fewer, and whatever a newer one added.
fn array<T>(
    from: &mut Decoder<'_>,
    fields: impl FnOnce(&mut Decoder<'_>, u64) -> Read<(u64, T)>,
) -> Read<T> {
    let length = from.array()?.unwrap_or(0);
    let (known, read) = fields(from, length)?;
    if length < known {
        return Err(decode::Error::message("too few fields"));
    }
    for _ in known..length {
        from.skip()?;
    }
    Ok(read)
}

fn list<T>(
    from: &mut Decoder<'_>,
    mut one: impl FnMut(&mut Decoder<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let length = from.array()?.unwrap_or(0);
    (0..length).map(|_| one(from)).collect()
}

fn read_entry(from: &mut Decoder<'_>) -> Read<Entry> {
    array(from, |from, length| match from.u8()? {
        REFUSED => {
            let (known, call) = read_call(from, length)?;
            Ok((known, Entry::Refused(Box::new(call))))
        }
        ADMITTED => {
            let (known, call) = read_call(from, length)?;
            Ok((known, Entry::Admitted(Box::new(call))))
        }
        SETTLED => Ok((6, Entry::Settled(read_settlement(from)?))),
        _ => Err(decode::Error::message("no such kind of entry")),
    })
}

/// A call, and how many fields of its array are read. The first versions wrote 24.
fn read_call(from: &mut Decoder<'_>, length: u64) -> Read<(u64, CallRecord)> {
    let mut call = CallRecord {
        id: RecordId {
            epoch: from.u64()?,
            sequence: from.u64()?,
        },
        at: Timestamp::from_micros(from.i64()?),
        mode: optional(from, |from| {
            Ok(if from.bool()? { Mode::Live } else { Mode::Test })
        })?,
        api: text(from)?,
        operation: text(from)?,
        method: text(from)?,
        path: text(from)?,
        credential: optional(from, |from| Ok(CredentialId::from_u128(read_wide(from)?)))?,
        app: read_named(from)?.map(|(id, name)| (AppId::from_u128(id), name)),
        developer: read_named(from)?.map(|(id, name)| (AccountId::from_u128(id), name)),
        account: read_named(from)?.map(|(id, name)| (AccountId::from_u128(id), name)),
        capabilities: list(from, text)?,
        facts: list(from, read_fact)?,
        facts_left_out: from.u16()?,
        enforcement: if from.bool()? {
            Enforcement::Enforce
        } else {
            Enforcement::Observe
        },
        status: from.u16()?,
        code: text(from)?,
        answer: text(from)?,
        counters: list(from, read_spend)?,
        revision: Revision(from.u64()?),
        trace_id: text(from)?,
        granted: optional(from, read_granted)?,
        manner: None,
    };
    if length < FIELDS {
        return Ok((FIRST_FIELDS, call));
    }
    call.manner = Some(read_manner(from)?);
    Ok((FIELDS, call))
}

fn read_manner(from: &mut Decoder<'_>) -> Read<Manner> {
    array(from, |from, _| {
        let manner = Manner {
            technology: text(from)?,
            country: optional(from, text)?.and_then(|text| text.parse().ok()),
            anomalies: list(from, read_anomaly)?,
            levels_down: from.u32()?,
        };
        Ok((4, manner))
    })
}

fn read_anomaly(from: &mut Decoder<'_>) -> Read<RecordedAnomaly> {
    array(from, |from, _| {
        let anomaly = RecordedAnomaly {
            rule: text(from)?,
            signal: text(from)?,
            value: text(from)?,
            action: text(from)?,
            found: text(from)?,
            wanted: text(from)?,
            until: optional(from, Decoder::i64)?.map(Timestamp::from_micros),
        };
        Ok((7, anomaly))
    })
}

fn optional<'b, T>(
    from: &mut Decoder<'b>,
    one: impl FnOnce(&mut Decoder<'b>) -> Read<T>,
) -> Read<Option<T>> {
    if from.datatype()? == Type::Null {
        from.null()?;
        return Ok(None);
    }
    one(from).map(Some)
}

fn text(from: &mut Decoder<'_>) -> Read<String> {
    from.str().map(str::to_owned)
}

fn read_named(from: &mut Decoder<'_>) -> Read<Option<(u128, String)>> {
    optional(from, |from| {
        array(from, |from, _| Ok((2, (read_wide(from)?, text(from)?))))
    })
}

fn read_wide(from: &mut Decoder<'_>) -> Read<u128> {
    let bytes = from.bytes()?;
    if bytes.len() > 16 {
        return Err(decode::Error::message("too wide a number"));
    }
    let digit = |number: u128, &byte: &u8| (number << 8) | u128::from(byte);
    Ok(bytes.iter().fold(0, digit))
}

fn read_fact(from: &mut Decoder<'_>) -> Read<RecordedFact> {
    array(from, |from, _| {
        let fact = RecordedFact {
            name: text(from)?,
            kind: match from.u8()? {
                0 => RecordedType::Quantity,
                1 => RecordedType::Text,
                2 => RecordedType::Boolean,
                3 => RecordedType::Country,
                _ => return Err(decode::Error::message("no such type of fact")),
            },
            value: optional(from, text)?,
            cut: from.bool()?,
            unusable: optional(from, text)?,
        };
        Ok((5, fact))
    })
}

fn read_spend(from: &mut Decoder<'_>) -> Read<CounterSpend> {
    array(from, |from, _| {
        let spend = CounterSpend {
            limit: from.u64()?,
            subject: read_wide(from)?,
            fact: read_wide(from)?,
            begins_at: Timestamp::from_micros(from.i64()?),
            ends_at: Timestamp::from_micros(from.i64()?),
            cost: Quantity::from_millionths(from.i64()?),
            near: from.u8()?,
        };
        Ok((7, spend))
    })
}

fn read_granted(from: &mut Decoder<'_>) -> Read<Granted> {
    array(from, |from, _| {
        let granted = Granted {
            gates: from.bytes()?.into(),
            limits: list(from, read_stand)?,
            capabilities: list(from, |from| {
                array(from, |from, _| {
                    Ok((2, (from.bytes()?.into(), list(from, read_stand)?)))
                })
            })?,
        };
        Ok((3, granted))
    })
}

fn read_stand(from: &mut Decoder<'_>) -> Read<LimitStand> {
    array(from, |from, _| {
        let stand = LimitStand {
            limit: text(from)?,
            currency: optional(from, text)?,
            most: optional(from, Decoder::i64)?.map(Quantity::from_millionths),
            used: optional(from, Decoder::i64)?.map(Quantity::from_millionths),
            resets_at: optional(from, Decoder::i64)?.map(Timestamp::from_micros),
        };
        Ok((5, stand))
    })
}

fn read_settlement(from: &mut Decoder<'_>) -> Read<Settlement> {
    Ok(Settlement {
        id: RecordId {
            epoch: from.u64()?,
            sequence: from.u64()?,
        },
        at: Timestamp::from_micros(from.i64()?),
        refunded: from.bool()?,
        outcome: match from.datatype()? {
            Type::Null => {
                from.null()?;
                CallOutcome::Unknown
            }
            Type::Bool if !from.bool()? => CallOutcome::NotSent,
            Type::Array => array(from, |from, _| {
                let served = CallOutcome::Served {
                    status: from.u16()?,
                    bytes_in: from.u64()?,
                    bytes_out: from.u64()?,
                    micros: from.u64()?,
                };
                Ok((4, served))
            })?,
            _ => return Err(decode::Error::message("no such outcome")),
        },
    })
}

#[cfg(test)]
mod tests;
