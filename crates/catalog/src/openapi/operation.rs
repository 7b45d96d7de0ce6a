use primitives::Name;

use super::{
    ImportProblem,
    resolve::{At, Resolver},
    servers::Servers,
};
use crate::{BodyFormat, BodyKind, DescribedOperation, Parameter, ParameterPlace, PathTemplate};

/// An operation before its place below the base path and its name are settled.
pub(super) struct RawOperation {
    pub(super) at: String,
    pub(super) method: String,
    pub(super) template: String,
    pub(super) operation_id: Option<String>,
    /// Its own servers, or its path's.
    pub(super) servers: Option<Servers>,
    summary: Option<String>,
    parameters: Vec<Parameter>,
    bodies: Vec<BodyFormat>,
    deprecated: bool,
    pub(super) elsewhere: Option<String>,
}

impl RawOperation {
    pub(super) fn described(
        self,
        id: Name,
        key: String,
        template: PathTemplate,
    ) -> DescribedOperation {
        DescribedOperation {
            id,
            operation_id: self.operation_id,
            key,
            method: self.method,
            template,
            summary: self.summary,
            parameters: self.parameters,
            bodies: self.bodies,
            deprecated: self.deprecated,
            elsewhere: self.elsewhere,
        }
    }
}

/// Reads the operation of `method`; `item` holds the path item and what it refers to.
pub(super) fn read<'d>(
    resolver: &Resolver<'d>,
    (template, method): (&str, &str),
    item: &[At<'d>],
    operation: &At<'d>,
) -> Result<RawOperation, ImportProblem> {
    if !operation.value.is_object() {
        return Err(operation.wrong("an object"));
    }
    let from_item = |key: &str| item.iter().find_map(|part| part.get(key));
    let mut parameters = Vec::new();
    for list in [operation.get("parameters"), from_item("parameters")]
        .into_iter()
        .flatten()
    {
        for parameter in list.items()? {
            let parameter = read_parameter(&resolver.follow(parameter)?)?;
            // What the operation says of a parameter stands before what its path says.
            let known = parameters.iter().any(|known: &Parameter| {
                (known.place, &known.name) == (parameter.place, &parameter.name)
            });
            if !known {
                parameters.push(parameter);
            }
        }
    }
    parameters.sort_unstable();
    let servers = operation.get("servers").or_else(|| from_item("servers"));
    let summary = operation
        .text("summary")
        .or_else(|| operation.text("description"));
    Ok(RawOperation {
        at: operation.place().to_owned(),
        method: method.to_ascii_uppercase(),
        template: template.to_owned(),
        operation_id: operation.text("operationId").map(str::to_owned),
        servers: servers.map(|at| Servers::read(&at)).transpose()?,
        summary: summary.and_then(first_line),
        parameters,
        bodies: read_bodies(resolver, operation)?,
        deprecated: operation.flag("deprecated"),
        elsewhere: None,
    })
}

fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(200).collect())
}

fn read_parameter(at: &At<'_>) -> Result<Parameter, ImportProblem> {
    let name = at.required_text("name", "give the parameter its name")?;
    let place = at.required_text("in", "say `path`, `query`, `header` or `cookie`")?;
    let (name, place) = match place.as_str() {
        "path" => (name, ParameterPlace::Path),
        "query" => (name, ParameterPlace::Query),
        "header" => (name.to_ascii_lowercase(), ParameterPlace::Header),
        "cookie" => (name, ParameterPlace::Cookie),
        _ => {
            let place = at.get("in");
            let wrong = place.as_ref().unwrap_or(at);
            return Err(wrong.wrong("`path`, `query`, `header` or `cookie`"));
        }
    };
    Ok(Parameter {
        name,
        place,
        required: place == ParameterPlace::Path || at.flag("required"),
    })
}

fn read_bodies<'d>(
    resolver: &Resolver<'d>,
    operation: &At<'d>,
) -> Result<Vec<BodyFormat>, ImportProblem> {
    let Some(body) = operation.get("requestBody") else {
        return Ok(Vec::new());
    };
    let Some(content) = resolver.follow(body)?.get("content") else {
        return Ok(Vec::new());
    };
    let mut bodies = Vec::new();
    for (media_type, format) in content.members()? {
        let properties = match format.get("schema") {
            Some(schema) => resolver.property_names(schema)?,
            None => Vec::new(),
        };
        bodies.push(BodyFormat {
            kind: BodyKind::of(&media_type),
            media_type,
            properties,
        });
    }
    bodies.sort_unstable();
    Ok(bodies)
}
