//! The console's sections, in one place: a page names its section and is marked in the menu.

use serde::Serialize;

use crate::Side;

/// Sections that belong together, under a heading of the menu.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) sections: &'static [Section],
}

/// An entry of the menu.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Section {
    /// What views say in `section`.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) href: &'static str,
    /// The drawing of `icons.html`.
    pub(crate) icon: &'static str,
    /// Whether only those see it who handle persons.
    pub(crate) of_admins: bool,
}

const fn section(
    id: &'static str,
    title: &'static str,
    href: &'static str,
    icon: &'static str,
) -> Section {
    Section {
        id,
        title,
        href,
        icon,
        of_admins: false,
    }
}

/// The menu of a side.
pub(crate) const fn groups(side: Side) -> &'static [Group] {
    match side {
        Side::Provider => &GROUPS,
        Side::Developers => &OF_DEVELOPERS,
    }
}

const OF_DEVELOPERS: [Group; 1] = [Group {
    title: "Developer",
    sections: &[
        section("apps", "My apps", "/apps", "app"),
        section("notices", "Notices", "/notices", "mail"),
        section("developer", "My account", "/developer", "shield"),
        section("you", "Your sign-in", "/you", "key"),
    ],
}];

const GROUPS: [Group; 4] = [
    Group {
        title: "Gate",
        sections: &[
            section("overview", "Overview", "/console", "gauge"),
            section("decisions", "Decisions", "/console/decisions", "gate"),
        ],
    },
    Group {
        title: "Catalogue",
        sections: &[section("apis", "APIs", "/console/apis", "layers")],
    },
    Group {
        title: "Developers",
        sections: &[
            section(
                "developers",
                "Developers",
                "/console/developers",
                "building",
            ),
            section("apps", "Apps", "/console/apps", "app"),
            section("vettings", "Vetting", "/console/vettings", "shield"),
            section("anomalies", "Anomalies", "/console/anomalies", "gauge"),
        ],
    },
    Group {
        title: "Installation",
        sections: &[
            section("events", "Event log", "/console/events", "log"),
            Section {
                of_admins: true,
                ..section("persons", "Persons", "/console/persons", "persons")
            },
            Section {
                of_admins: true,
                ..section("mail", "Mail", "/console/mail", "mail")
            },
            section("you", "Your sign-in", "/console/you", "key"),
        ],
    },
];
