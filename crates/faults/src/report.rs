use std::{collections::BTreeMap, fmt, path::Path, process::Command};

use serde::Serialize;
use serde_json::Value;

/// What a campaign did and found, for a person and for a result file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Ids of the catalogue of faults that it shows.
    pub faults: Vec<&'static str>,
    /// The campaign, as its verb calls it.
    pub campaign: String,
    /// The state of the source that was tried, when git knows.
    pub commit: Option<String>,
    /// The first and the last seed.
    pub seeds: (u64, u64),
    /// Everything that was counted or measured.
    pub counts: BTreeMap<String, Value>,
    /// What broke a promise; empty when all were kept.
    pub broken: Vec<String>,
}

impl Report {
    /// A report that has counted nothing yet.
    #[must_use]
    pub fn new(campaign: &str, faults: &[&'static str], seeds: (u64, u64)) -> Self {
        Self {
            faults: faults.to_vec(),
            campaign: campaign.to_owned(),
            commit: commit(),
            seeds,
            ..Self::default()
        }
    }

    /// Notes a figure.
    pub fn count(&mut self, name: &str, value: impl Into<Value>) {
        self.counts.insert(name.to_owned(), value.into());
    }

    /// Notes that a promise was broken, unless it was kept.
    pub fn demand(&mut self, kept: bool, otherwise: impl FnOnce() -> String) {
        if kept {
            return;
        }
        let broken = otherwise();
        if !self.broken.contains(&broken) {
            self.broken.push(broken);
        }
    }

    /// Writes it as `CAMPAIGN.json` into a folder.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("the folder for results can be made");
        let text = serde_json::to_string_pretty(self).expect("a report is JSON");
        let file = folder.join(format!("{}.json", self.campaign));
        std::fs::write(file, format!("{text}\n")).expect("the result can be written");
    }

    /// Fails loudly when a promise was broken.
    ///
    /// # Panics
    /// With everything that was found.
    pub fn assert_kept(&self) {
        assert!(self.broken.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.campaign, self.faults.join(", "))?;
        for (name, value) in &self.counts {
            write!(f, "\n  {name}: {value}")?;
        }
        for broken in &self.broken {
            write!(f, "\n  BROKEN: {broken}")?;
        }
        Ok(())
    }
}

fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
