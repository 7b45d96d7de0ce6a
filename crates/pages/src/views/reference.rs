use catalog::{
    ParameterPlace,
    openapi::{CallableOperation, is_filled},
};
use flows::{GateAnswer, TrialOutcome};
use serde::Serialize;
use store::Credential;

use super::{CallDetail, link};

/// An operation in the reference of an API.
#[derive(Debug, Serialize)]
pub(crate) struct ReferenceRow {
    pub(crate) key: String,
    pub(crate) method: String,
    pub(crate) template: String,
    pub(crate) summary: String,
    pub(crate) deprecated: bool,
    pub(crate) href: String,
}

impl ReferenceRow {
    /// `there` is where the API's reference stands.
    pub(crate) fn of(one: &CallableOperation, there: &str) -> Self {
        let about = || one.about.lines().next().unwrap_or_default().to_owned();
        Self {
            href: link(&format!("{there}/try"), &[("operation", &one.key)]),
            key: one.key.clone(),
            method: one.method.clone(),
            template: one.template.clone(),
            summary: Some(one.summary.clone())
                .filter(|summary| !summary.is_empty())
                .unwrap_or_else(about),
            deprecated: one.deprecated,
        }
    }

    /// Whether the text stands in it.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        [&self.key, &self.summary]
            .iter()
            .any(|part| part.to_lowercase().contains(&text))
    }
}

/// A field of an operation that is filled in.
#[derive(Debug, Serialize)]
pub(crate) struct FieldView {
    /// What it is called in the form.
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) place: &'static str,
    pub(crate) required: bool,
    pub(crate) about: String,
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// What a place is called in a form.
pub(crate) const fn place_word(place: ParameterPlace) -> &'static str {
    match place {
        ParameterPlace::Path => "path",
        ParameterPlace::Query => "query",
        ParameterPlace::Header => "header",
        ParameterPlace::Cookie => "cookie",
    }
}

impl FieldView {
    /// The fields of an operation with what was typed, or with examples.
    pub(crate) fn all(
        one: &CallableOperation,
        typed: impl Fn(&str) -> Option<String>,
    ) -> Vec<Self> {
        let fields = one.fields.iter();
        let fields = fields.filter(|field| is_filled(field.place, &field.name));
        let view = |field: &catalog::openapi::CallField| {
            let called = format!("{}.{}", place_word(field.place), field.name);
            Self {
                value: typed(&called).unwrap_or_else(|| field.example.clone()),
                field: called,
                name: field.name.clone(),
                place: place_word(field.place),
                required: field.required,
                about: field.about.clone(),
                kind: field.kind.clone(),
            }
        };
        fields.map(view).collect()
    }
}

/// A key that a call may be tried with.
#[derive(Debug, Serialize)]
pub(crate) struct KeyChoice {
    pub(crate) id: String,
    pub(crate) hint: String,
    pub(crate) chosen: bool,
}

impl KeyChoice {
    pub(crate) fn of(key: &Credential, chosen: &str) -> Self {
        let id = key.id.to_string();
        Self {
            chosen: id == chosen,
            hint: key.hint.clone(),
            id,
        }
    }
}

/// What the gate answered.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerView {
    pub(crate) asked: String,
    pub(crate) status: u16,
    pub(crate) tone: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Something that is no text, and is not shown.
    pub(crate) binary: bool,
    pub(crate) bytes: usize,
    pub(crate) cut: bool,
    pub(crate) trace: String,
    pub(crate) decision: Option<String>,
    /// The decision, when its record is there.
    pub(crate) detail: Option<CallDetail>,
}

impl AnswerView {
    pub(crate) fn of(tried: &TrialOutcome, detail: Option<CallDetail>) -> Self {
        let GateAnswer {
            status,
            headers,
            body,
            cut,
            decision,
            trace,
        } = &tried.answer;
        // A character may have been cut in two at the end.
        let text = match std::str::from_utf8(body) {
            Ok(text) => Some(text),
            Err(broken) if *cut && broken.error_len().is_none() => {
                let whole = body.get(..broken.valid_up_to());
                whole.and_then(|whole| std::str::from_utf8(whole).ok())
            }
            Err(_) => None,
        };
        let is_shown = |c: char| !c.is_control() || c.is_whitespace();
        let text = text.filter(|text| text.chars().all(is_shown));
        Self {
            asked: tried.asked.clone(),
            status: *status,
            tone: match status {
                200..=399 => "good",
                _ => "bad",
            },
            headers: headers.clone(),
            binary: text.is_none(),
            body: text.unwrap_or_default().to_owned(),
            bytes: body.len(),
            cut: *cut,
            trace: trace.clone(),
            decision: decision.map(|id| id.to_string()),
            detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use primitives::{CredentialId, Secret};

    use super::*;

    fn shown(body: &[u8], cut: bool) -> AnswerView {
        let tried = TrialOutcome {
            asked: "GET /x".to_owned(),
            answer: GateAnswer {
                status: 200,
                body: body.to_vec(),
                cut,
                ..GateAnswer::default()
            },
            key: (CredentialId::from_u128(1), Secret::new(String::new())),
            call: None,
        };
        AnswerView::of(&tried, None)
    }

    #[test]
    fn a_body_is_shown_as_text_or_not_at_all() {
        assert_eq!(shown("a\n\u{e9}".as_bytes(), false).body, "a\n\u{e9}");
        assert_eq!(shown(&[b'a', 0xc3], true).body, "a");
        assert!(shown(&[b'a', 0xc3], false).binary);
        assert!(shown(&[b'a', 0xff, b'b'], true).binary);
        assert!(shown(&[0x1f, 0x8b, 0], false).binary);
        assert!(shown(b"\x1b[2J", false).binary);
    }
}
