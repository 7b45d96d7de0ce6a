//! Every public code, in one place: what it means, its status, and what to do about it.

use std::fmt::Write as _;

use crate::ErrorStatus;

/// A public error code. Stable: it may gain words, never another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// What programs compare.
    pub code: &'static str,
    /// The status it is answered with.
    pub status: ErrorStatus,
    /// What it is called.
    pub title: &'static str,
    /// What happened.
    pub explanation: &'static str,
    /// What to do.
    pub mend: &'static str,
}

/// The code called `text`.
#[must_use]
pub fn find(text: &str) -> Option<&'static Code> {
    GROUPS
        .iter()
        .flat_map(|(_, codes)| codes.iter().copied())
        .find(|code| code.code == text)
}

/// The page that every problem's `type` points to, as it is served.
pub(crate) fn code_table_html() -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Problems</title>\n\
         <h1>Problems</h1>\n<p>Every refusal and every error is \
         <code>application/problem+json</code> (RFC 9457). <code>code</code> is stable; \
         <code>title</code> and <code>detail</code> are for people.</p>\n",
    );
    for (group, codes) in GROUPS {
        let _ = writeln!(page, "<h2>{group}</h2>");
        for code in *codes {
            let _ = writeln!(
                page,
                "<h3 id=\"{0}\">{0}</h3>\n<p>{1} ({2}). What happened: {3}. What to do: {4}.</p>",
                code.code,
                marked_up(code.title),
                code.status.as_u16(),
                marked_up(code.explanation),
                marked_up(code.mend),
            );
        }
    }
    page.push_str("</html>\n");
    page
}

/// Text as HTML; what stands between backticks as code.
fn marked_up(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            let _ = write!(html, "<code>{part}</code>");
        } else {
            html.push_str(part);
        }
    }
    html
}

/// The page that every problem's `type` points to, as the repository has it.
#[must_use]
pub fn code_table_markdown() -> String {
    let mut page = String::from(
        "# Problems\n\nEvery refusal and every error is `application/problem+json` (RFC 9457). \
         `code` is stable; `title` and `detail` are for people.\n",
    );
    for (group, codes) in GROUPS {
        let _ = write!(page, "\n## {group}\n");
        for code in *codes {
            let _ = write!(
                page,
                "\n<a id=\"{0}\"></a>\n### {0}\n\n{1} ({2}). What happened: {3}. What to do: {4}.\n",
                code.code,
                code.title,
                code.status.as_u16(),
                code.explanation,
                code.mend,
            );
        }
    }
    page
}

macro_rules! codes {
    ($($group:literal { $($name:ident = $code:literal, $status:ident, $title:literal,
        $explanation:literal, $mend:literal;)+ })+) => {
        $($(
            #[doc = $title]
            pub const $name: Code = Code {
                code: $code,
                status: ErrorStatus::$status,
                title: $title,
                explanation: $explanation,
                mend: $mend,
            };
        )+)+

        /// All codes, by the part of a request's life they belong to.
        pub const GROUPS: &[(&str, &[&Code])] = &[$(($group, &[$(&$name),+])),+];
    };
}

