use std::collections::HashSet;

use primitives::Name;

use crate::PathTemplate;

/// What an OpenAPI document says of an API, as far as a gateway needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// The base paths of its servers, without a slash at the end (`/v1`, or empty). The
    /// templates of the operations are below the first.
    pub base_paths: Vec<String>,
    /// All operations, sorted by template and method.
    pub operations: Vec<DescribedOperation>,
}

/// One operation of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedOperation {
    /// A stable name, unique in the description: the `operationId` with other characters
    /// replaced, or made from the key.
    pub id: Name,
    /// The `operationId` as written.
    pub operation_id: Option<String>,
    /// `METHOD /template`.
    pub key: String,
    /// In upper case.
    pub method: String,
    /// Below the description's first base path.
    pub template: PathTemplate,
    /// One line on what it does.
    pub summary: Option<String>,
    /// Parameters outside the body.
    pub parameters: Vec<Parameter>,
    /// The forms its body may have.
    pub bodies: Vec<BodyFormat>,
    /// Whether the provider wants it gone.
    pub deprecated: bool,
    /// The origin of its server when that is not the description's first server, such as
    /// `https://uploads.example.com`: calls for it do not belong to the API's upstream.
    pub elsewhere: Option<String>,
}

/// A parameter outside the body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parameter {
    /// Its name; of a header in lower case.
    pub name: String,
    /// Where it stands.
    pub place: ParameterPlace,
    /// Whether a call must have it.
    pub required: bool,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterPlace {
    /// In the path template.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

/// One form that a body may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BodyFormat {
    /// The media type as written.
    pub media_type: String,
    /// How it is read.
    pub kind: BodyKind,
    /// The names of its top-level properties, sorted.
    pub properties: Vec<String>,
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyKind {
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Anything else; forwarded, never read.
    Other,
}

impl BodyKind {
    /// The kind of a media type, whatever its parameters.
    #[must_use]
    pub fn of(media_type: &str) -> Self {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        if essence == "application/json" || essence.ends_with("+json") {
            Self::Json
        } else if essence == "application/x-www-form-urlencoded" {
            Self::Form
        } else {
            Self::Other
        }
    }
}

/// The bodies that facts of an operation are read from. A caller cannot choose how its body is
/// read: an upstream that only knows JSON reads JSON, whatever the content type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadableBodies {
    /// JSON.
    pub json: bool,
    /// `application/x-www-form-urlencoded`.
    pub form: bool,
}

impl Default for ReadableBodies {
    fn default() -> Self {
        Self {
            json: true,
            form: true,
        }
    }
}

impl ReadableBodies {
    /// Those that a description lists for an operation; both when it lists none at all.
    #[must_use]
    pub fn of(listed: &[BodyFormat]) -> Self {
        let lists = |kind| {
            listed.iter().any(|format| {
                let essence = format.media_type.split(';').next().unwrap_or_default();
                format.kind == kind || matches!(essence.trim(), "*/*" | "application/*")
            })
        };
        if listed.is_empty() {
            return Self::default();
        }
        Self {
            json: lists(BodyKind::Json),
            form: lists(BodyKind::Form),
        }
    }

    /// Whether a body of this kind is among them.
    #[must_use]
    pub const fn takes(self, kind: BodyKind) -> bool {
        match kind {
            BodyKind::Json => self.json,
            BodyKind::Form => self.form,
            BodyKind::Other => false,
        }
    }
}

impl Description {
    /// The operation that `text` names: by its `operationId`, by its name, or as
    /// `METHOD /template`.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&DescribedOperation> {
        let by_id = |operation: &&DescribedOperation| {
            operation.operation_id.as_deref() == Some(text) || operation.id.as_str() == text
        };
        self.operations.iter().find(by_id).or_else(|| {
            self.operations
                .iter()
                .find(|operation| operation.key == text)
        })
    }

    /// Which operations an annotation opens and which stay closed.
    ///
    /// `annotated` holds names as [`Description::find`] takes them.
    pub fn report<'a>(&self, annotated: impl IntoIterator<Item = &'a str>) -> ImportReport {
        let mut unknown = Vec::new();
        let mut open = HashSet::new();
        for text in annotated {
            match self.find(text) {
                Some(operation) => _ = open.insert(operation.key.as_str()),
                None => unknown.push(text.to_owned()),
            }
        }
        let (annotated, closed) = self
            .operations
            .iter()
            .map(|operation| operation.key.clone())
            .partition(|key| open.contains(key.as_str()));
        ImportReport {
            annotated,
            closed,
            unknown,
        }
    }
}

/// Which operations are annotated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Keys of the operations with an annotation.
    pub annotated: Vec<String>,
    /// Keys of those without: they are refused.
    pub closed: Vec<String>,
    /// Annotations for which the description has no operation.
    pub unknown: Vec<String>,
}
