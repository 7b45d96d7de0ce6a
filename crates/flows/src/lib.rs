//! The cold use-cases, one file each, and background jobs.
//!
//! Each reads what it needs, lets rules say what may be, and commits one write set: the change,
//! its events and the answer an idempotency key keeps, whole or not at all. When the state has
//! moved on in the meantime it starts again from what is there.
//!
//! What it never does: speak HTTP or SQL, hold a business rule of its own, keep a secret
//! unsealed, write one into the event log.
//!
//! To add a use-case: a file with one function on [`Authority`], one enum of the facts that may
//! stand in its way, re-exported here.

mod anomalies;
mod apart;
mod apply;
mod apps;
mod audit;
mod authority;
mod change;
mod confidential;
mod deeds;
mod diff;
mod export;
mod fold;
mod idempotency;
mod import;
mod keys;
mod leaks;
mod mails;
mod notices;
mod own_apps;
mod own_description;
mod own_developer;
mod passwords;
mod persons;
mod profiles;
mod recovery;
mod registration;
mod rounds;
mod secrets;
mod sign_in;
mod toggles;
mod try_call;
mod vetting;

pub use anomalies::{
    ANOMALY_KIND, HabitDocument, MarkRefused, end_step_downs, follow_anomalies, mark_fine,
    start_habits,
};
pub use apply::{ApiReport, Applied, ApplyRefused, ApplyRequest, Reimport, apply};
pub use apps::{Edit, change_app, change_developer};
pub use audit::{ChainCheck, EventLine, Head, Tampered, Verified, read_heads};
pub use authority::{Authority, Unable};
pub use change::{ChangeRefused, Changed, Decide, EntryChange, Fate, change_entry};
pub use confidential::{
    CONFIDENTIAL_KIND, ConfidentialRefused, MOST_CONFIDENTIAL, entrust, entrusted,
    forget_entrusted, reveal,
};
pub use deeds::{Deed, deeds_of_others};
pub use diff::{Difference, diff};
pub use export::export;
pub use fold::{
    CallDocument, CountedLimit, FindLimit, Fold, FoldJob, FoldProblem, Retention, fold_until,
    oldest_needed, record_in_words, start_counters,
};
pub use idempotency::{
    Begun, Held, KeptAnswer, Repeatable, begin, drop_old_keys, keep_shown_once, replay,
};
pub use import::{IMPORT, Import, import};
pub use keys::{
    CREDENTIAL_KIND, IssuedKey, Keep, KeyRefused, KeyWanted, LONGEST_OVERLAP_SECONDS, issue_key,
    revoke_key, rotate_key,
};
pub use leaks::{Leaked, MOST_LEAKED, may_report_leaks, revoke_leaked};
pub use mails::{
    Letter, MAIL_KIND, NotSent, Origins, Post, TooManyFromNetwork, Waiting, send_mails,
    waiting_mails,
};
pub use notices::{
    MOST_UNREAD, NOTICE_DAYS, NoticePage, Notices, choose_mails, notice_reader, own_notices,
    read_notices, tell_of_ending_keys, unread_notices,
};
pub use own_apps::{MOST_OWN_APPS, OwnApp, OwnAppRefused, make_own_app, own_app, own_apps};
pub use own_description::{NotDescribed, own_description, own_reference};
pub use own_developer::{OwnDeveloper, OwnLadder, OwnStep, level_of, own_developer};
pub use passwords::Passwords;
pub use persons::{
    Agreed, Caller, CodesSetUp, Invitation, Invited, MOST_PASSKEYS, NewCodes, PERSON_KIND, Person,
    PersonChange, PersonRefused, RefusedPasskeys, add_passkey, begin_codes, begin_passkey,
    change_password, change_person, confirm_codes, delete_person, end_codes, find_person,
    invite_person, make_password_link, passkeys_of, recovery_codes_left, remove_passkey,
    renew_recovery_codes,
};
pub use profiles::{
    MOST_RECORDS, NewRecord, RECORD_KIND, RecordsRefused, Taken, profile_of, take_records,
};
pub use recovery::{Asked, mail_password_link};
pub use registration::{
    Admits, Applicant, ConfirmRefused, RegisterRefused, Registered, Rules, Terms,
    confirm_registration, invite_developer, register, sign_in_after_registering,
};
pub use rounds::Rounds;
pub use secrets::{
    RemoveRefused, SECRET_KIND, SecretBook, remove_secret, secret_names, set_secret,
};
pub use sign_in::{
    MOST_TOKEN_DAYS, NewLink, NewSignIn, PasswordSet, SIGN_IN_KIND, Tried, begin_passkey_sign_in,
    drop_ended_sign_ins, end_sign_in, find_caller, make_access_token, make_sign_in_link,
    set_password_by_link, sign_in_again, sign_in_by_code, sign_in_by_link, sign_in_by_passkey,
    sign_in_by_password, sign_ins_of, sign_out,
};
pub use toggles::{
    Panel, PanelCapability, PanelLimit, PanelPlaces, Switch, Toggle, ToggleRefused, assign_level,
    confine, limit_at_level, panel, reset_to_level, set_limits, switch_app, switch_developer,
    within_reach,
};
pub use try_call::{
    Gate, GateAnswer, GateCall, MOST_TRIED_BODY, MOST_TRY_KEYS, NoAnswer, NotTried,
    TRY_KEY_SECONDS, Trial, TrialOutcome, TryDesk, TryKey, try_call,
};
pub use vetting::{
    Application, AssessmentDocument, Carrier, LineDocument, RiskServices, RoomDocument,
    VETTING_KIND, Verdict, Vetted, VettingDesk, VettingDocument, VettingRefused, apply_for_level,
    assess, decide_vetting, find_vetting, look_again, look_again_where_needed,
    read as read_vetting, withdraw_application,
};

#[cfg(test)]
mod tests;
