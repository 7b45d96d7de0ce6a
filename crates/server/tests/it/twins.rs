//! Every page and every action of one has its twin over REST.

use std::collections::BTreeSet;

/// The doors of console and site, and the operations that do the same, by name.
const TWINS: &[(&str, &[&str])] = &[
    ("GET /console", &["chartCalls", "listCallRecords", "whoami"]),
    ("GET /console/chart", &["chartCalls"]),
    ("GET /console/apis", &["listApis"]),
    ("GET /console/apis/{name}", &["getApi", "reportDescription"]),
    ("GET /console/developers", &["listAccounts"]),
    (
        "GET /console/developers/{account}",
        &["assessRisk", "getDeveloperPanel", "getDeveloperProfile"],
    ),
    (
        "POST /console/developers/{account}",
        &["assignLevel", "resetToLevel", "setDeveloperLimits"],
    ),
    (
        "POST /console/developers/{account}/toggles",
        &["setDeveloperToggles"],
    ),
    (
        "GET /console/developers/{account}/places/{capability}",
        &["getDeveloperPanel"],
    ),
    (
        "POST /console/developers/{account}/places/{capability}",
        &["confineDeveloper"],
    ),
    ("GET /console/apps", &["listApps"]),
    (
        "GET /console/apps/{name}",
        &["getApp", "getAppCapabilities", "listEvents", "listKeys"],
    ),
    ("GET /console/apps/{name}/chart", &["chartCalls"]),
    (
        "POST /console/apps/{name}",
        &["setAppLimits", "setAppToggles"],
    ),
    (
        "POST /console/apps/{name}/keys",
        &["issueKey", "revokeKey", "rotateKey"],
    ),
    ("GET /console/decisions", &["listCallRecords"]),
    ("GET /console/decisions/rows", &["listCallRecords"]),
    ("GET /console/decisions/{id}", &["explainDecision"]),
    ("GET /console/vettings", &["listVettings"]),
    ("GET /console/vettings/{account}/{ladder}", &["getVetting"]),
    (
        "POST /console/vettings/{account}/{ladder}",
        &["approveVetting", "lookAgain", "refuseVetting"],
    ),
    ("GET /console/anomalies", &["listAnomalies"]),
    (
        "GET /console/anomalies/{id}",
        &["getHabits", "listAnomalies"],
    ),
    ("POST /console/anomalies/{id}", &["markAnomalyFine"]),
    ("GET /console/events", &["exportEvents", "listEvents"]),
    ("GET /console/mail", &["listMails"]),
    ("GET /console/persons", &["listPersons"]),
    ("POST /console/persons", &["invitePerson"]),
    ("GET /console/persons/{id}", &["getPerson"]),
    (
        "POST /console/persons/{id}",
        &[
            "deletePerson",
            "disablePerson",
            "enablePerson",
            "makePasswordLink",
            "removeCodes",
            "removePasskeys",
            "setDuties",
            "signOutEverywhere",
        ],
    ),
    ("GET /apps", &["listOwnApps"]),
    ("POST /apps", &["makeOwnApp"]),
    (
        "GET /apps/{name}",
        &["getOwnApp", "getOwnAppCapabilities", "listOwnKeys"],
    ),
    ("GET /apps/{name}/apis/{api}", &["getOwnAppDescription"]),
    ("GET /apps/{name}/calls", &["listOwnCalls"]),
    ("GET /apps/{name}/calls/{id}", &["explainOwnCall"]),
    ("POST /apps/{name}/keys", &["issueOwnKey"]),
    ("POST /apps/{name}/keys/{key}/rotate", &["rotateOwnKey"]),
    ("POST /apps/{name}/keys/{key}/revoke", &["revokeOwnKey"]),
    ("GET /developer", &["getOwnDeveloper"]),
    ("POST /developer/vetting", &["applyForOwnLevel"]),
    (
        "POST /developer/vetting/withdraw",
        &["withdrawOwnApplication"],
    ),
    ("GET /notices", &["listOwnNotices"]),
    ("POST /notices/read", &["readOwnNotices"]),
    ("POST /you/mails", &["chooseOwnNoticeMails"]),
    (
        "GET /you",
        &[
            "getOneTimeCodes",
            "getOwnNoticeMails",
            "listPasskeys",
            "listSignIns",
            "whoami",
        ],
    ),
    ("POST /you/password", &["changePassword"]),
    ("POST /you/codes", &["beginOneTimeCodes"]),
    ("POST /you/codes/confirm", &["confirmOneTimeCodes"]),
    ("POST /you/codes/end", &["endOneTimeCodes"]),
    ("POST /you/codes/recovery", &["renewRecoveryCodes"]),
    ("POST /you/passkeys", &["addPasskey"]),
    ("POST /you/passkeys/begin", &["beginPasskey"]),
    ("POST /you/passkeys/{id}/remove", &["removePasskey"]),
    ("POST /you/tokens", &["makeAccessToken"]),
    ("POST /you/sign-ins/{id}/end", &["endSignIn"]),
];

/// What is a call of the API itself, which a program makes with a test key.
const CALLS: &[&str] = &[
    "GET /apps/{name}/apis/{api}/try",
    "POST /apps/{name}/apis/{api}/try",
];

/// A new page or action fails here until its operation is named, and one that is gone does too.
///
/// Shows: P-61.
#[test]
fn every_page_and_action_has_its_twin() {
    let document = management::openapi();
    let items = document["paths"].as_object().expect("paths").values();
    let operations: BTreeSet<&str> = items
        .flat_map(|item| item.as_object().expect("operations").values())
        .map(|operation| operation["operationId"].as_str().expect("an id"))
        .collect();
    let mut doors = BTreeSet::new();
    for (method, path, _) in pages::table().into_iter().chain(pages::site_table()) {
        // One's own page is the same on both.
        let path = match path.strip_prefix("/console/you") {
            Some(rest) => format!("/you{rest}"),
            None => path.to_owned(),
        };
        doors.insert(format!("{method} {path}"));
    }
    let named: BTreeSet<String> = TWINS.iter().map(|(door, _)| (*door).to_owned()).collect();
    assert_eq!(named.len(), TWINS.len(), "a door stands there twice");
    let calls = CALLS.iter().map(|door| (*door).to_owned());
    let named: BTreeSet<String> = named.into_iter().chain(calls).collect();
    assert_eq!(doors, named);
    for (door, twins) in TWINS {
        assert!(!twins.is_empty(), "{door}");
        for twin in *twins {
            assert!(operations.contains(twin), "{door}: there is no `{twin}`");
        }
    }
}
