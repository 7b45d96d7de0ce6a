use crate::{
    Api, CompiledFacts, FactTableProblem, Lookup, PathTemplate, Routes, SameShape, TemplateProblem,
};

/// What finding and reading a call of one API needs, made from the API once.
#[derive(Clone, Debug, Default)]
pub struct ApiRoutes {
    routes: Routes<u32>,
    facts: Vec<CompiledFacts>,
}

/// An API cannot be routed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiProblem {
    /// A template that is none.
    #[error("the operation `{operation}` cannot be routed: {problem}")]
    Template {
        /// The operation.
        operation: primitives::Name,
        /// What is wrong.
        problem: TemplateProblem,
    },
    /// Two operations match the same requests.
    #[error("{0}")]
    SameShape(SameShape),
    /// Facts that cannot be read.
    #[error("the facts of `{operation}` cannot be read: {problem}")]
    Facts {
        /// The operation.
        operation: primitives::Name,
        /// What is wrong.
        problem: FactTableProblem,
    },
}

impl ApiRoutes {
    /// Makes the routes and facts of `api` ready.
    ///
    /// # Errors
    /// When an operation cannot be routed or its facts cannot be read.
    pub fn compile(api: &Api) -> Result<Self, ApiProblem> {
        let mut compiled = Self::default();
        for (index, operation) in (0_u32..).zip(&api.operations) {
            let template = PathTemplate::parse(&operation.template).map_err(|problem| {
                let operation = operation.id.clone();
                ApiProblem::Template { operation, problem }
            })?;
            compiled
                .routes
                .insert(&operation.method, &template, index)
                .map_err(ApiProblem::SameShape)?;
            let facts = CompiledFacts::compile(&operation.facts).map_err(|problem| {
                let operation = operation.id.clone();
                ApiProblem::Facts { operation, problem }
            })?;
            compiled.facts.push(facts);
        }
        Ok(compiled)
    }

    /// The place in [`Api::operations`] that a call leads to. `segments` are the decoded
    /// segments of its path below the API's mount.
    pub fn lookup<'r, 's, S: AsRef<str>>(
        &'r self,
        method: &str,
        segments: &'s [S],
        trailing_slash: bool,
    ) -> Lookup<'r, 's, u32> {
        self.routes.lookup(method, segments, trailing_slash)
    }

    /// The facts of the operation at `index`.
    #[must_use]
    pub fn facts(&self, index: u32) -> Option<&CompiledFacts> {
        self.facts.get(usize::try_from(index).ok()?)
    }
}
