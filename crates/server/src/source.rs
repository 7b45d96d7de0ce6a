use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use state::{SourceFile, Sources};

use crate::failure::{Failure, why};

/// Reads state files and the API descriptions that they name.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn read(
    files: &[PathBuf],
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Sources, Failure> {
    let mut sources = Sources {
        variables: variables.into_iter().collect(),
        ..Sources::default()
    };
    for path in files {
        let file = SourceFile {
            path: path.to_string_lossy().into_owned(),
            text: text_of(path)?,
        };
        describe(&file, &sources.variables, &mut sources.descriptions)?;
        sources.files.push(file);
    }
    Ok(sources)
}

fn describe(
    file: &SourceFile,
    variables: &BTreeMap<String, String>,
    descriptions: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    for named in state::described(file, variables) {
        if descriptions.contains_key(&named) {
            continue;
        }
        let text = text_of(Path::new(&named))
            .map_err(|failure| Failure::new(format!("{}: {failure}", file.path)))?;
        descriptions.insert(named, text);
    }
    Ok(())
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(why(format!("reading `{}`", path.display())))?;
    String::from_utf8(bytes).map_err(|problem| {
        let before = problem.utf8_error().valid_up_to();
        let good = problem.as_bytes().get(..before).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        let path = path.display();
        Failure::new(format!(
            "{path}:{line}: this is not UTF-8; save the file as UTF-8"
        ))
    })
}
