use journal::{CallRecord, Settlement};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All that is known of a call, as the call index keeps it in `record`: in the bytes that the
/// journal has it in, and put into words when somebody reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDocument {
    /// What was decided. Its answer is in words.
    pub call: CallRecord,
    /// What became of it; absent when it was refused.
    pub settled: Option<Settlement>,
}

impl CallDocument {
    /// What the record of a row of the call index says; `None` when a newer version wrote it.
    #[must_use]
    pub fn read(record: &[u8]) -> Option<Self> {
        if is_json(record) {
            return serde_json::from_slice(record).ok();
        }
        let (mut call, settled) = journal::unpack(record)?;
        if let Some(words) = admission::granted_in_words(&call) {
            call.answer = words.to_string();
            call.granted = None;
        }
        Some(Self { call, settled })
    }
}

/// The same as JSON: `call`, with the answer as text, and `settled`. Of a record that a newer
/// version wrote as JSON it is what stands there, and otherwise `null`.
#[must_use]
pub fn record_in_words(record: &[u8]) -> Value {
    let words = if is_json(record) {
        serde_json::from_slice(record).ok()
    } else {
        CallDocument::read(record).and_then(|known| serde_json::to_value(known).ok())
    };
    words.unwrap_or_default()
}

/// Whether a record is of before the call index kept them in bytes, which never begin like that.
fn is_json(record: &[u8]) -> bool {
    record.first() == Some(&b'{')
}

#[cfg(test)]
mod tests;
