//! Is the API there, and may the app come to it at all (P-18, P-35)?

use primitives::Mode;

use crate::{
    Gate,
    finding::{Finding, Listener, Refusal},
    scene::Scene,
};

pub(super) fn api<'a>(scene: &Scene<'a>, listener: &mut impl Listener<'a>) {
    if scene.api.active {
        upstream(scene, listener);
    } else {
        listener.hear(Gate::Api, Finding::Refused(Refusal::ApiInactive));
    }
}

pub(super) fn upstream<'a>(scene: &Scene<'a>, listener: &mut impl Listener<'a>) {
    let upstream = match scene.caller.mode {
        Mode::Live => &scene.api.live,
        Mode::Test => &scene.api.test,
    };
    let refusal = Refusal::NoUpstream(scene.caller.mode);
    listener.hear(Gate::Api, Finding::or_refused(upstream.is_some(), refusal));
}

/// The provider's own app needs no subscription, but it can be switched off.
pub(super) fn subscription_of_provider<'a>(scene: &Scene<'a>, listener: &mut impl Listener<'a>) {
    let finding = if scene.caller.app.active {
        Finding::NotApplicable
    } else {
        Finding::Refused(Refusal::AppInactive)
    };
    listener.hear(Gate::Subscription, finding);
}

pub(super) fn subscription<'a>(scene: &Scene<'a>, listener: &mut impl Listener<'a>) {
    let app = scene.caller.app;
    let subscribed = app.subscriptions.contains(scene.api.symbol);
    if !app.active {
        listener.hear(Gate::Subscription, Finding::Refused(Refusal::AppInactive));
    }
    if !subscribed {
        listener.hear(Gate::Subscription, Finding::Refused(Refusal::NotSubscribed));
    }
    if app.active && subscribed {
        listener.hear(Gate::Subscription, Finding::Passed);
    }
}
