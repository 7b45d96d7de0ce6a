//! A caller and a set-up as they would be after some edits, or on another plan.

use std::sync::Arc;

use primitives::{Quantity, Symbol, SymbolSet};

use crate::{
    Account, App, Call, Caller, Developer, Edit, LimitValue, Overrides, Profile,
    gates::limits::{Factor, factors},
    scene::{Changes, Request, Scene},
};

/// The parts that edits change, beside a scene whose other parts stay.
pub(crate) struct Draft<'a> {
    scene: &'a Scene<'a>,
    app: App,
    developer: Account,
    account: Option<Account>,
    changes: Changes,
}

impl<'a> Draft<'a> {
    /// What `scene` would be after `edits`.
    pub(super) fn with(scene: &'a Scene<'a>, edits: &[Edit]) -> Self {
        let mut draft = Self {
            scene,
            app: scene.caller.app.clone(),
            developer: scene.caller.developer.clone(),
            account: scene.caller.account.cloned(),
            changes: Changes::default(),
        };
        for edit in edits {
            draft.apply(edit);
        }
        draft
    }

    /// What `scene` would be with the account acted for on `plan`.
    pub(crate) fn on_plan(scene: &'a Scene<'a>, plan: Symbol) -> Self {
        let mut draft = Self::with(scene, &[]);
        if let Some(account) = &mut draft.account {
            account.plan = Some(plan);
        }
        draft
    }

    /// Shows the changed scene.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Scene<'_>) -> T) -> T {
        let caller = Caller {
            app: &self.app,
            developer: &self.developer,
            account: self.account.as_ref(),
            ..self.scene.caller
        };
        let base = Scene::of_caller(self.scene.catalogue, self.scene.api, caller);
        let call;
        let request = match self.scene.request {
            None => None,
            Some(request) => {
                call = Call {
                    caller,
                    ..*request.call
                };
                Some(Request {
                    call: &call,
                    facts: request.facts,
                })
            }
        };
        look(&Scene {
            changes: &self.changes,
            request,
            ..base
        })
    }

    fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Subscribe { api, .. } => Arc::make_mut(&mut self.app.subscriptions).insert(*api),
            Edit::ClearAppOff { capability, .. } => {
                Arc::make_mut(&mut self.app.off).remove(*capability);
            }
            Edit::WidenAppProfile { capability, .. } => widen(&mut self.app.profile, *capability),
            Edit::ChangeList { list } => self.changes.lists.push(*list),
            Edit::WidenPlan { plan, capability } => {
                self.changes.plan_capabilities.push((*plan, *capability));
            }
            Edit::AddToRegion { region, country } => {
                self.changes.countries.push((*region, *country));
            }
            Edit::RaiseDeveloperLimit {
                limit,
                to,
                currency,
                ..
            } => self.raise(Factor::Developer, *limit, *to, currency.as_deref()),
            Edit::RaiseAppLimit {
                limit,
                to,
                currency,
                ..
            } => self.raise(Factor::App, *limit, *to, currency.as_deref()),
            Edit::RaisePlanLimit {
                limit,
                to,
                currency,
                ..
            } => self.raise(Factor::Plan, *limit, *to, currency.as_deref()),
            edit => self.apply_to_developer(edit),
        }
    }

    fn apply_to_developer(&mut self, edit: &Edit) {
        let Some(developer) = self.developer.developer.as_mut().map(Arc::make_mut) else {
            return;
        };
        match edit {
            Edit::AssignLevel { ladder, level, .. } => assign(developer, *ladder, *level),
            Edit::SwitchOn { capability, .. } => {
                toggles(developer, |switches| &mut switches.on).insert(*capability);
            }
            Edit::GrantBusinessUnit { capability, .. } => {
                toggles(developer, |switches| &mut switches.business_unit).insert(*capability);
            }
            Edit::ClearDeveloperOff { capability, .. } => {
                toggles(developer, |switches| &mut switches.off).remove(*capability);
            }
            Edit::WidenDeveloperProfile { capability, .. } => {
                widen(&mut developer.profile, *capability);
            }
            _ => {}
        }
    }

    fn raise(&mut self, by: Factor, limit: Symbol, to: Quantity, currency: Option<&str>) {
        let standing = self.look(|scene| {
            let limit = scene.catalogue.limits.get(limit)?;
            let mut factors = factors(scene, limit).into_iter().flatten();
            let (_, value) = factors.find(|(factor, _)| *factor == by)?;
            Some(value.clone())
        });
        let Some(standing) = standing else {
            return;
        };
        let raised = raised(standing, to, currency);
        match by {
            Factor::Developer => {
                if let Some(developer) = self.developer.developer.as_mut().map(Arc::make_mut) {
                    edited(&mut developer.limits).set(limit, raised);
                }
            }
            Factor::App => edited(&mut self.app.limits).set(limit, raised),
            Factor::Plan => {
                if let Some(plan) = self.account.as_ref().and_then(|account| account.plan) {
                    self.changes.plan_limits.push((plan, limit, raised));
                }
            }
        }
    }
}

fn edited(limits: &mut Arc<Overrides>) -> &mut Overrides {
    Arc::make_mut(limits)
}

fn assign(developer: &mut Developer, ladder: Symbol, level: Symbol) {
    developer.levels.retain(|(on, _)| *on != ladder);
    developer.levels.push((ladder, level));
}

fn toggles(
    developer: &mut Developer,
    which: fn(&mut crate::Switches) -> &mut SymbolSet,
) -> &mut SymbolSet {
    which(Arc::make_mut(&mut developer.switches))
}

fn widen(profile: &mut Option<Arc<Profile>>, capability: Symbol) {
    if let Some(profile) = profile {
        Arc::make_mut(profile).capabilities.insert(capability);
    }
}

/// The value, at least `to`.
fn raised(value: LimitValue, to: Quantity, currency: Option<&str>) -> LimitValue {
    match (value, currency) {
        (LimitValue::Unlimited, _) => LimitValue::Unlimited,
        (LimitValue::AtMost(most), _) => LimitValue::AtMost(most.max(to)),
        (LimitValue::ByCurrency(values), None) => LimitValue::ByCurrency(values),
        (LimitValue::ByCurrency(mut values), Some(currency)) => {
            match values.iter_mut().find(|(name, _)| name == currency) {
                Some((_, most)) => *most = to.max(*most),
                None => values.push((currency.to_owned(), to)),
            }
            LimitValue::ByCurrency(values)
        }
    }
}
