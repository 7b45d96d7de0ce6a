use std::{collections::BTreeMap, fs};

use crate::workspace::Workspace;

/// What the last run of the tests said.
pub(crate) struct Report {
    cases: BTreeMap<(String, String), bool>,
}

impl Report {
    pub(crate) fn read(workspace: &Workspace) -> Result<Self, String> {
        let path = workspace.junit();
        let text = fs::read_to_string(&path).map_err(|problem| {
            format!(
                "{}: {problem}; run `cargo xtask test` first",
                path.display()
            )
        })?;
        Ok(Self::parse(&text))
    }

    /// Reads the few attributes that nextest writes; this is no reader of XML at large.
    fn parse(text: &str) -> Self {
        let mut suite = String::new();
        let mut open: Option<(String, String)> = None;
        let mut cases = BTreeMap::new();
        for tag in text.split('<').skip(1) {
            if let Some(rest) = tag.strip_prefix("testsuite ") {
                suite = attribute(rest, "name").unwrap_or_default();
            } else if let Some(rest) = tag.strip_prefix("testcase ") {
                let case = (suite.clone(), attribute(rest, "name").unwrap_or_default());
                cases.insert(case.clone(), true);
                open = Some(case);
            } else if (tag.starts_with("failure") || tag.starts_with("error"))
                && let Some(case) = &open
            {
                cases.insert(case.clone(), false);
            }
        }
        Self { cases }
    }

    pub(crate) fn passed(&self) -> usize {
        self.cases.values().filter(|passed| **passed).count()
    }

    pub(crate) fn failed(&self) -> usize {
        self.cases.len() - self.passed()
    }

    /// Results of the tests called `function` whose suite and path `accept`.
    pub(crate) fn results(&self, function: &str, accept: impl Fn(&str, &str) -> bool) -> Vec<bool> {
        self.cases
            .iter()
            .filter(|((suite, name), _)| {
                name.rsplit("::").next() == Some(function) && accept(suite, name)
            })
            .map(|(_, passed)| *passed)
            .collect()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    let from = if tag.starts_with(&start) {
        start.len()
    } else {
        tag.find(&format!(" {start}"))? + 1 + start.len()
    };
    let rest = tag.get(from..)?;
    let value = rest.get(..rest.find('"')?)?;
    Some(
        value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_and_failed_cases_are_told_apart() {
        let report = Report::parse(
            r#"<testsuites name="run"><testsuite name="quota" tests="2">
            <testcase name="window::tests::day_ends" classname="quota" time="0.1"></testcase>
            <testcase name="window::tests::week_ends" classname="quota"><failure type="x">no</failure></testcase>
            </testsuite></testsuites>"#,
        );
        assert_eq!((report.passed(), report.failed()), (1, 1));
        assert_eq!(
            report.results("day_ends", |suite, _| suite == "quota"),
            [true]
        );
        assert_eq!(
            report.results("week_ends", |_, name| name.starts_with("window")),
            [false]
        );
        assert!(report.results("month_ends", |_, _| true).is_empty());
    }
}
