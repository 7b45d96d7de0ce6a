use primitives::Name;
use similar::TextDiff;
use store::Kind;

use crate::{
    Applied, ApplyRefused, ApplyRequest, Authority, Unable,
    apply::{Plan, Wanted},
};

/// How what is in force differs from files.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What applying the files would do.
    pub applied: Applied,
    /// The same as a unified difference of state files, `-` in force, `+` in the files.
    pub text: String,
}

/// Compares what is in force with a state, changing nothing.
///
/// # Errors
/// When anything in the state is wrong, or it could not be done.
pub async fn diff(at: &Authority, request: ApplyRequest) -> Result<Difference, ApplyRefused> {
    let wanted = Wanted::read(request).await?;
    let planned = wanted.planned(at, text).await;
    wanted.forget();
    let (applied, text) = planned?;
    Ok(Difference { applied, text })
}

fn text(_: &Authority, _: &ApplyRequest, (plan, _): (&Plan, &Applied)) -> Result<String, Unable> {
    let mut text = String::new();
    for ((kind, name), before, after) in plan.differences() {
        let before = written(*kind, name, before)?;
        let after = written(*kind, name, after)?;
        let label = format!("{kind}/{name}");
        let difference = TextDiff::from_lines(&before, &after);
        text += &difference
            .unified_diff()
            .context_radius(3)
            .header(&label, &label)
            .to_string();
    }
    Ok(text)
}

/// An entry as it stands in a state file; nothing when there is none.
fn written(kind: Kind, name: &Name, body: Option<&str>) -> Result<String, Unable> {
    let Some(body) = body else {
        return Ok(String::new());
    };
    let rendered = state::render([(kind, name, body)])
        .map_err(|problem| Unable::Unreadable(problem.to_string()))?;
    // A description stands in a file of its own.
    let own = rendered
        .descriptions
        .into_iter()
        .next()
        .map(|file| file.text);
    Ok(own.unwrap_or(rendered.state))
}
