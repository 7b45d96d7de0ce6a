//! The public codes of refusals: stable, machine-readable, one meaning each.

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)+) => {
        $(#[doc = $meaning] pub const $name: &str = $code;)+

        /// Every code with its meaning, for problem titles and the book's code table.
        pub const ALL: &[(&str, &str)] = &[$(($code, $meaning)),+];
    };
}

codes! {
    ANOMALY_REFUSED = "anomaly_refused", "the call is unlike those that this app usually makes";
    API_INACTIVE = "api_inactive", "the API is switched off";
    NO_UPSTREAM_FOR_MODE = "no_upstream_for_mode", "the API has no upstream for the mode of the key";
    APP_INACTIVE = "app_inactive", "the app is switched off";
    NOT_SUBSCRIBED = "not_subscribed", "the app is not subscribed to the API";
    OPERATION_NOT_ANNOTATED = "operation_not_annotated", "the operation names no capability, and is closed";
    NO_CAPABILITY_APPLIES = "no_capability_applies", "no condition of the operation's capabilities holds for this request";
    DEVELOPER_UNVERIFIED = "developer_unverified", "the developer account is not verified";
    LEVEL_TOO_LOW = "level_too_low", "the capability belongs to a higher level";
    LEVEL_NOT_EXACT = "level_not_exact", "the capability belongs to another level, exactly";
    BUSINESS_UNIT_NOT_GRANTED = "business_unit_not_granted", "the business unit has not granted the capability";
    SWITCH_OFF_BY_DEFAULT = "switch_off_by_default", "the capability is off until it is switched on";
    CAPABILITY_CLOSED = "capability_closed", "the capability has no way in here, by level, business unit or switch";
    SWITCHED_OFF = "switched_off", "the capability is switched off for the developer";
    SWITCHED_OFF_FOR_APP = "switched_off_for_app", "the capability is switched off for the app";
    OUTSIDE_DEVELOPER_PROFILE = "outside_developer_profile", "the developer profile does not open the capability";
    OUTSIDE_APP_PROFILE = "outside_app_profile", "the app profile does not open the capability";
    OUTSIDE_KEY_PERMISSIONS = "outside_key_permissions", "the permission set of the key does not open the capability";
    OUTSIDE_PLAN = "outside_plan", "the plan of the account does not open the capability";
    ON_DENY_LIST = "on_deny_list", "the caller is on a deny list";
    NOT_ON_ALLOW_LIST = "not_on_allow_list", "the caller is on none of the allow lists that concern the call";
    POLICY_REFUSED = "policy_refused", "the capability's policy does not permit the call";
    PLACE_NOT_ALLOWED = "place_not_allowed", "the place is in none of the allowed regions";
    PLACE_UNKNOWN = "place_unknown", "the place is not known, and only some places are allowed";
    LIMIT_EXCEEDED = "limit_exceeded", "a value of the request exceeds its limit";
    FACT_MISSING = "fact_missing", "the request lacks a value that a rule needs";
    FACT_UNUSABLE = "fact_unusable", "the request has a value that a rule needs, but not in a usable form";
    CURRENCY_NOT_LISTED = "currency_not_listed", "the limit has no value in the currency of the request";
    QUOTA_EXHAUSTED = "quota_exhausted", "the quota of the current window does not cover the call";
    ACCOUNT_UNKNOWN = "account_unknown", "the call names no account, and a limit counts by account";
}