codes! {
    "Requests to our own interfaces" {
        INTERNAL = "internal", Internal, "Something failed on our side",
            "the request failed for a reason that is not in it",
            "try again; if it happens again, give the operator the request id";
        UNAVAILABLE = "unavailable", Unavailable, "Not available now",
            "the server cannot take the request now",
            "try again in a few seconds";
        STORAGE_FULL = "storage_full", InsufficientStorage, "No room left",
            "there is no room on the disk for what was to be kept; nothing was changed",
            "make room on the disk or volume of the data, then try again; no restart is needed";
        STORE_AWAY = "store_away", Unavailable, "Database not reachable",
            "the database cannot be reached; what was asked for may or may not have been done",
            "try again with the same `Idempotency-Key` once `/readyz` says that the store is back";
        HOST_UNKNOWN = "host_unknown", Misdirected, "Not our name",
            "the request is for a host name that this listener does not answer to",
            "use the address that `portreeve serve` told, or have the operator add the name to the listener's `hosts`";
        NOT_FOUND = "not_found", NotFound, "No such address",
            "nothing is served at this path",
            "compare the path with `/openapi.json`";
        METHOD_NOT_ALLOWED = "method_not_allowed", MethodNotAllowed, "Method not allowed here",
            "the path exists, the method does not",
            "use one of the methods that the `Allow` header lists";
        TOKEN_MISSING = "token_missing", Unauthorized, "No token",
            "the request carries no `Authorization: Bearer` header",
            "send the operator token of this installation, or an access token of a person";
        TOKEN_UNKNOWN = "token_unknown", Unauthorized, "Unknown token",
            "the bearer token is neither the operator token of this installation nor an access token that counts",
            "send the operator token of this installation, or make an access token in the console; an app's key opens only `/v1/me`";
        ROLE_MISSING = "role_missing", Forbidden, "Not open to this caller",
            "whoever asks is known, and no role of theirs opens this",
            "ask an admin for the role that `detail` names, or use the operator token";
        RESOURCE_UNKNOWN = "resource_unknown", NotFound, "No such resource",
            "nothing has this name or id",
            "list the resources of the kind to see their names";
        PATH_INVALID = "path_invalid", BadRequest, "Path cannot be read",
            "a part of the path is not of the form it must have",
            "write the name or id as the list of the kind shows it";
        QUERY_INVALID = "query_invalid", BadRequest, "Query cannot be read",
            "a query parameter is unknown or not of the form it must have",
            "compare the parameters with `/openapi.json`";
        CURSOR_INVALID = "cursor_invalid", BadRequest, "Cursor cannot be used",
            "the cursor was not made by this installation for this list and these filters",
            "send the `next` of the page before, with the same path and filters, or start without a cursor";
        HEADER_MALFORMED = "header_malformed", BadRequest, "Header cannot be read",
            "a request header is not of the form it must have",
            "correct the header that `errors` names";
        BODY_MALFORMED = "body_malformed", BadRequest, "Body cannot be read",
            "the body is not JSON of the shape this operation takes",
            "correct the place that `errors` names";
        BODY_TOO_LARGE = "body_too_large", ContentTooLarge, "Body too large",
            "the body is longer than is taken here",
            "send less at once";
        MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported", UnsupportedMediaType, "Media type not taken",
            "the body is not announced as JSON",
            "send `Content-Type: application/json`";
        PRECONDITION_FAILED = "precondition_failed", PreconditionFailed, "The resource is not as expected",
            "`If-Match` or `If-None-Match` does not hold, so nothing was changed",
            "read the resource again, repeat the change on what is there, and send its `ETag`";
        CONFLICT = "conflict", Conflict, "Changed at the same time",
            "others kept changing the state while this change was made, so nothing was changed",
            "try again";
        SECRET_IN_USE = "secret_in_use", Conflict, "Secret in use",
            "an API, an account or a risk model names the secret, and would be without it; nothing was changed",
            "take its name out of what `detail` names, then remove it";
        IDEMPOTENCY_KEY_MALFORMED = "idempotency_key_malformed", BadRequest, "Idempotency key cannot be read",
            "the `Idempotency-Key` header is not one text of 1 to 128 visible characters",
            "send a fresh random text, such as a UUID";
        IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused", Unprocessable, "Idempotency key used for another request",
            "the same `Idempotency-Key` came before at this path with another body",
            "use a new key for a new request";
        IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use", Conflict, "The same request is still running",
            "a request with the same `Idempotency-Key` has not finished",
            "wait a moment and send it again";
        STATE_INVALID = "state_invalid", Unprocessable, "State cannot be applied",
            "the state documents contradict themselves or what is there; nothing was changed",
            "correct every place that `errors` names";
        CHANGE_REFUSED = "change_refused", Unprocessable, "Change cannot be made",
            "the change contradicts what is there; nothing was changed",
            "correct what `detail` names";
        DESCRIPTION_INVALID = "description_invalid", Unprocessable, "API description cannot be read",
            "the document is not an OpenAPI 3.0 or 3.1 description",
            "correct the place that `errors` names";
        TOO_MANY_FROM_NETWORK = "too_many_from_network", TooManyRequests, "Too many from one address",
            "so many registrations and mails have been asked for from this network address that no more are taken for now",
            "wait some minutes; who shares an address with many others can have the operator raise `registration.per_network_hour`";
        TOO_MANY_REPORTS = "too_many_reports", TooManyRequests, "Too many reports",
            "this address has sent too many reports",
            "wait a minute; name up to 100 secrets in one report";
        SIGN_IN_LINK_INVALID = "sign_in_link_invalid", Forbidden, "Sign-in link cannot be used",
            "the link was used before, has expired, or was never made",
            "make a new one with `portreeve sign-in-link`";
    }
    "Who calls" {
        CREDENTIAL_MISSING = "credential_missing", Unauthorized, "No credential",
            "the call carries no credential",
            "send the app's key id and secret by HTTP Basic, its three tokens, or its certificate";
        CREDENTIAL_MALFORMED = "credential_malformed", Unauthorized, "Credential cannot be read",
            "what is presented is not one credential, whole and once: HTTP Basic with a key id and a secret, or user name, password and signature in their headers",
            "send `Basic` and the base 64 of `key id:secret`, or each of the three headers once and no `Authorization`";
        CREDENTIAL_UNKNOWN = "credential_unknown", Unauthorized, "Unknown credential",
            "no key has this id and secret",
            "compare the key with the one that was shown when it was issued, or issue a new one";
        CREDENTIAL_EXPIRED = "credential_expired", Unauthorized, "Key expired",
            "the key was replaced and its overlap is over",
            "use the key that replaced it";
        CREDENTIAL_REVOKED = "credential_revoked", Unauthorized, "Key revoked",
            "the key was revoked",
            "issue a new key";
        CREDENTIAL_CERTIFICATE = "credential_certificate", Unauthorized, "Certificate does not fit",
            "the credential is bound to a client certificate, and the connection shows none, another, or one that is not valid now",
            "connect with the certificate that the credential is bound to, or issue a credential for the one you have";
        CREDENTIAL_TRIED_TOO_OFTEN = "credential_tried_too_often", TooManyRequests, "Wrong secrets too often",
            "this key was tried with wrong secrets too often",
            "wait a minute and send the right secret; if you did not try, tell the provider";
        ACCOUNT_UNKNOWN = "account_unknown", Unauthorized, "Unknown account",
            "the account the call names does not exist here",
            "name an account by its id or name";
    }
    "What the gates say" {
        ANOMALY_REFUSED = "anomaly_refused", Forbidden, "Unusual call",
            "the call is unlike those that this app usually makes",
            "call as usual, or have the operator mark what is new as fine; if it was not you, replace the key";
        API_INACTIVE = "api_inactive", Forbidden, "API not active",
            "the provider has switched this API off",
            "wait until the provider switches it on";
        NO_UPSTREAM_FOR_MODE = "no_upstream_for_mode", Forbidden, "No upstream in this mode",
            "the API has no upstream for calls of the key's mode",
            "use a key of the other mode, or ask the operator to set an upstream";
        APP_INACTIVE = "app_inactive", Forbidden, "App not active",
            "the app is switched off",
            "ask the operator to switch it on";
        NOT_SUBSCRIBED = "not_subscribed", Forbidden, "Not subscribed",
            "the app is not subscribed to this API",
            "subscribe the app to the API";
        OPERATION_UNKNOWN = "operation_unknown", NotFound, "No such operation",
            "the API's description has no operation with this method and path",
            "compare method and path with the API's description";
        OPERATION_NOT_ANNOTATED = "operation_not_annotated", Forbidden, "Operation closed",
            "the operation is not annotated with a capability, and is closed therefore",
            "ask the operator to annotate it";
        NO_CAPABILITY_APPLIES = "no_capability_applies", Forbidden, "No capability applies",
            "the condition of none of the operation's capabilities holds for this request",
            "compare the request with the conditions of the operation's annotation";
        DEVELOPER_UNVERIFIED = "developer_unverified", Forbidden, "Developer not verified",
            "an unverified developer account has no capabilities",
            "have the account verified";
        LEVEL_TOO_LOW = "level_too_low", Forbidden, "Level too low",
            "the capability belongs to a higher level",
            "ask for the level that `threshold` names";
        LEVEL_NOT_EXACT = "level_not_exact", Forbidden, "Other level needed",
            "the capability belongs to exactly one level, and the developer is on another",
            "ask for the level that `threshold` names";
        BUSINESS_UNIT_NOT_GRANTED = "business_unit_not_granted", Forbidden, "Not granted by the business unit",
            "the capability is granted by a business unit, one developer at a time",
            "ask the business unit that `rule` names";
        SWITCH_OFF_BY_DEFAULT = "switch_off_by_default", Forbidden, "Off by default",
            "the capability belongs to no level and has not been switched on",
            "ask the operator to switch it on";
        CAPABILITY_CLOSED = "capability_closed", Forbidden, "Capability closed",
            "there is no way in: no level, no business unit, no switch",
            "ask the operator to put it on a level";
        SWITCHED_OFF = "switched_off", Forbidden, "Switched off",
            "the capability is switched off for the developer",
            "ask the operator to switch it on again";
        SWITCHED_OFF_FOR_APP = "switched_off_for_app", Forbidden, "Switched off for the app",
            "the capability is switched off for this app",
            "switch it on again for the app";
        OUTSIDE_DEVELOPER_PROFILE = "outside_developer_profile", Forbidden, "Outside the developer profile",
            "the developer's profile does not hold the capability",
            "ask the operator for a wider profile";
        OUTSIDE_APP_PROFILE = "outside_app_profile", Forbidden, "Outside the app profile",
            "the app's profile does not hold the capability",
            "widen the app's profile";
        OUTSIDE_KEY_PERMISSIONS = "outside_key_permissions", Forbidden, "Outside the key's permissions",
            "the key's permission set does not hold the capability",
            "use a key with wider permissions";
        OUTSIDE_PLAN = "outside_plan", Forbidden, "Outside the plan",
            "the plan of the account acted for does not hold the capability",
            "change the account's plan";
        ON_DENY_LIST = "on_deny_list", Forbidden, "On a deny list",
            "the caller is on a deny list",
            "ask the operator";
        NOT_ON_ALLOW_LIST = "not_on_allow_list", Forbidden, "Not on an allow list",
            "the capability is open only to those on an allow list",
            "ask the operator to be put on it";
        POLICY_REFUSED = "policy_refused", Forbidden, "Policy refuses",
            "the capability's policy does not permit the call",
            "meet the condition that the gate names";
        PLACE_NOT_ALLOWED = "place_not_allowed", Forbidden, "Place not allowed",
            "the capability is not offered in this place",
            "call from, or for, one of the regions that `threshold` names";
        PLACE_UNKNOWN = "place_unknown", Forbidden, "Place unknown",
            "the capability is offered in some places only, and this place is not known",
            "register the account's country, or call from an address with a known country";
        LIMIT_EXCEEDED = "limit_exceeded", Forbidden, "Over a limit",
            "a value of the request exceeds a limit",
            "stay at or below `threshold`, ask for a higher limit, or take up one of `offers`";
        FACT_MISSING = "fact_missing", Forbidden, "Value missing",
            "a rule asks for a value that the request does not have",
            "send the value that the gate names";
        FACT_UNUSABLE = "fact_unusable", Forbidden, "Value cannot be used",
            "a rule asks for a value that stands there more than once or in another form",
            "send the value once, in the declared form";
        CURRENCY_NOT_LISTED = "currency_not_listed", Forbidden, "Currency not listed",
            "the limit has no value for the request's currency",
            "use one of the currencies that the limit lists";
        QUOTA_EXHAUSTED = "quota_exhausted", TooManyRequests, "Quota exhausted",
            "a rate limit's counter has reached its limit",
            "wait until the time in `Retry-After`, ask for a higher limit, or take up one of `offers`";
    }
    "On the way to the API" {
        MALFORMED_REQUEST = "malformed_request", BadRequest, "Malformed request",
            "the request can be read in more than one way, or not at all",
            "send it as RFC 9110 and RFC 9112 have it";
        HEAD_TOO_LARGE = "head_too_large", HeadTooLarge, "Head too large",
            "the request line and headers have more bytes or lines than are taken",
            "send fewer or shorter headers";
        REQUEST_TIMEOUT = "request_timeout", Timeout, "Request too slow",
            "the request did not arrive in the time it is given",
            "send it again in one go";
        EXPECTATION_FAILED = "expectation_failed", ExpectationFailed, "Expectation not met",
            "the request expects something other than `100-continue`",
            "send it without that expectation";
        VERSION_NOT_SUPPORTED = "version_not_supported", VersionNotSupported, "Version not supported",
            "the request names a version of HTTP that is not spoken here",
            "send it with HTTP/1.1";
        PATH_NOT_CANONICAL = "path_not_canonical", BadRequest, "Path not canonical",
            "the path has dot segments, empty segments or needless escapes",
            "send the path in its shortest form";
        NO_SUCH_API = "no_such_api", NotFound, "No such API",
            "no API is served under this host and path",
            "compare the address with the one the provider publishes";
        METHOD_NOT_SUPPORTED = "method_not_supported", MethodNotAllowed, "Method not supported",
            "the method is not one that is forwarded",
            "use a method that the API's description lists";
        NOT_OFFERED = "not_offered", NotOffered, "Not offered",
            "the request asks for a protocol feature that is not offered here",
            "send it without that feature";
        UPSTREAM_UNREACHABLE = "upstream_unreachable", BadGateway, "API not reachable",
            "the provider's API could not be reached; nothing was counted unless the outcome is unknown",
            "try again later";
        UPSTREAM_TIMEOUT = "upstream_timeout", GatewayTimeout, "API too slow",
            "the provider's API did not answer in time; whether it did the work is not known",
            "look at the outcome before trying again";
        STATE_STALE = "state_stale", Unavailable, "State may be out of date",
            "what may have changed elsewhere could not be read for 5 s, or the operation changed while the body was on its way, so the call is not admitted",
            "send the call again; if that does not help, the gateway does not reach its database";
        OVERLOADED = "overloaded", Unavailable, "Overloaded",
            "too many calls are in progress",
            "try again after the time in `Retry-After`";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_once_and_explained_on_the_page() {
        let page = code_table_markdown();
        let mut seen = std::collections::BTreeSet::new();
        for (_, codes) in GROUPS {
            for code in *codes {
                assert!(seen.insert(code.code), "{} stands there twice", code.code);
                assert_eq!(find(code.code), Some(*code));
                assert!(page.contains(&format!("<a id=\"{}\"></a>", code.code)));
            }
        }
        assert_eq!(find("no_such_code"), None);
    }
}
