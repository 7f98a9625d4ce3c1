//! The set-up of an Odoo in words.

use super::super::times::Times;
use app::contract::connections::{
    CheckResult, SetupAct as Asked, SetupForm, SetupReportView, SetupStepView, SetupView,
};
use application::odoo::{
    hints::HintState,
    setup::{SetupAct, SetupReport, SetupRequest},
};
use odoo::Ended;
use serde::{Deserialize, Serialize};

/// What a session keeps of the last set-up: never the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LastSetup {
    /// Of which connection.
    pub(super) name: String,
    /// What was done.
    pub(super) report: Option<SetupReport>,
    /// What was wrong, for a page without the browser's half; shown once.
    pub(super) wrong: String,
}

/// What a form asks for.
pub(super) fn request(form: SetupForm) -> SetupRequest {
    let act = match form.act {
        Asked::Preview => SetupAct::Preview,
        Asked::Apply => SetupAct::Apply,
        Asked::PreviewRemoval => SetupAct::PreviewRemoval,
        Asked::Remove => SetupAct::Remove,
    };
    SetupRequest {
        act,
        key: form.key.into(),
        login: Some(form.login),
        hints: form.hints,
        renew: form.renew,
        user: form.user,
        fields: form.fields,
    }
}

/// The set-up of a connection, with what was done last in this session.
pub(super) fn view(hints: HintState, seconds: u64, last: Option<LastSetup>, times: &Times) -> SetupView {
    let silent = hints.is_silent(times.now);
    let pace = match seconds {
        1 => "every second".to_owned(),
        seconds => format!("every {seconds} seconds"),
    };
    let hints = match (hints.set_at, hints.last_at) {
        (None, _) => format!("Not set up: Odoo reports no changes. They are read {pace}."),
        (Some(set), Some(last)) if last >= set => format!("The last report of a change came {}.", times.relative(last)),
        (Some(set), _) if silent => format!(
            "Set up {}, and none came since. Check that Odoo reaches the public address of Milepost, then set up again. Until \
             then changes are read {pace}.",
            times.relative(set)
        ),
        (Some(set), _) => {
            format!("Set up {}; none came yet. Change a transfer in Odoo to try it.", times.relative(set))
        }
    };
    let (report, wrong) = match last {
        Some(last) => (last.report.map(|report| report_view(report, times)), last.wrong),
        None => (None, String::new()),
    };
    SetupView { hints, silent, report, wrong }
}

fn report_view(report: SetupReport, times: &Times) -> SetupReportView {
    let refused = report.refused();
    let steps = match report.steps.len() {
        1 => "1 step".to_owned(),
        n => format!("{n} steps"),
    };
    let title = match (report.act, refused) {
        (SetupAct::Preview, _) => format!("Preview: {steps}"),
        (SetupAct::PreviewRemoval, _) => format!("Preview of the removal: {steps}"),
        (SetupAct::Apply, 0) => format!("Set up: {steps} done"),
        (SetupAct::Remove, 0) => format!("Removed: {steps} done"),
        (_, n) => format!("{n} of {steps} not done"),
    };
    let step = |step: application::odoo::setup::SetupStep| {
        let (result, why) = match step.ended {
            None => (CheckResult::NotRun, String::new()),
            Some(Ended::Done) => (CheckResult::Passed, String::new()),
            Some(Ended::Refused(why)) => (CheckResult::Failed, why),
            Some(Ended::Left) => (CheckResult::NotRun, "It needs what was refused.".to_owned()),
        };
        SetupStepView { what: step.what, result, why }
    };
    SetupReportView {
        title,
        at: times.ago(report.at),
        preview: !report.act.changes(),
        steps: report.steps.into_iter().map(step).collect(),
        notes: report.notes,
    }
}
